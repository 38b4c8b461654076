"""The packages that people use beside the bundled models, as Markdown."""

from typing import Any

from fer_models.results import shorten_commit
from fer_models.zoo import checkpoint_dir

from .markdown import MISSING, format_share, list_bundled, render_table
from .people import describe_accuracy

TAGS = ("tuned", "ferplus")


def render_peers(peers: dict[str, Any]) -> str:
    """What `measure` wrote, and the bundled models' figures on the same faces; a dash where there is none."""
    answered = [row for row in peers["rows"] if "error" not in row]
    rows = [
        [f"`{row['package']}` {row['version']}", *_describe(row["weights_bytes"], row["splits"]), _time(row)]
        for row in answered
    ]
    for one in list_bundled():
        if one.tag in TAGS:
            weights = checkpoint_dir(one.name, one.tag) / "model.safetensors"
            bytes_ = weights.stat().st_size if weights.is_file() else None
            rows.append([f"ours, `{one.key}`", *_describe(bytes_, one.results["splits"]), MISSING])
    sizes = {name: f"n = {split['n']:,}" for row in answered[:1] for name, split in row["splits"].items()}
    header = [
        "model",
        "weights",
        f"FER2013's labels, PrivateTest, {sizes.get('official_test', '')}",
        f"what most people saw, FER+'s test split, {sizes.get('ferplus_test', '')}",
        "mean recall there",
        "one face",
    ]
    asked = "\n".join(
        f"- `{row['package']}` ({row['registry']}; {row['backend']}): asked by {row['asked']}. Trained on: "
        f"{row['trained_on']}."
        for row in answered
    )
    missing = "".join(
        f"\n- `{row['package']}` gave no answer: {row['error']}" for row in peers["rows"] if "error" in row
    )
    return (
        f"{render_table(header, rows)}\n\n{asked}{missing}\n\n{peers['hardware']}, one thread each, commit "
        f"{shorten_commit(peers['commit'])}."
    )


def _describe(weights_bytes: int | None, splits: dict[str, Any]) -> list[str]:
    return [
        f"{weights_bytes / 1e6:.2f} MB" if weights_bytes else MISSING,
        *(describe_accuracy(splits.get(name)) for name in ("official_test", "ferplus_test")),
        format_share(splits.get("ferplus_test"), "macro_recall"),
    ]


def _time(row: dict[str, Any]) -> str:
    return MISSING if row["latency_ms"] is None else f"{row['latency_ms']:.1f} ms"
