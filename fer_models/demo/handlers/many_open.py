"""A row of the table of many photos, opened in Compare."""

from pathlib import Path
from uuid import uuid4

from ...archives import list_files, open_archive, read_entry
from ...images import ImageError
from ...names import read_name
from .jobs import Files


def find_photo(files: Files, name: str, folder: Path) -> Path | None:
    """The photo of a row.

    Args:
        files: Name and place of each upload.
        name: That of the photo, as the table has it.
        folder: Where one that lies in a zip is unpacked to, in a folder of its own.

    Returns:
        None if it is gone, or if two have that name.
    """
    direct = [path for upload, path in files if upload == name]
    if direct:
        return direct[0] if len(direct) == 1 and direct[0].is_file() else None
    for upload, path in files:
        if name.startswith(f"{upload}/"):
            try:
                with open_archive(path) as archive:
                    entries = [info for info in list_files(archive) if f"{upload}/{read_name(info)}" == name]
                    image = read_entry(archive, entries[0]) if len(entries) == 1 else None
            except ImageError:
                return None
            if image:
                target = folder / uuid4().hex / "photo.png"
                target.parent.mkdir()
                image.save(target, compress_level=1)
                return target
    return None
