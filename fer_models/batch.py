"""Many photos or zips of photos: every face of each of them, file by file."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from zipfile import ZipInfo

from PIL import Image

from .archives import ArchiveError, list_files, open_archive, read_entry
from .comparison import Comparison
from .faces import FaceDetector
from .images import ImageError, read_image
from .inference import LoadedModel, classify, find_faces, to_json
from .kinds import is_zip, read_head
from .names import read_name

MAX_FILES = 1000

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class FileResult:
    """What the models make of one file of a batch.

    Attributes:
        file: Its name; in a zip `archive.zip/folder/photo.jpg`.
        upload: Which of the given files it is, or lies in, counted from 0; two may share a name.
        entry: Which file of a zip it is, counted from 0; there, too, two may share a name.
        comparisons: One for each face, largest first; empty if there is an `error`.
        error: Why there is no face; its reason is one of `ImageError`'s, `NoFaceError`'s or `ArchiveError`'s, or
            `unexpected`.
        done: How many files are done, this one included.
        total: How many files there are.
    """

    file: str
    upload: int
    entry: int
    comparisons: list[Comparison]
    error: ImageError | None
    done: int
    total: int


def attempt(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result | ImageError:
    """Do the work on one of many files, so that whatever it raises is that file's reason, and the others go on.

    Returns:
        What `work` returns; or why there is nothing. What nobody foresaw is this program's fault, and is logged with
        its trace; a trace holds no pixels.
    """
    try:
        return work(*args, **kwargs)
    except ImageError as error:
        return error
    except Exception as error:
        logging.getLogger(__name__).exception("One of many files failed, and the others go on.")
        return ImageError("unexpected", f"Something went wrong here with this file ({type(error).__name__}).")


def classify_files(
    files: Sequence[tuple[str, Path]], models: Sequence[LoadedModel], detector: FaceDetector
) -> Generator[FileResult, None, None]:
    """Classify every face of many files.

    One file is in memory at a time. Whatever a file raises does not stop the others.

    Args:
        files: Name and place of each photo or zip.
        models: The models.
        detector: Finds the faces.

    Raises:
        ArchiveError: There are more than `MAX_FILES`, those in zips counted; its reason is `too_many_files`.
    """
    listed = [(name, path, attempt(_list, path)) for name, path in files]
    total = sum(len(entries) if isinstance(entries, list) else 1 for _, _, entries in listed)
    if total > MAX_FILES:
        raise ArchiveError("too_many_files", f"These are {total:,} files, of which at most {MAX_FILES:,} are taken.")
    sources = ((upload, file) for upload, one in enumerate(listed) for file in enumerate(_read(*one)))
    for done, (upload, (entry, (name, image))) in enumerate(sources, 1):
        found = image if isinstance(image, ImageError) else attempt(_compare, image, models, detector)
        comparisons, error = ([], found) if isinstance(found, ImageError) else (found, None)
        yield FileResult(name, upload, entry, comparisons, error, done, total)


def to_rows(result: FileResult, models: Sequence[LoadedModel]) -> list[dict[str, Any]]:
    """A file's rows, as the JSON that the API, the command line and the page share.

    Returns:
        One row for each face, or one that says why there is none. `file`: its name. `error`: an id, and `message`: a
        sentence, or both null. The rest as in `inference.to_json`, but for `faces`, of which each has a row; empty,
        null, 0 and false without a face.
    """
    error = result.error
    head = {"file": result.file, "error": error and error.reason, "message": error and str(error)}
    return [
        head | describe_face(comparison, models)
        for comparison in result.comparisons or [Comparison([], None, None, [])]
    ]


def describe_face(comparison: Comparison, models: Sequence[LoadedModel]) -> dict[str, Any]:
    """One face of many: `inference.to_json` without the others."""
    content = to_json(comparison, models)
    del content["faces"]
    return content


def tabulate(
    rows: Sequence[dict[str, Any]], models: Sequence[LoadedModel], keys: Sequence[str] = ("file", "message")
) -> tuple[list[str], list[list[str | float | None]]]:
    """Rows as a flat table, for `tables.write_csv`.

    Args:
        rows: As `to_rows` gives them, or others with what `describe_face` says.
        models: The models.
        keys: What else the rows have, to come first.

    Returns:
        Header and cells. Faces are counted from 1, as people do; boxes are in pixels, the rest in [0, 1]. Hints are
        their ids, separated by spaces.
    """
    header = [*keys, "face", "left", "top", "right", "bottom", "score", "favourite", "agreement", "sure", "hints"]
    header += [f"average_{label}" for label in models[0].labels]
    header += [name for model in models for name in (model.name, f"{model.name}_probability")]
    return header, [[*(row[key] for key in keys), *_flatten(row, len(header) - len(keys))] for row in rows]


def _flatten(row: dict[str, Any], width: int) -> list[str | float | None]:
    if row["face"] is None:
        return [None] * width
    winners = [cell for model in row["models"] for cell in (model["winner"], model["probabilities"][model["winner"]])]
    return [
        row["face_index"] + 1,
        *row["face"]["box_xyxy"],
        row["face"]["score"],
        row["favourite"],
        row["agreement"],
        "yes" if row["sure"] else "no",
        " ".join(hint["id"] for hint in row["hints"]),
        *row["average"].values(),
        *winners,
    ]


def _compare(image: Image.Image, models: Sequence[LoadedModel], detector: FaceDetector) -> list[Comparison]:
    return classify(find_faces(image, detector), models)


def _list(path: Path) -> list[ZipInfo] | None:
    """The entries of a zip; None if it is no zip."""
    if not is_zip(read_head(path)):
        return None
    with open_archive(path) as archive:
        return list_files(archive)


def _read(
    name: str, path: Path, entries: list[ZipInfo] | ImageError | None
) -> Iterator[tuple[str, Image.Image | ImageError]]:
    """The picture at a path, or those of a zip there, one at a time."""
    if entries is None:
        yield name, attempt(read_image, path)
    elif isinstance(entries, ImageError):
        yield name, entries
    else:
        with ExitStack() as stack:
            archive = attempt(stack.enter_context, open_archive(path))  # it may be deleted in the meantime
            for info in entries:
                image = archive if isinstance(archive, ImageError) else attempt(read_entry, archive, info)
                yield f"{name}/{read_name(info)}", image


__all__ = [
    "MAX_FILES",
    "FileResult",
    "attempt",
    "classify_files",
    "describe_face",
    "tabulate",
    "to_rows",
]
