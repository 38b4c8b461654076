import struct
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        ([], []),
        (["b.jpg", "a.jpg"], ["b.jpg", "a.jpg"]),
        (["2024/summer/a.jpg", "2024/"], ["2024/summer/a.jpg"]),
        (["__MACOSX/._a.jpg", "._a.jpg", ".DS_Store", "x/.hidden/a.jpg", "x/Thumbs.db", "desktop.ini"], []),
        (["x/@eaDir/a.jpg", ".ipynb_checkpoints/a.jpg", "$RECYCLE.BIN\\a.jpg", "Icon\r"], []),
        (["../../etc/passwd.jpg", "/a.jpg", "..\\a.jpg"], ["../../etc/passwd.jpg", "/a.jpg", "..\\a.jpg"]),
        (["notes.txt", "inner.zip"], ["notes.txt", "inner.zip"]),
    ],
    ids=[
        "empty",
        "order kept",
        "folders",
        "left by systems",
        "by others",
        "paths are only names",
        "no pictures, to be said so",
    ],
)
def test_files_are_listed_without_what_systems_leave(names: list[str], listed: list[str], tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dict.fromkeys([*names, "last.jpg"], b"x"))
    with open_archive(path) as archive:
        assert [info.filename for info in list_files(archive)] == [*listed, "last.jpg"]


def test_a_file_without_a_name_costs_no_other() -> None:
    nameless, named = zipfile.ZipInfo("x"), zipfile.ZipInfo("a.jpg")
    nameless.filename = ""
    assert list_files(SimpleNamespace(infolist=lambda: [nameless, named])) == [nameless, named]


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
    with pytest.raises(ArchiveError) as caught, open_archive(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.reason == reason
    assert str(caught.value).endswith(".")
    assert peak < 10_000_000


def test_a_zip_that_says_it_unpacks_to_more_than_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 1000)
    path = write_zip(tmp_path / "a.zip", {"a": bytes(600), "b": bytes(600)})
    with pytest.raises(ArchiveError) as caught, open_archive(path):
        pass
    assert caught.value.reason == "zip_too_large"


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)], ids=["empty", "text", "cut"])
def test_damaged_zips_get_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError) as caught, open_archive(tmp_path / "a.zip"):
        pass
    assert caught.value.reason == "zip_damaged"


def test_a_zip_that_is_cut_short_is_damaged(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.png": portrait_as_png()})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArchiveError) as caught, open_archive(path):
        pass
    assert caught.value.reason == "zip_damaged"


def test_missing_and_locked_zips_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as caught, open_archive(tmp_path / "nowhere.zip"):
        pass
    assert caught.value.reason == "zip_missing"
    encrypt(write_zip(tmp_path / "a.zip", {"a.png": portrait_as_png()}))
    with pytest.raises(ArchiveError) as caught, open_archive(tmp_path / "a.zip"):
        pass
    assert caught.value.reason == "zip_encrypted"


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
        (b"text", zipfile.ZIP_DEFLATED, "not_an_image"),
        (portrait_as_png()[:50_000], zipfile.ZIP_DEFLATED, "unreadable"),
        (portrait_as_png(), zipfile.ZIP_LZMA, "unreadable"),
        (portrait_as_png(), zipfile.ZIP_BZIP2, "unreadable"),
    ],
    ids=["empty", "text", "cut", "lzma", "bzip2"],
)
def test_entries_that_are_no_picture_get_a_sentence(content: bytes, method: int, reason: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.png": content}, method)
    with open_archive(path) as archive, pytest.raises(ImageError) as caught:
        read_entry(archive, list_files(archive)[0])
    assert caught.value.reason == reason


def test_a_zip_inside_a_zip_is_no_picture(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", {"a.png": portrait_as_png()}).read_bytes()
    path = write_zip(tmp_path / "a.zip", {"inner.zip": inner})
    with open_archive(path) as archive, pytest.raises(ImageError) as caught:
        read_entry(archive, list_files(archive)[0])
    assert caught.value.reason == "format"


def test_the_size_that_a_zip_tells_is_not_trusted(tmp_path: Path) -> None:
    """30 MB of nothing that pretend to be 1,000 bytes: neither an answer nor the memory for it."""
    size = 30_000_001
    path = write_zip(tmp_path / "a.zip", {"a.bmp": bytes(size)})
    lie_about_size(path, size, 1000)
    tracemalloc.start()
    with open_archive(path) as archive, pytest.raises(ImageError) as caught:
        read_entry(archive, list_files(archive)[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.reason == "unreadable"
    assert peak < 10_000_000


def test_an_entry_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRY_BYTES", 1000)
    path = write_zip(tmp_path / "a.zip", {"a.png": portrait_as_png()})
    with open_archive(path) as archive, pytest.raises(ArchiveError) as caught:
        read_entry(archive, list_files(archive)[0])
    assert caught.value.reason == "zip_entry_too_large"
