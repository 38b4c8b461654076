import struct
import tracemalloc
import zipfile
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


def lie_about_size(path: Path, true_size: int, told_size: int) -> None:
    """Write another uncompressed size into the headers of a zip."""
    content = path.read_bytes()
    assert content.count(struct.pack("<L", true_size)) >= 2
    path.write_bytes(content.replace(struct.pack("<L", true_size), struct.pack("<L", told_size)))


def encrypt(path: Path) -> None:
    """Set the flag of a password in both headers of a zip of one entry."""
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)


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


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        ([], []),
        (["b.jpg", "2024/a.jpg", "2024/", "notes.txt"], ["b.jpg", "2024/a.jpg", "notes.txt"]),
        (["__MACOSX/._a.jpg", "x/.hidden/a.jpg", "x/Thumbs.db", "$RECYCLE.BIN\\a.jpg"], []),
        (["../../etc/passwd.jpg", "/a.jpg", "..\\a.jpg"], ["../../etc/passwd.jpg", "/a.jpg", "..\\a.jpg"]),
    ],
    ids=["empty", "order kept", "left by systems", "paths are only names"],
)
def test_files_are_listed_without_what_systems_leave(names: list[str], listed: list[str], tmp_path: Path) -> None:
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
    del content
    tracemalloc.start()
    assert refuse(path) == reason
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_zip_that_says_it_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1000)
    assert refuse(write_zip(tmp_path / "a.zip", {"a": bytes(600), "b": bytes(600)})) == "zip_too_large"


def test_missing_damaged_and_locked_zips_get_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert refuse(path) == "zip_missing"
    cut = write_zip(path, {"a.png": portrait_as_png()}).read_bytes()[:-200]
    for content in (b"", b"no zip", b"PK\x03\x04" + bytes(100), cut):
        path.write_bytes(content)
        assert refuse(path) == "zip_damaged"
    encrypt(write_zip(path, {"a.png": portrait_as_png()}))
    assert refuse(path) == "zip_encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_pictures_are_read_and_nothing_is_written(method: int, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"../../up.png": portrait_as_png()}, method)
    with open_archive(path) as archive:
        assert read_entry(archive, list_files(archive)[0]).size == (512, 600)
    assert [found.name for found in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(
    ("content", "method", "reason"),
    [
        (b"", zipfile.ZIP_DEFLATED, "empty"),
        (portrait_as_png()[:50_000], zipfile.ZIP_DEFLATED, "unreadable"),
        (portrait_as_png(), zipfile.ZIP_LZMA, "unreadable"),
        (b"PK\x03\x04" + bytes(100), zipfile.ZIP_STORED, "format"),
    ],
    ids=["empty", "cut", "lzma", "another zip"],
)
def test_entries_that_are_no_picture_get_a_sentence(content: bytes, method: int, reason: str, tmp_path: Path) -> None:
    assert refuse_entry(write_zip(tmp_path / "a.zip", {"a.png": content}, method)) == reason


def test_the_size_that_a_zip_tells_is_not_trusted(tmp_path: Path) -> None:
    """30 MB of nothing that pretend to be 1,000 bytes: neither an answer nor the memory for it."""
    size = 30_000_001
    path = write_zip(tmp_path / "a.zip", {"a.bmp": bytes(size)})
    lie_about_size(path, size, 1000)
    tracemalloc.start()
    assert refuse_entry(path) == "unreadable"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_an_entry_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRY_BYTES", 1000)
    assert refuse_entry(write_zip(tmp_path / "a.zip", {"a.png": portrait_as_png()})) == "zip_entry_too_large"
