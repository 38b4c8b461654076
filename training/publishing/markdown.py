"""What the tables of figures share: Markdown, the bundled checkpoints, a dash for what is missing."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fer_models import zoo
from fer_models.results import METRICS, Checkpoint, read_checkpoints

MISSING = "–"


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; the first column is words, the others are figures."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("| --- |", "|---|").replace(" --: |", "--:|") for line in lines)


def fill_template(name: str, figures: Mapping[str, Any]) -> str:
    """What `<name>_template.md` says, with figures; a line that names one that was not measured is left out."""
    lines = []
    for line in Path(__file__).with_name(f"{name}_template.md").read_text(encoding="utf-8").splitlines():
        with suppress(KeyError):
            lines.append(line.format_map(figures))
    return "\n".join(lines)


def list_bundled() -> list[Checkpoint]:
    """Every bundled and measured checkpoint, model by model in the order of the zoo."""
    measured = [one for one in read_checkpoints(zoo.CHECKPOINTS_DIR) if one.results]
    return sorted(measured, key=lambda one: list(zoo.ZOO).index(one.name))


def format_metrics(figures: dict[str, Any] | None) -> list[str]:
    """`METRICS` of a split, shares as per cent, with a dash for what is not known."""
    values = [(metric.read(key, figures), metric.is_share) for key, metric in METRICS.items()]
    return [MISSING if value is None else f"{value:.1%}" if is_share else f"{value:.2f}" for value, is_share in values]


def format_share(figures: dict[str, Any] | None, name: str) -> str:
    """A share in [0, 1] as per cent, or a dash."""
    value = (figures or {}).get(name)
    return MISSING if value is None else f"{value:.1%}"
