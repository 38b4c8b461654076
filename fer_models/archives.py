"""Reading the pictures of a stranger's zip: one at a time, in memory, never unpacked to the disk."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO, FileIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from PIL import Image

from .images import MAX_PIXELS, ImageError, read_image
from .names import is_left_behind, read_name

MAX_ENTRIES = 1000
# The largest photo that is taken, as a bitmap that is not compressed.
MAX_ENTRY_BYTES = 3 * MAX_PIXELS + 1_000_000
MAX_TOTAL_BYTES = 4_000_000_000
# Photos hardly shrink; deflate's limit, and a bomb's aim, is a thousandth. What is small harms nobody.
MAX_RATIO = 200
RATIO_FROM_BYTES = 1_000_000
# Python reads the list of entries in one piece, before anybody can count them. 1,000 of them take about 0.3 MB.
MAX_LIST_BYTES = 2_000_000
CHUNK_BYTES = 1_000_000
# Other methods may ask for gigabytes of working memory.
METHODS = (ZIP_STORED, ZIP_DEFLATED)

ENCRYPTED = 0x1

DAMAGES = (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


class ArchiveError(ImageError):
    """A zip, or a file in it, cannot be used.

    Attributes:
        reason: `zip_missing`, `zip_damaged`, `zip_empty`, `zip_encrypted`, `zip_too_many`, `zip_too_large` or
            `zip_entry_too_large`; an id, for translation.
    """


@contextmanager
def open_archive(path: Path) -> Iterator[ZipFile]:
    """Open a zip until the end of the block, if its list of entries is harmless; nothing is decompressed.

    Raises:
        ArchiveError: It is missing or damaged, needs a password, has no file or more than `MAX_ENTRIES`, or says of
            itself that it unpacks to `MAX_TOTAL_BYTES` or to far more than photos do.
    """
    try:
        file = _BoundedReader(FileIO(path))
    except OSError as error:
        raise ArchiveError("zip_missing", f"There is no file {path.name}.") from error
    with file:
        try:
            archive = ZipFile(file)
            _check(list_files(archive))
        except ArchiveError:
            raise
        except DAMAGES as error:
            raise ArchiveError("zip_damaged", "The zip is damaged or cut short. Save it again.") from error
        with archive:
            yield archive


def list_files(archive: ZipFile) -> list[ZipInfo]:
    """Its files in order, without folders and what systems leave in them."""
    return [
        info
        for info in archive.infolist()
        if not info.filename.endswith("/") and not is_left_behind(read_name(info))  # `is_dir` fails at an empty name
    ]


def read_entry(archive: ZipFile, info: ZipInfo) -> Image.Image:
    """Read a picture of a zip; see `images.read_image`.

    Raises:
        ImageError: The entry is damaged or no picture, or unpacks to more than `MAX_ENTRY_BYTES`.
    """
    if info.compress_type not in METHODS:
        raise ImageError("unreadable", "The picture is compressed in a way that is not read here.")
    content = bytearray()
    try:
        with archive.open(info) as stream:
            # What the zip says of its size may be a lie.
            while len(content) <= MAX_ENTRY_BYTES and (chunk := stream.read(CHUNK_BYTES)):
                content += chunk
    except DAMAGES as error:
        raise ImageError("unreadable", "The picture is damaged in the zip.") from error
    if len(content) > MAX_ENTRY_BYTES:
        raise ArchiveError("zip_entry_too_large", "The file is too large for a photo.")
    if not content:
        raise ImageError("empty", "The file is empty.")
    return read_image(BytesIO(content))


class _BoundedReader(BufferedReader):
    """A file that refuses to be read in a piece that is too large for a list of entries."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_LIST_BYTES:
            raise _too_many()
        return super().read(size)


def _check(files: list[ZipInfo]) -> None:
    if not files:
        raise ArchiveError("zip_empty", "There is no file in the zip.")
    if len(files) > MAX_ENTRIES:
        raise _too_many()
    if any(info.flag_bits & ENCRYPTED for info in files):
        raise ArchiveError("zip_encrypted", "The zip is locked with a password. Save it without one.")
    if sum(info.file_size for info in files) > MAX_TOTAL_BYTES or any(
        info.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * info.compress_size) for info in files
    ):
        raise ArchiveError("zip_too_large", "The zip unpacks to far more than photos do. Save the photos in a new one.")


def _too_many() -> ArchiveError:
    return ArchiveError("zip_too_many", f"The zip has more than {MAX_ENTRIES:,} files. Split it into smaller ones.")


__all__ = ["MAX_ENTRIES", "ArchiveError", "list_files", "open_archive", "read_entry"]
