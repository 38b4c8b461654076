"""What the tables of figures share: Markdown, the bundled checkpoints with their runs, a dash for what is missing."""

from collections.abc import Sequence
from typing import Any

from fer_models.results import METRICS
from fer_models.zoo import list_models, list_tags

from .records import load_runs

MISSING = "–"


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first column is words, the others are figures."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("| --- |", "|---|").replace(" --: |", "--:|") for line in lines)


def list_bundled() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Name, tag and runs of every bundled and measured checkpoint, in the order of the zoo."""
    bundled = [(name, tag, load_runs(name, tag)) for name in list_models() for tag in list_tags(name)]
    return [row for row in bundled if row[2]]


def format_metrics(figures: dict[str, Any] | None) -> list[str]:
    """`METRICS` of a split, shares as per cent, with a dash for what is not known."""
    values = [(metric.read(key, figures), metric.is_share) for key, metric in METRICS.items()]
    return [MISSING if value is None else f"{value:.1%}" if is_share else f"{value:.2f}" for value, is_share in values]


def format_share(figures: dict[str, Any] | None, name: str) -> str:
    """A share in [0, 1] as per cent, or a dash."""
    value = (figures or {}).get(name)
    return MISSING if value is None else f"{value:.1%}"
