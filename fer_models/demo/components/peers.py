"""The packages that people use instead, beside our models on the same faces."""

from collections.abc import Sequence
from html import escape
from typing import Any

from ...results import Checkpoint
from ..locales import format_count, format_decimal, format_hardware, format_percent, translate
from .html import say
from .models import render_heading
from .tables import Row, render_column, render_table

SPLITS = ("official_test", "ferplus_test")


def render_peers(summary: dict[str, Any], checkpoints: Sequence[Checkpoint], language: str) -> str:
    """Accuracy of other packages and of ours, by label and by what people saw; empty if it was not measured.

    Args:
        summary: What `results.read_summary` gives.
        checkpoints: The bundled models, of which those trained by the report's recipe are left out.
        language: One of `locales.LOCALES`.
    """
    peers = [row for row in (summary.get("peers") or {}).get("rows", []) if "error" not in row]
    if not peers:
        return ""
    megabytes = {row["package"]: f"{format_decimal(language, row['weights_bytes'] / 1e6)} MB" for row in peers}
    others = [_render_row(row["package"], megabytes[row["package"]], row["splits"], language) for row in peers]
    costs = {row["model"]: row["file_bytes"] for row in (summary.get("cost") or {}).get("models", [])}
    ours = [
        _render_row(
            one.key,
            f"{format_decimal(language, costs[one.name] / 1e6)} MB" if one.name in costs else "–",
            one.results.get("splits", {}),
            language,
        )
        for one in checkpoints
        if one.tag != "report"
    ]
    columns = [say(language, "models.peers.package"), say(language, "models.cost.file")]
    for split in SPLITS:
        n = format_count(language, peers[0]["splits"][split]["n"])
        columns.append(
            render_column(translate(language, f"models.peers.{split}"), translate(language, "models.images", n=n))
        )
    columns.append(say(language, "models.peers.recall"))
    groups = [(say(language, f"models.peers.{group}"), rows) for group, rows in
              (("others", others), ("ours", ours))]  # fmt: skip
    hardware = format_hardware(language, summary["peers"].get("hardware", "?"))
    caption = translate(language, "models.peers.caption", hardware=hardware)
    return render_heading("peers", language) + render_table(caption, columns, groups, "fer-peers")


def _render_row(name: str, size: str, splits: dict[str, Any], language: str) -> Row:
    shares = [splits.get(split, {}).get("accuracy") for split in SPLITS]
    shares.append(splits.get("ferplus_test", {}).get("macro_recall"))
    return [escape(name), size, *("–" if share is None else format_percent(language, share) for share in shares)]
