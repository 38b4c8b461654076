"""Render the tables of README.md from the JSON of the bundled checkpoints: `python -m training.report`."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from fer_models.zoo import CHECKPOINTS_DIR, list_models, list_tags

from .files import write_text

README = Path(__file__).parents[1] / "README.md"
PUBLISHED = Path(__file__).parent / "published.yaml"


def load_results(name: str, tag: str) -> dict[str, Any]:
    """A checkpoint's `results.json`."""
    return json.loads((CHECKPOINTS_DIR / f"{name}.{tag}" / "results.json").read_text())


def render_report_table() -> str:
    """Markdown: the networks trained by the report's recipe, beside the report's own figures."""
    published = yaml.safe_load(PUBLISHED.read_text())
    rows = [
        "| network | train | report | validation | report | test | report | test, difference |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in list_models():
        if "report" not in list_tags(name):
            continue
        splits, theirs = load_results(name, "report")["splits"], published[name]
        history = json.loads((CHECKPOINTS_DIR / f"{name}.report" / "history.json").read_text())[-1]
        ours = {
            "report_train": history["train_accuracy"],
            "report_validation": splits["validation"]["accuracy"],
            "report_test": splits["report_test"]["accuracy"],
        }
        cells = [f"{value:.1%} | {theirs[key]:.1%}" for key, value in ours.items()]
        difference = 100 * (ours["report_test"] - theirs["report_test"])
        rows.append(f"| `{name}` | {' | '.join(cells)} | {difference:+.1f} points |")
    return "\n".join(rows)


def render_provenance() -> str:
    """Markdown: one sentence on where the table's figures come from."""
    results = [load_results(name, "report") for name in list_models() if "report" in list_tags(name)]
    if not results:
        return "No checkpoint is bundled yet."

    def collect(values: list[str]) -> str:
        return ", ".join(sorted(set(values)))

    splits = results[0]["splits"]
    return (
        f"One run each, seed {collect([str(result['seed']) for result in results])}. Images: "
        f"{splits['train']['n']:,} train, {splits['validation']['n']:,} validation, {splits['report_test']['n']:,} "
        "test. Train accuracy is the running one of the last epoch, as Keras prints it. "
        f"Trained on {collect([result['trained_with']['hardware'] for result in results])}, commit "
        f"{collect([result['trained_with']['commit'][:10] for result in results])}."
    )


def replace_section(text: str, name: str, content: str) -> str:
    """Put `content` between the markers `<!-- name:begin -->` and `<!-- name:end -->`.

    Raises:
        ValueError: The markers are missing.
    """
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    if not re.search(pattern, text, re.DOTALL):
        raise ValueError(f"The markers of the section {name!r} are missing.")
    return re.sub(pattern, lambda match: f"{match[1]}{content}\n{match[2]}", text, flags=re.DOTALL)


def render_readme(text: str) -> str:
    """README.md with its generated sections made anew."""
    return replace_section(text, "results", f"{render_report_table()}\n\n{render_provenance()}")


def main() -> None:
    write_text(README, render_readme(README.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
