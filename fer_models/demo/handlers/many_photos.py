"""Many photos: files in, step by step a table out."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from PIL import Image

from ...batch import FileResult, classify_files, tabulate, to_rows
from ...faces import FaceDetector
from ...inference import LoadedModel
from ..components.html import to_data_uri
from ..components.many import (
    MAX_SHOWN_ROWS,
    render_csv,
    render_faces,
    render_progress,
    render_sort,
    render_summary,
)
from ..locales import translate
from ..turns import take_turns
from .jobs import PROGRESS_EVERY_S, Files, Pace, View
from .reasons import explain
from .saving import to_csv

THUMBNAIL_SIDE = 64
TABLE_EVERY_S = 2.0


@dataclass
class FaceTable:
    """What a job has found so far: numbers, and small pictures for the rows that are shown.

    Attributes:
        models: The models.
        files: Name and place of each upload.
        rows: As `batch.to_rows` gives them, with the `values` of their errors, and `upload` and `entry` of their file.
        thumbnails: A data URI for each of the first rows, None where there is no face.
        is_complete: Whether no rows follow.
    """

    models: Sequence[LoadedModel]
    files: Files
    rows: list[dict[str, Any]] = field(default_factory=list)
    thumbnails: list[str | None] = field(default_factory=list)
    is_complete: bool = False

    def add(self, result: FileResult) -> None:
        """Take over a file's rows, and let go of its pictures."""
        more = {"values": result.error.values if result.error else {}, "upload": result.upload, "entry": result.entry}
        self.rows += [row | more for row in to_rows(result, self.models)]
        room = MAX_SHOWN_ROWS - len(self.thumbnails)
        crops = [comparison.crop for comparison in result.comparisons] or [None]
        self.thumbnails += [_make_thumbnail(crop) if crop else None for crop in crops[:room]]

    def render(self, language: str) -> str:
        """Summary and table as HTML; once it is complete, its faces can be opened, and there is a link to the CSV."""
        rows = [row | {"message": row["error"] and explain(row["error"], language, row["values"])} for row in self.rows]
        names = [model.name for model in self.models]
        faces = render_faces(rows, self.thumbnails, names, language, can_open=self.is_complete)
        if not self.is_complete:
            return render_summary(rows, language) + faces
        csv = to_csv(*tabulate(rows, self.models), language)
        hidden = translate(language, "many.shown", shown=MAX_SHOWN_ROWS, total=len(rows))
        return (
            f'<div role="status">{render_summary(rows, language)}</div>'
            f"{render_csv(csv, 'faces.csv', language)}"
            f"{f'<p>{hidden}</p>' if len(rows) > MAX_SHOWN_ROWS else ''}{render_sort(language)}{faces}"
        )


def classify(
    files: Files, models: Sequence[LoadedModel], detector: FaceDetector, flag: Event, language: str
) -> Iterator[View]:
    """Classify every face of many photos.

    Args:
        files: Name and place of each upload.
        models: The models.
        detector: Finds the faces.
        flag: Ends the job as soon as it is set.
        language: One of `locales.LOCALES`.

    Raises:
        ImageError: There are too many files.
    """
    table = FaceTable(models, files)
    start_s = time.monotonic()
    telling, showing = Pace(PROGRESS_EVERY_S), Pace(TABLE_EVERY_S)
    with closing(take_turns(classify_files(files, models, detector))) as results:
        for result in results:
            table.add(result)
            if flag.is_set():
                break
            if telling.is_due():
                left_s = (time.monotonic() - start_s) / result.done * (result.total - result.done)
                words = translate(language, "many.done", done=result.done, total=result.total)
                yield View(
                    render_progress(result.done, result.total, words, left_s, language),
                    table.render(language) if showing.is_due() else None,
                )
    table.is_complete = True
    cancelled = f"<p>{translate(language, 'many.cut_short')}</p>" if flag.is_set() else ""
    yield View(cancelled, table.render(language), table)


def _make_thumbnail(crop: Image.Image) -> str:
    return to_data_uri(crop.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0), "JPEG")
