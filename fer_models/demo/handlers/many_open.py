"""A row of the table of many photos, opened in Compare."""

from pathlib import Path
from uuid import uuid4

from ...archives import list_files, open_archive, read_entry
from ...images import ImageError
from ...names import read_name


def find_photo(file: tuple[str, Path], name: str, folder: Path) -> Path | None:
    """The photo of a row.

    Args:
        file: Name and place of the upload that it is, or lies in.
        name: That of the photo, as the table has it.
        folder: Where one that lies in a zip is unpacked to, in a folder of its own.

    Returns:
        None if it is gone, or if two in the zip have that name.
    """
    upload, path = file
    if name == upload:
        return path if path.is_file() else None
    try:
        with open_archive(path) as archive:
            entries = [info for info in list_files(archive) if f"{upload}/{read_name(info)}" == name]
            image = read_entry(archive, entries[0]) if len(entries) == 1 else None
    except ImageError:
        return None
    if image is None:
        return None
    target = folder / uuid4().hex / "photo.png"
    target.parent.mkdir()
    image.save(target, compress_level=1)
    return target
