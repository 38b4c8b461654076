"""A video in, step by step its timeline out, and the video again with boxes."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from ...batch import tabulate
from ...comparison import Comparison
from ...faces import FaceDetector
from ...inference import LoadedModel
from ...video import Moment, VideoError, analyze_video, to_row
from ..components.annotate import AnnotatedVideo
from ..components.compare import describe_average
from ..components.html import render_message
from ..components.many import render_csv, render_progress
from ..components.timeline import format_duration, render_timeline, render_video_summary
from ..locales import translate
from ..turns import take_turns
from ..uploads import make_folder
from .jobs import PROGRESS_EVERY_S, Files, Pace, View
from .reasons import MAX_DURATION_S, explain
from .saving import to_csv

TIMELINE_EVERY_S = 1.0


@dataclass
class VideoReport:
    """What a job has found so far in a video.

    Attributes:
        models: The models.
        frames_per_second: How many pictures per second of the video were looked at.
        rows: As `video.to_row` gives them.
        duration_s: Of the whole video, in seconds; of what was seen so far, if the video does not tell.
        tells_duration: Whether it does.
        trouble: Why it ended early, a reason of `VideoError` or `unexpected`; None if it did not.
        is_complete: Whether no rows follow.
        is_whole: Whether the video was seen to its end.
    """

    models: Sequence[LoadedModel]
    frames_per_second: float
    rows: list[dict[str, Any]] = field(default_factory=list)
    duration_s: float = 0.0
    tells_duration: bool = True
    trouble: str | None = None
    is_complete: bool = False
    is_whole: bool = False

    @property
    def seen_s(self) -> float:
        """Until when the last look holds, in seconds: to the end of the video, or for as long as the one before it."""
        times_s = [row["time_s"] for row in self.rows[-2:]]
        step_s = max(1 / self.frames_per_second, times_s[-1] - times_s[0])
        return max(self.duration_s if self.is_whole else 0.0, times_s[-1] + step_s)

    def add(self, moment: Moment) -> None:
        """Take over a moment's numbers, and let go of its picture."""
        self.rows.append(to_row(moment, self.models))
        self.duration_s = max(moment.duration_s or 0.0, moment.time_s)
        self.tells_duration = moment.duration_s is not None

    def render(self, language: str) -> str:
        """Summary and timeline as HTML; once it is complete, with a link to the CSV."""
        parts = [render_message(explain(self.trouble, language), "error")] if self.trouble else []
        if not self.rows:
            return "".join(parts)
        if self.is_complete and not any(row["face"] for row in self.rows):
            parts.append(render_message(translate(language, "many.no_face_anywhere")))
        summary = render_video_summary(self.rows, language)
        timeline = render_timeline(self.rows, self.models[0].labels, self.seen_s, self.duration_s, language)
        if self.is_complete:
            csv = to_csv(*tabulate(self.rows, self.models, ("time_s", "faces")), language)
            summary = f'<div role="status">{summary}</div>{render_csv(csv, "video.csv", language)}'
        return "".join([*parts, summary, timeline])


def watch(
    files: Files,
    models: Sequence[LoadedModel],
    detector: FaceDetector,
    frames_per_second: float,
    flag: Event,
    language: str,
) -> Iterator[View]:
    """Follow the main face of a video.

    What is written lies in a folder of its own, which is gone when this ends, in whatever way.

    Args:
        files: Name and place of the one upload.
        models: The models.
        detector: Finds the faces.
        frames_per_second: How many pictures per second of the video are looked at.
        flag: Ends the job as soon as it is set.
        language: One of `locales.LOCALES`.
    """

    def describe(comparison: Comparison) -> str:
        doubt = "" if comparison.is_sure else f" · {translate(language, 'many.unsure')}"
        return f"{describe_average(comparison, language)}{doubt}"

    report = VideoReport(models, frames_per_second)
    start_s = time.monotonic()
    telling, showing = Pace(PROGRESS_EVERY_S), Pace(TIMELINE_EVERY_S)
    with make_folder() as folder:
        path = folder / "video-with-boxes.mp4"
        moments = take_turns(analyze_video(files[0][1], models, detector, frames_per_second, MAX_DURATION_S))
        with AnnotatedVideo(path, describe) as annotated, closing(moments):
            try:
                for moment in moments:
                    report.add(moment)
                    annotated.add(moment)
                    if flag.is_set():
                        break
                    if telling.is_due():
                        yield View(
                            _render_progress(report, time.monotonic() - start_s, language),
                            report.render(language) if showing.is_due() else None,
                        )
                else:
                    report.is_whole = True
            except VideoError as error:
                report.trouble = error.reason
            except Exception:  # what was seen until then is not lost
                logging.getLogger(__name__).exception("A video failed.")
                report.trouble = "unexpected"
        report.is_complete = True
        if flag.is_set():
            yield View(f"<p>{translate(language, 'many.cut_short')}</p>", report.render(language), report)
        else:
            yield View("", report.render(language), report, path if report.rows else None)


def _render_progress(report: VideoReport, elapsed_s: float, language: str) -> str:
    done_s, total_s = report.rows[-1]["time_s"], report.duration_s
    if not report.tells_duration:  # as in what a browser has recorded
        words = translate(language, "many.watched_so_far", done=format_duration(done_s))
        return render_progress(done_s, None, words, None, language)
    left_s = elapsed_s / done_s * (total_s - done_s) if done_s else None
    words = translate(language, "many.watched", done=format_duration(done_s), total=format_duration(total_s))
    return render_progress(done_s, total_s or 1, words, left_s, language)
