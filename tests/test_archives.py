import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from photos import portrait_as_png

from fer_models import archives
from fer_models.archives import ArchiveError, list_files, open_archive, read_entry
from fer_models.images import ImageError


def write_zip(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def refuse(path: Path) -> str:
    """The reason why a zip is not opened."""
    with pytest.raises(ArchiveError, match=r"\.$") as caught, open_archive(path):
        pass
    return caught.value.reason


def refuse_entry(path: Path) -> str:
    """The reason why the only entry of a zip is not read."""
    with open_archive(path) as archive, pytest.raises((ArchiveError, ImageError)) as caught:
        read_entry(archive, list_files(archive)[0])
    return caught.value.reason


@contextmanager
def little_memory() -> Iterator[None]:
    """What the block does takes less than 10 MB."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_files_are_listed_without_what_systems_leave(tmp_path: Path) -> None:
    paths = ["../../etc/passwd.jpg", "/a.jpg", "..\\a.jpg"]  # are only names
    for names, listed in (
        ([], []),
        (["b.jpg", "2024/a.jpg", "2024/", "notes.txt"], ["b.jpg", "2024/a.jpg", "notes.txt"]),
        (["__MACOSX/._a.jpg", "x/.hidden/a.jpg", "x/Thumbs.db", "$RECYCLE.BIN\\a.jpg"], []),
        (paths, paths),
    ):
        path = write_zip(tmp_path / "a.zip", dict.fromkeys([*names, "last.jpg"], b"x"))
        with open_archive(path) as archive:
            assert [info.filename for info in list_files(archive)] == [*listed, "last.jpg"]


@pytest.mark.parametrize(
    ("reason", "content"),
    [
        ("zip_empty", {}),
        ("zip_empty", {"folder/": b"", "__MACOSX/._a.jpg": b"x"}),
        ("zip_too_many", {f"{index}.jpg": b"" for index in range(archives.MAX_ENTRIES + 1)}),
        ("zip_too_many", {f"{index:0>200}.jpg": b"" for index in range(10_000)}),
        ("zip_too_large", {"bomb.bmp": bytes(50_000_000)}),
    ],
    ids=["empty", "only left behind", "many", "list is too long to be read", "bomb"],
)
def test_harmful_zips_are_refused_before_anything_is_unpacked(
    reason: str, content: dict[str, bytes], tmp_path: Path
) -> None:
    path = write_zip(tmp_path / "a.zip", content)
    with little_memory():
        assert refuse(path) == reason


def test_what_says_that_it_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": bytes(600), "b": bytes(600)})
    monkeypatch.setattr(archives, "MAX_ENTRY_BYTES", 500)
    assert refuse_entry(path) == "zip_entry_too_large"
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1000)
    assert refuse(path) == "zip_too_large"


def test_missing_damaged_and_locked_zips_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert refuse(path) == "zip_missing"
    cut = write_zip(path, {"a.png": portrait_as_png()}).read_bytes()[:-200]
    for content in (b"", b"no zip", b"PK\x03\x04" + bytes(100), cut):
        path.write_bytes(content)
        assert refuse(path) == "zip_damaged"
    locked = bytearray(write_zip(path, {"a.png": portrait_as_png()}).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + offset] |= 1  # the flag of a password
    path.write_bytes(locked)
    assert refuse(path) == "zip_encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_are_read_and_nothing_is_written(method: int, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"../../up.png": portrait_as_png()}, method)
    with open_archive(path) as archive:
        assert read_entry(archive, list_files(archive)[0]).size == (512, 600)
    assert [found.name for found in tmp_path.iterdir()] == ["a.zip"]


def test_entries_that_are_no_picture_get_a_sentence(tmp_path: Path) -> None:
    for content, method, reason in (
        (b"", zipfile.ZIP_DEFLATED, "empty"),
        (portrait_as_png()[:50_000], zipfile.ZIP_DEFLATED, "unreadable"),
        (portrait_as_png(), zipfile.ZIP_LZMA, "unreadable"),
        (b"PK\x03\x04" + bytes(100), zipfile.ZIP_STORED, "format"),  # another zip
    ):
        assert refuse_entry(write_zip(tmp_path / "a.zip", {"a.png": content}, method)) == reason


def test_the_size_that_a_zip_tells_is_not_trusted(tmp_path: Path) -> None:
    """30 MB of nothing that pretend to be 1,000 bytes: neither an answer nor the memory for it."""
    size = 30_000_001
    path = write_zip(tmp_path / "a.zip", {"a.bmp": bytes(size)})
    content, told = path.read_bytes(), struct.pack("<L", size)
    assert content.count(told) >= 2
    path.write_bytes(content.replace(told, struct.pack("<L", 1000)))
    with little_memory():
        assert refuse_entry(path) == "unreadable"
