"""What the networks say of a face over the time of a video, as HTML."""

from collections.abc import Sequence
from html import escape
from statistics import fmean
from typing import Any

from ..locales import format_percent, translate
from .many import count_answers, render_counts

# Height of a line, in units of which its width has 100.
LINE_HEIGHT = 20
# More steps than this are not seen on a screen; they are averaged.
MAX_STEPS = 400
NUM_TICKS = 4


def render_timeline(
    rows: Sequence[dict[str, Any]], labels: Sequence[str], step_s: float, duration_s: float, language: str
) -> str:
    """The average of the networks over time, a line for each label, all on one scale from 0 to 1.

    Each look at the video is a step as wide as the time until the next one; where the face was out of sight nothing is
    drawn.

    Args:
        rows: As `video.to_row` gives them, in order.
        labels: The lines.
        step_s: How far looks lie apart, in seconds.
        duration_s: The right end of the scale, in seconds.
        language: Of the words.
    """
    end_s = max(duration_s, rows[-1]["time_s"] + step_s)
    step_s = max(step_s, end_s / MAX_STEPS)
    steps = _average_steps(rows, step_s)
    lines = "".join(_render_line(label, rows, steps, step_s, end_s, language) for label in labels)
    num_ticks = max(1, min(NUM_TICKS, int(end_s)))  # at least a second apart, that none reads as its neighbour
    ticks = "".join(f"<span>{format_duration(end_s * tick / num_ticks)}</span>" for tick in range(num_ticks + 1))
    caption, gap = (escape(translate(language, f"many.timeline{part}")) for part in ("", "_gap"))
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


def _average_steps(rows: Sequence[dict[str, Any]], step_s: float) -> dict[int, dict[str, float]]:
    """The mean of the averages in each step in which the face was seen, by the number of the step."""
    seen: dict[int, list[dict[str, float]]] = {}
    for row in rows:
        if row["face"]:
            seen.setdefault(int(row["time_s"] / step_s + 1e-6), []).append(row["average"])
    return {step: {label: fmean(one[label] for one in many) for label in many[0]} for step, many in seen.items()}


def _render_line(
    label: str,
    rows: Sequence[dict[str, Any]],
    steps: dict[int, dict[str, float]],
    step_s: float,
    end_s: float,
    language: str,
) -> str:
    path = ""
    for step, average in steps.items():
        left, right = (100 * min(1.0, edge * step_s / end_s) for edge in (step, step + 1))
        height = LINE_HEIGHT * (1 - average[label])
        start = "" if step - 1 in steps else f"M{left:.2f} {LINE_HEIGHT}"
        end = "" if step + 1 in steps else f"V{LINE_HEIGHT}Z"
        path += f"{start}V{height:.1f}H{right:.2f}{end}"
    shares = [row["average"][label] for row in rows if row["face"]]
    number = format_percent(language, fmean(shares), 0) if shares else "–"
    return (
        f"<div><dt>{escape(translate(language, f'label.{label}'))}</dt><dd>"
        f'<svg viewBox="0 0 100 {LINE_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d="{path}"/></svg>'
        f'<b><span class="fer-hidden">{escape(translate(language, "many.mean"))} </span>{number}</b></dd></div>'
    )
