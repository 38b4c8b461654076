"""Many photos, or a video: what the tab does with the files that it is given."""

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from ... import kinds
from ...batch import classify_files, to_rows
from ...faces import FaceDetector
from ...images import ImageError
from ...inference import LoadedModel
from ..locales import translate
from ..turns import take_turns
from .jobs import Files, Jobs, View
from .many_photos import classify
from .many_video import watch
from .reasons import Trouble


@dataclass(frozen=True)
class ManyHandlers:
    """The tab's actions, with the models and the detector they use."""

    models: Sequence[LoadedModel]
    detector: FaceDetector
    jobs: Jobs = field(default_factory=Jobs)

    def begin(self, files: Files, visitor: str, job: str, language: str) -> View:
        """Announce a job, and say that it waits for its turn; or say why there is none."""
        if not files:
            return _say("many.nothing", language)
        if len(files) > 1 and any(map(is_video, files)):
            return _say("many.video_alone", language)
        self.jobs.begin(visitor, job)
        return View(f"<p>{translate(language, 'many.waiting')}</p>", "")

    def run(self, files: Files, visitor: str, job: str, frames_per_second: float, language: str) -> Iterator[View]:
        """Do the job that was announced, unless it was cancelled while it waited, and perhaps another begun.

        Once another is begun, it says nothing more: the page shows the other one.

        Args:
            files: Name and place of each upload: photos and zips, or one video.
            visitor: Whose job it is.
            job: The name by which it was announced.
            frames_per_second: How many pictures per second of a video are looked at.
            language: One of `locales.LOCALES`.
        """
        flag = self.jobs.get_flag(visitor, job)
        try:
            if flag is None or flag.is_set():
                return
            with closing(self._work(files, frames_per_second, flag, language)) as views:
                for view in views:
                    if self.jobs.get_flag(visitor, job) is None:
                        return
                    yield view
        finally:
            self.jobs.end(visitor, job)

    def _work(self, files: Files, frames_per_second: float, flag: Event, language: str) -> Generator[View, None, None]:
        try:
            if is_video(files[0]):
                yield from watch(files, self.models, self.detector, frames_per_second, flag, language)
            else:
                yield from classify(files, self.models, self.detector, flag, language)
        except ImageError as error:
            yield _say(f"error.{error.reason}", language, error.values)
        except Exception:
            logging.getLogger(__name__).exception("A long job failed.")
            yield _say("many.failed", language)

    def batch_json(self, files: Files) -> list[dict[str, Any]]:
        """Classify every face of many photos, as JSON; see `batch.to_rows` for its shape.

        Raises:
            ImageError: There are too many files.
        """
        results = take_turns(classify_files(files, self.models, self.detector))
        return [row for result in results for row in to_rows(result, self.models)]


def is_video(file: tuple[str, Path]) -> bool:
    """Whether an upload is a video, by its content."""
    return kinds.is_video(kinds.read_head(file[1]))


def _say(key: str, language: str, values: Mapping[str, str] | None = None) -> View:
    trouble = Trouble(key, values or {})
    return View("", trouble.render(language), trouble)
