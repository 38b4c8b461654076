"""A row of the table of many photos, opened in Compare."""

from pathlib import Path
from uuid import uuid4

from ...archives import list_files, open_archive, read_entry
from ...images import ImageError
from ...kinds import is_zip, read_head


def find_photo(upload: Path, entry: int, folder: Path) -> Path | None:
    """The photo of a row, or None if it is gone.

    Args:
        upload: A photo, or the zip that it lies in.
        entry: Which file of the zip it is, as `batch.FileResult` has it.
        folder: Where one that lies in a zip is unpacked to, in a folder of its own.
    """
    if not is_zip(read_head(upload)):
        return upload if upload.is_file() else None
    try:
        with open_archive(upload) as archive:
            image = read_entry(archive, list_files(archive)[entry])
    except ImageError:
        return None
    target = folder / uuid4().hex / "photo.png"
    target.parent.mkdir()
    image.save(target, compress_level=1)
    return target
