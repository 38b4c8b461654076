"""A large collection of pictures, as numbered rows: files of a folder, or a data set."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, get_dataset_split_names, load_dataset
from datasets import Image as ImageFeature
from datasets.exceptions import DatasetsError
from PIL import Image

from fer_models.images import ImageError, read_image
from fer_models.names import find_files

# To know a collection again: of a folder, about so many files are read, and so much of each; of a data set, all rows.
NUM_READ_FILES = 16
MAX_READ_BYTES = 1 << 20
NUM_ROWS_AT_ONCE = 64


class CollectionError(ValueError):
    """The collection cannot be read as asked; the message says why and what to do."""


@dataclass(frozen=True)
class Row:
    """One picture of a collection.

    Attributes:
        number: Its place in the collection, from 0.
        name: Its file's name, relative to the folder or as the data set has it; None if it has none.
        content: Its file's path, or its bytes; None if the data set has neither.
    """

    number: int
    name: str | None
    content: Path | bytes | None

    def read(self) -> Image.Image:
        """The picture, RGB, upright.

        Raises:
            ImageError: It is missing, empty, damaged or no picture.
        """
        if self.content is None:
            raise ImageError("missing", "The row holds no picture.")
        return read_image(self.content)

    def describe_content(self, read_file: bool) -> bytes:
        """What would be different if this were another picture: its bytes, or its file's size and time of change.

        Args:
            read_file: Look into the file, too.
        """
        if not isinstance(self.content, Path):
            return b"nothing" if self.content is None else self.content
        try:
            if not self.content.is_file():
                return b"no file"
            stat, head = self.content.stat(), b""
            if read_file:
                with self.content.open("rb") as file:
                    head = file.read(MAX_READ_BYTES)
        except OSError:  # the picture's row will tell
            return b"unreadable"
        return f"{stat.st_size} {stat.st_mtime_ns} ".encode() + head


class FileCollection:
    """Files of a folder.

    Args:
        folder: Where they lie.
        names: Their paths, relative to the folder.
    """

    def __init__(self, folder: Path, names: Sequence[str]):
        self._folder, self._names = folder, names

    def __len__(self) -> int:
        return len(self._names)

    def get_rows(self, numbers: range) -> list[Row]:
        return [Row(number, _to_text(self._names[number]), self._folder / self._names[number]) for number in numbers]


def _to_text(name: str) -> str:
    """A file's name that can be written; file systems take bytes that are no text, which come as `\\xfc`."""
    return os.fsencode(name).decode(errors="backslashreplace")


class DatasetCollection:
    """Rows of a data set with a column `image`."""

    def __init__(self, dataset: Dataset):
        self._dataset = dataset.select_columns(["image"]).cast_column("image", ImageFeature(decode=False))

    def __len__(self) -> int:
        return len(self._dataset)

    def get_rows(self, numbers: range) -> list[Row]:
        encoded = self._dataset[numbers.start : numbers.stop]["image"]
        return [self._make_row(number, image) for number, image in zip(numbers, encoded, strict=True)]

    @staticmethod
    def _make_row(number: int, image: dict[str, Any] | None) -> Row:
        path, content = (image or {}).get("path"), (image or {}).get("bytes")
        return Row(number, path and Path(path).name, content if content is not None else path and Path(path))


Collection = FileCollection | DatasetCollection


def describe_collection(collection: Collection) -> dict[str, Any]:
    """What would be different if this were another collection, or if one of its pictures had changed.

    Where the collection lies is not part of it. A data set is read as a whole. Of files, which may be far away, size
    and time of change stand for the rest; a few are read, for raw frames out of an archive can have these in common.
    """
    names, contents = hashlib.sha256(), hashlib.sha256()
    step = max(1, len(collection) // NUM_READ_FILES)
    for start in range(0, len(collection), NUM_ROWS_AT_ONCE):
        for row in collection.get_rows(range(start, min(start + NUM_ROWS_AT_ONCE, len(collection)))):
            names.update(f"{row.name}\n".encode())
            content = row.describe_content(read_file=row.number % step == 0)
            contents.update(f"{len(content)} ".encode() + content)
    return {"rows": len(collection), "names": names.hexdigest(), "contents": contents.hexdigest()}


def open_collection(source: str, files: str | None = None, split: str | None = None) -> Collection:
    """Open a collection.

    Args:
        source: A folder with pictures in any depth, a folder with parquet files, or the id of a data set on the Hub.
        files: A text file with the pictures' paths relative to the folder, one a line; by default all its files,
            but for what systems leave in folders.
        split: The data set's split; needed if it has several.

    Raises:
        CollectionError: There is no such collection or split, it has no pictures, or the file is no text.
    """
    folder = Path(source)
    if files:
        try:
            lines = Path(files).read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise CollectionError(f"{files} is no text in UTF-8. Save it as such; Windows may write UTF-16.") from error
        return FileCollection(folder, [line for line in lines if line.strip()])
    if folder.is_dir() and not any(find_files(folder, "*.parquet")):
        return FileCollection(folder, sorted(path.relative_to(folder).as_posix() for path in find_files(folder)))
    if not folder.is_dir() and not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        raise CollectionError(f"There is no folder {source!r}, and it is no id of a data set on the Hub.")
    try:
        splits = get_dataset_split_names(source)
        if len(splits) > 1 and split is None:
            raise CollectionError(f"{source} has several splits. Choose one with --split: {', '.join(splits)}.")
        dataset = load_dataset(source, split=split or splits[0])
    except (OSError, ValueError, DatasetsError) as error:  # no network, no such data set or split, damaged parquet
        if isinstance(error, CollectionError):
            raise
        raise CollectionError(f"{source} cannot be loaded, neither from this disk nor from the Hub: {error}") from error
    if not isinstance(dataset.features.get("image"), ImageFeature):
        raise CollectionError(f"{source} needs a column image that holds pictures; it has {dataset.column_names}.")
    return DatasetCollection(dataset)
