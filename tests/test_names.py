from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from fer_models.names import find_files, is_left_behind, read_name


@pytest.mark.parametrize(
    ("stored", "says_utf_8", "expected"),
    [
        ("Gr\u00fc\u00dfe.jpg".encode(), True, "Gr\u00fc\u00dfe.jpg"),
        ("Gr\u00fc\u00dfe.jpg".encode(), False, "Gr\u00fc\u00dfe.jpg"),
        ("Gr\u00fc\u00dfe.jpg".encode("cp437"), False, "Gr\u00fc\u00dfe.jpg"),
        (b"a\xff\xfe.jpg", False, "a\u00a0\u25a0.jpg"),
        ("\u8868.jpg".encode("cp932"), False, "\u00f2_.jpg"),  # its second byte looks like a backslash
    ],
    ids=["told", "not told", "code page", "anything", "another code page"],
)
def test_names_in_zips_are_read_as_they_were_meant(
    stored: bytes, says_utf_8: bool, expected: str, tmp_path: Path
) -> None:
    placeholder = "x" * len(stored)
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(ZipInfo(placeholder), b"content")
    content = bytearray((tmp_path / "a.zip").read_bytes().replace(placeholder.encode(), stored))
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + flags + 1] |= 8 * says_utf_8
    (tmp_path / "a.zip").write_bytes(content)
    with ZipFile(tmp_path / "a.zip") as archive:
        (info,) = archive.infolist()
        assert read_name(info) == expected
        assert not is_left_behind(read_name(info))
        assert archive.read(info) == b"content"


def test_hidden_and_system_names_are_left_behind() -> None:
    kept = ["", "a.jpg", "../a.jpg", "./a.jpg", "thumbs.db.jpg"]
    left = [".DS_Store", "x/THUMBS.DB", "@eaDir/a.jpg/x.jpg", "x\\desktop.ini", "~$photos.docx"]
    assert [name for name in kept + left if is_left_behind(name)] == left


def test_a_folder_may_itself_be_hidden(tmp_path: Path) -> None:
    folder = tmp_path / ".hidden"
    (folder / "x").mkdir(parents=True)
    for name in ("a.jpg", ".b.jpg", "x/c.jpg"):
        (folder / name).touch()
    assert {path.name for path in find_files(folder)} == {"a.jpg", "c.jpg"}
