"""Line charts and scatter plots as SVG whose colours and font are the page's own.

Drawn here rather than by Matplotlib: a chart is drawn anew for each model and language, and importing that library
and laying a figure out would be the slowest things that the page does.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 400, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 26, 44  # margins, for the numbers and titles of the axes
LETTER, LINE = 6.5, 12  # room that a letter of a label takes, and a line of them


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: What it shows, with its unit; empty if the chart's title says it.
        low, high: Its ends.
        format: Writes the number at a tick.
    """

    title: str
    low: float
    high: float
    format: Callable[[float], str]

    def find_ticks(self, count: int = 5) -> list[float]:
        """About `count` round numbers from `low` to `high`."""
        rough = (self.high - self.low) / count
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [round(index * step, 10) for index in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes:
        name: For the legend; empty for none.
        points: x and y.
        kind: CSS class: `a` or `b`, two colours with their own dashes and marks; `reference`, a thin dotted line.
        labels: Words beside the points, or nothing.
        is_line: Whether a line joins the points.
        has_marks: Whether the points are drawn.
    """

    name: str
    points: Sequence[tuple[float, float]]
    kind: str
    labels: Sequence[str] = ()
    is_line: bool = True
    has_marks: bool = True


def render_chart(title: str, description: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """A figure with a chart and its legend.

    Args:
        title: Shown above.
        description: What the chart shows, in words, for those who do not see it.
        x, y: The axes.
        series: What is drawn, the first at the back.
    """

    def place(point: tuple[float, float]) -> tuple[float, float]:
        across = (point[0] - x.low) / (x.high - x.low)
        up = (point[1] - y.low) / (y.high - y.low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    grid = "".join(_render_tick(place((tick, y.low)), x.format(tick), is_below=True) for tick in x.find_ticks())
    grid += "".join(_render_tick(place((x.low, tick)), y.format(tick), is_below=False) for tick in y.find_ticks())
    titles = (
        f'<text class="fer-axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{escape(x.title)}</text>'
        f'<text x="0" y="{TOP - 14}">{escape(y.title)}</text>'
    )
    drawn = "".join(_render_series(one, [place(point) for point in one.points]) for one in series)
    legend = "".join(f"<li>{_render_sample(one)}{escape(one.name)}</li>" for one in series if one.name)
    return (
        f'<figure class="fer-chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description)}">'
        f"{grid}{titles}{drawn}</svg>"
        f"{f'<ul class=fer-legend aria-hidden=true>{legend}</ul>' if legend else ''}</figure>"
    )


def _render_tick(at: tuple[float, float], text: str, is_below: bool) -> str:
    x, y = at
    if is_below:
        line = f'<line class="fer-grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}"/>'
        return f'{line}<text class="fer-tick-x" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}">{escape(text)}</text>'
    line = f'<line class="fer-grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
    return f'{line}<text class="fer-tick-y" x="{LEFT - 6}" y="{y + 4:.1f}">{escape(text)}</text>'


def _render_series(series: Series, places: Sequence[tuple[float, float]]) -> str:
    line = ""
    if series.is_line:
        line = f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
    marks = "".join(_render_mark(series.kind, x, y) for x, y in places) if series.has_marks else ""
    labels = "".join(
        f'<text class="fer-label" x="{x:.1f}" y="{y:.1f}">{escape(label)}</text>'
        for label, x, y in _place_labels(series.labels, places)
    )
    return f'<g class="fer-series fer-series-{series.kind}">{line}{marks}{labels}</g>'


def _place_labels(labels: Sequence[str], places: Sequence[tuple[float, float]]) -> list[tuple[str, float, float]]:
    """Where each label begins: beside its point, or above or below it, where nothing is in the way."""
    placed: list[tuple[str, float, float]] = []

    def is_free(x: float, y: float, width: float) -> bool:
        points = [(point_x - 4, point_y + 4, 8.0) for point_x, point_y in places]
        taken = [*points, *((other_x, other_y, LETTER * len(other)) for other, other_x, other_y in placed)]
        return all(
            x >= other_x + other_width or other_x >= x + width or abs(y - other_y) >= LINE
            for other_x, other_y, other_width in taken
        )

    for (x, y), label in sorted(zip(places, labels, strict=False), key=lambda pair: pair[0][1]):
        width = LETTER * len(label)
        columns = [left for left in (x + 8, x - 8 - width, x - width / 2) if LEFT <= left <= WIDTH - width]
        spots = [(left, y + 4 + step * LINE) for step in (0, 1, -1, 2, -2) for left in columns]
        left, baseline = next((spot for spot in spots if is_free(*spot, width)), (x + 8, y + 4))
        placed.append((label, left, baseline))
    return placed


def _render_mark(kind: str, x: float, y: float) -> str:
    if kind == "b":
        return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>'


def _render_sample(series: Series) -> str:
    drawn = _render_series(series, [(2, 6), (16, 6), (30, 6)])
    return f'<svg viewBox="0 0 32 12" width="32" height="12">{drawn}</svg>'
