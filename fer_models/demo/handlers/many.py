"""Many photos: files in, step by step a table out."""

import io
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from PIL import Image

from ...archives import MAX_ENTRIES
from ...batch import MAX_FILES, FileResult, classify_files, tabulate, to_rows
from ...faces import FaceDetector
from ...images import MAX_PIXELS, ImageError
from ...inference import LoadedModel
from ...tables import write_csv
from ..figures.html import render_message, to_data_uri
from ..figures.many import MAX_SHOWN_ROWS, render_download, render_faces, render_progress, render_summary
from ..locales import translate
from .jobs import Jobs

THUMBNAIL_SIDE = 64
# How often the page hears of a job, and of its whole table, which is long.
PROGRESS_EVERY_S = 0.3
TABLE_EVERY_S = 2.0
# Uploads are deleted by their age; those of a job under way are kept young.
TOUCH_EVERY_S = 30.0

Files = Sequence[tuple[str, Path]]


@dataclass
class FaceTable:
    """What a job has found so far: numbers, and small pictures for the rows that are shown.

    Attributes:
        rows: As `batch.to_rows` gives them.
        thumbnails: A data URI for each of the first rows, None where there is no face.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    thumbnails: list[str | None] = field(default_factory=list)

    def add(self, result: FileResult, models: Sequence[LoadedModel]) -> None:
        """Take over a file's rows, and let go of its pictures."""
        self.rows += to_rows(result, models)
        room = MAX_SHOWN_ROWS - len(self.thumbnails)
        crops = [comparison.crop for comparison in result.comparisons] or [None]
        self.thumbnails += [_make_thumbnail(crop) if crop else None for crop in crops[:room]]


@dataclass(frozen=True)
class ManyView:
    """What the page shows of a job.

    Attributes:
        progress: HTML: how far it is; empty at its end.
        results: HTML: what was found; None if it stays as it is.
        table: The same, to show it again in another language; None before the end.
    """

    progress: str
    results: str | None = None
    table: FaceTable | None = None


@dataclass(frozen=True)
class ManyHandlers:
    """The tab's actions, with the networks and the detector they use."""

    models: Sequence[LoadedModel]
    detector: FaceDetector
    jobs: Jobs = field(default_factory=Jobs)

    def begin(self, files: Files, visitor: str, language: str) -> ManyView:
        """Announce a job, and say that it waits for its turn; without files, say what to do."""
        if not files:
            return ManyView("", render_message(translate(language, "many.nothing"), "error"))
        self.jobs.begin(visitor)
        return ManyView(f"<p>{translate(language, 'many.waiting')}</p>", "")

    def run(self, files: Files, visitor: str, language: str) -> Iterator[ManyView]:
        """Do the job that was announced, unless it was cancelled while it waited.

        Args:
            files: Name and place of each upload.
            visitor: Whose job it is.
            language: One of `locales.LOCALES`.
        """
        flag = self.jobs.get_flag(visitor)
        if flag is None:
            return
        try:
            yield from self._classify(files, flag, language)
        except ImageError as error:
            yield ManyView("", render_message(_explain(error.reason, language), "error"))
        except Exception:
            logging.getLogger(__name__).exception("A job of many photos failed.")
            yield ManyView("", render_message(translate(language, "many.failed"), "error"))
        finally:
            self.jobs.end(visitor, flag)

    def show(self, table: FaceTable | None, language: str) -> str:
        """What a job has found, in a language; without a table, what to do."""
        if table is None:
            return render_message(translate(language, "many.empty"))
        return self._render(table, language, is_complete=True)

    def batch_json(self, files: Files) -> list[dict[str, Any]]:
        """Classify every face of many photos, as JSON; see `batch.to_rows` for its shape.

        Raises:
            ImageError: There are too many files.
        """
        results = classify_files(files, self.models, self.detector)
        return [row for result in results for row in to_rows(result, self.models)]

    def _classify(self, files: Files, flag: Event, language: str) -> Iterator[ManyView]:
        table = FaceTable()
        start = time.monotonic()
        told = tabled = touched = -float("inf")
        with closing(classify_files(files, self.models, self.detector)) as results:
            for result in results:
                table.add(result, self.models)
                if flag.is_set():
                    break
                now = time.monotonic()
                if now - touched > TOUCH_EVERY_S:
                    touched = now
                    _touch(files)
                if now - told > PROGRESS_EVERY_S:
                    told = now
                    is_due = now - tabled > TABLE_EVERY_S
                    tabled = now if is_due else tabled
                    yield ManyView(
                        self._render_progress(result, now - start, language),
                        self._render(table, language, is_complete=False) if is_due else None,
                    )
        cancelled = f"<p>{translate(language, 'many.cancelled')}</p>" if flag.is_set() else ""
        yield ManyView(cancelled, self._render(table, language, is_complete=True), table)

    def _render_progress(self, result: FileResult, elapsed_s: float, language: str) -> str:
        left = elapsed_s / result.done * (result.total - result.done)
        words = translate(language, "many.done", done=result.done, total=result.total)
        return render_progress(result.done, result.total, words, left, language)

    def _render(self, table: FaceTable, language: str, is_complete: bool) -> str:
        rows = [row | {"message": row["error"] and _explain(row["error"], language)} for row in table.rows]
        faces = render_faces(rows, table.thumbnails, [model.name for model in self.models], language)
        if not is_complete:
            return render_summary(rows, language) + faces
        csv = io.StringIO()
        write_csv(csv, *tabulate(rows, self.models), decimal_comma=language != "en")
        hidden = (
            f"<p>{translate(language, 'many.shown', shown=MAX_SHOWN_ROWS, total=len(rows))}</p>"
            if len(rows) > MAX_SHOWN_ROWS
            else ""
        )
        return (
            f'<div role="status">{render_summary(rows, language)}</div>'
            f"{render_download(csv.getvalue(), 'faces.csv', language)}{hidden}{faces}"
        )


def _explain(reason: str, language: str) -> str:
    megapixels = MAX_PIXELS // 1_000_000
    return translate(language, f"error.{reason}", megapixels=megapixels, entries=MAX_ENTRIES, files=MAX_FILES)


def _make_thumbnail(crop: Image.Image) -> str:
    return to_data_uri(crop.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0), "JPEG")


def _touch(files: Files) -> None:
    for _, path in files:
        with suppress(OSError):
            os.utime(path)
