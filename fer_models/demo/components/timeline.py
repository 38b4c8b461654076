"""What the models say of a face over the time of a video, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ..locales import format_percent, translate
from .html import say
from .many import count_answers, render_counts

# Height of a line, in units of which its width has 100.
LINE_HEIGHT = 20
# More steps than this are not seen on a screen; they are averaged.
MAX_STEPS = 400
NUM_TICKS = 4


def render_timeline(
    rows: Sequence[dict[str, Any]], labels: Sequence[str], seen_s: float, duration_s: float, language: str
) -> str:
    """The average of the models over time, a line for each label, all on one scale from 0 to 1.

    Each look at the video is drawn until the next one; where the face was out of sight nothing is drawn.

    Args:
        rows: As `video.to_row` gives them, in order.
        labels: The lines.
        seen_s: Until when the last look is drawn, in seconds.
        duration_s: The right end of the scale, in seconds.
        language: Of the words.
    """
    end_s = max(duration_s, seen_s, rows[-1]["time_s"]) or 1.0  # of a single picture
    steps = _average_steps(rows, seen_s, end_s / MAX_STEPS)
    lines = "".join(_render_line(label, rows, steps, end_s, language) for label in labels)
    num_ticks = max(1, min(NUM_TICKS, int(end_s)))  # at least a second apart, that none reads as its neighbour
    ticks = "".join(f"<span>{format_duration(end_s * tick / num_ticks)}</span>" for tick in range(num_ticks + 1))
    caption, gap = (say(language, f"many.timeline{part}") for part in ("", "_gap"))
    return (
        f'<figure class="fer-timeline"><figcaption>{caption}<small>{gap}</small></figcaption>'
        f'<div class="fer-lines"><dl>{lines}</dl><div class="fer-ticks" aria-hidden="true">{ticks}</div></div></figure>'
    )


def render_video_summary(rows: Sequence[dict[str, Any]], language: str) -> str:
    """How often the video was looked at, how often the face was in sight, and what was said how often."""
    counts = [
        (translate(language, "many.looks"), len(rows)),
        (translate(language, "many.in_sight"), sum(row["face"] is not None for row in rows)),
    ]
    return render_counts(counts, language) + render_counts(count_answers(rows, language), language)


def format_duration(seconds: float) -> str:
    """`75.2` -> `1:15`."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


@dataclass(frozen=True)
class _Step:
    """Some looks in which the face was seen, of which one is as good as another on a screen.

    Attributes:
        start_s: When the first of them was, in seconds.
        end_s: When the next look was that is none of them.
        average: The mean of their averages.
    """

    start_s: float
    end_s: float
    average: dict[str, float]


def _average_steps(rows: Sequence[dict[str, Any]], seen_s: float, min_width_s: float) -> list[_Step]:
    """The looks, from each to the next; those that lie closer together than `min_width_s` as one."""
    starts: list[int] = []
    for index, row in enumerate(rows):
        if not starts or row["time_s"] - rows[starts[-1]]["time_s"] >= min_width_s - 1e-6:
            starts.append(index)
    steps = []
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        averages = [row["average"] for row in rows[start:end] if row["face"]]
        if averages:
            end_s = rows[end]["time_s"] if end < len(rows) else max(seen_s, rows[-1]["time_s"])
            mean = {label: fmean(one[label] for one in averages) for label in averages[0]}
            steps.append(_Step(rows[start]["time_s"], end_s, mean))
    return steps


def _render_line(
    label: str, rows: Sequence[dict[str, Any]], steps: Sequence[_Step], end_s: float, language: str
) -> str:
    path = ""
    starts, ends = {step.start_s for step in steps}, {step.end_s for step in steps}
    for step in steps:
        left, right = (100 * edge_s / end_s for edge_s in (step.start_s, step.end_s))
        height = LINE_HEIGHT * (1 - step.average[label])
        start = "" if step.start_s in ends else f"M{left:.2f} {LINE_HEIGHT}"
        end = "" if step.end_s in starts else f"V{LINE_HEIGHT}Z"
        path += f"{start}V{height:.1f}H{right:.2f}{end}"
    shares = [row["average"][label] for row in rows if row["face"]]
    number = format_percent(language, fmean(shares), 0) if shares else "–"
    return (
        f"<div><dt>{say(language, f'label.{label}')}</dt><dd>"
        f'<svg viewBox="0 0 100 {LINE_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d="{path}"/></svg>'
        f'<b><span class="fer-hidden">{say(language, "many.mean")} </span>{number}</b></dd></div>'
    )
