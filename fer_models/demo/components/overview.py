"""The first screen of Models: which one is best, how sure that is, and what it costs."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ...inference import PEOPLE_SPLIT, SHOWN_SPLIT
from ...results import Checkpoint
from ...zoo import get_default_tag
from ..locales import format_count, format_decimal, format_percent, translate
from .charts import Axis, Series, render_chart
from .html import say
from .models import render_accuracy, render_lead
from .tables import Row, Scale, render_table


def render_overview(summary: dict[str, Any], checkpoints: Sequence[Checkpoint], language: str) -> str:
    """One sentence, one table and one chart of the models as `load` takes them, the best first.

    Args:
        summary: What `results.read_summary` gives.
        checkpoints: The bundled models.
        language: One of `locales.LOCALES`.
    """
    ours = [one for one in checkpoints if one.tag == get_default_tag(one.name)]
    name = PEOPLE_SPLIT if ours and all(one.get_split(PEOPLE_SPLIT) for one in ours) else SHOWN_SPLIT
    measured = [(one, split) for one in ours if (split := one.get_split(name))]
    measured.sort(key=lambda pair: -pair[1]["accuracy"])
    if not measured:
        return render_lead(checkpoints, language)
    (first, best), *_ = measured
    lead = translate(
        language,
        f"overview.lead.{name}",
        n=format_count(language, best["n"]),
        model=first.name,
        share=format_percent(language, best["accuracy"], 0),
    )
    if len(measured) > 1:
        other, second = measured[1]
        is_clear = best["accuracy_interval_95"][0] > second["accuracy_interval_95"][1]
        key = "overview.clear" if is_clear else "overview.close"
        lead = f"{lead} {translate(language, key, other=other.name)}"
    costs = {row["model"]: row for row in (summary.get("cost") or {}).get("models", [])}
    scale = Scale([bound for _, split in measured for bound in split["accuracy_interval_95"]])
    rows = [_render_row(one, split, costs.get(one.name), scale, language) for one, split in measured]
    keys = ("overview.model", f"accuracy.{name}", "overview.time", "overview.size")
    columns = [say(language, key) for key in keys]
    points = [
        (one.name, costs[one.name]["latency_ms"], split["accuracy"]) for one, split in measured if one.name in costs
    ]
    caption = " ".join(translate(language, f"overview.{key}") for key in (f"base.{name}", "caption"))
    table = render_table(caption, columns, [("", rows)], "fer-overview")
    return (
        f"<h2>{say(language, 'models.title')}</h2>"
        f'<p class="fer-lead">{escape(lead)}</p><div class="fer-table-and-chart">{table}'
        f"{_render_chart(points, name, language)}</div>{render_lead(checkpoints, language)}"
    )


def _render_chart(points: Sequence[tuple[str, float, float]], split: str, language: str) -> str:
    """Names, milliseconds and accuracies on a split, as a chart; empty without points."""
    if not points:
        return ""
    scale = Scale([accuracy for *_, accuracy in points])
    described = "; ".join(
        f"{key}: {format_decimal(language, latency)} ms, {format_percent(language, accuracy)}"
        for key, latency, accuracy in points
    )
    return render_chart(
        translate(language, "models.cost.chart"),
        described,
        Axis(
            translate(language, "models.cost.latency_axis"),
            0,
            1.15 * max(latency for _, latency, _ in points),
            lambda tick: format_decimal(language, tick, None),
        ),
        Axis(
            translate(language, f"accuracy.{split}"),
            scale.low / 100,
            scale.high / 100,
            lambda tick: format_percent(language, tick, 0),
        ),
        [Series("", [point[1:] for point in points], "a", [point[0] for point in points], is_line=False)],
    )


def _render_row(
    checkpoint: Checkpoint, split: dict[str, Any], cost: dict[str, Any] | None, scale: Scale, language: str
) -> Row:
    return [
        escape(checkpoint.name),
        render_accuracy(split, scale, language),
        f"{format_decimal(language, cost['latency_ms'])} ms" if cost else "–",
        f"{format_decimal(language, cost['file_bytes'] / 1e6)} MB" if cost else "–",
    ]
