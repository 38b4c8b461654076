"""What people saw in FER2013's faces, beside what the models see there; statistics only, no picture."""

from collections.abc import Sequence
from typing import Any

from ...results import Checkpoint
from ...zoo import get_default_tag
from ..locales import LOCALES, format_count, format_percent, translate, translate_tag
from .html import say
from .models import render_heading
from .tables import Row, Scale, render_column, render_table


def render_votes(summary: dict[str, Any], checkpoints: Sequence[Checkpoint], language: str) -> str:
    """FER+'s votes, label by label, and each model's recall on the same split; empty if they were not counted.

    Args:
        summary: What `results.read_summary` gives.
        checkpoints: The bundled models, of which those that `load` takes are shown.
        language: One of `locales.LOCALES`.
    """
    votes = summary.get("votes")
    if not votes:
        return ""
    models = [
        (one, dict(zip(one.results["labels"], split["recall"], strict=True)))
        for one in checkpoints
        if one.tag == get_default_tag(one.name) and (split := one.get_split(votes["split"]))
    ]
    rows = [
        _render_label(label, row, [recall for _, recall in models], language) for label, row in votes["labels"].items()
    ]
    columns = [say(language, f"models.votes.{column}") for column in ("label", "images", "people", "agreed", "other")]
    columns += [render_column(one.name, translate_tag(one.tag, language)) for one, _ in models]
    caption = translate(
        language,
        "models.votes.caption",
        n=format_count(language, votes["n"]),
        unknown=format_count(language, votes["n_unknown"]),
    )
    return render_heading("votes", language) + render_table(caption, columns, [("", rows)], "fer-votes")


def _render_label(label: str, row: dict[str, Any], recalls: Sequence[dict[str, float]], language: str) -> Row:
    share = row["votes"][label]
    other, other_share = max(
        ((answer, votes) for answer, votes in row["votes"].items() if answer != label), key=lambda pair: pair[1]
    )
    key = f"label.{other}" if f"label.{other}" in LOCALES[language] else f"models.votes.{other}"
    return [
        say(language, f"label.{label}"),
        format_count(language, row["n"]),
        f"<b>{format_percent(language, share)}</b>{Scale([0, 1]).render([('fer-dot', share)])}",
        format_percent(language, row["agreed"], 0),
        f"{say(language, key)}<small>{format_percent(language, other_share, 0)}</small>",
        *(format_percent(language, recall[label], 0) for recall in recalls),
    ]
