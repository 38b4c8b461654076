"""Render every table from JSON, without training: `python -m training.publishing.report`.

Each page has markers such as `<!-- accuracy:begin -->`; what stands between them is rendered by the row of `SECTIONS`
of that name. What the page shows beyond each checkpoint's own JSON goes to `fer_models/summary.json`.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from fer_models.commands import CommandParser, command
from fer_models.hub import make_fixed_revision
from fer_models.inference import choose_answer_split
from fer_models.results import shorten_commit
from fer_models.zoo import TAGS, checkpoint_dir, get_default_tag, list_models

from .. import ROOT
from ..runtime.files import write_json, write_text
from .browser import render_browser
from .markdown import list_bundled
from .model_card import count_copies
from .peers import render_peers
from .people import render_balance, render_people
from .readme import render_best, render_compared, render_install
from .records import load_measured, load_published, load_runs
from .tables import (
    render_ablation,
    render_accuracy,
    render_app,
    render_calibration,
    render_classes,
    render_cost,
    render_flip,
    render_notebook,
    render_quality,
    render_reproduction,
    render_robustness,
    render_runs,
    render_statistics,
)

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
# The tags of which the page tells every run: the zoo's, and the variants of the notebook of the report's
# author, whose weights are not bundled.
RESULT_TAGS = (*TAGS, "notebook")
SUMMARY = ROOT / "fer_models" / "summary.json"


def describe_labels() -> dict[str, float]:
    """What FER2013's labels and images are worth, as far as it was counted.

    Returns:
        `agreed`, the share of PublicTest's images on which no answer of FER+ got more votes than the label; `copies`,
        the share of PrivateTest's images that are copies of training images.
    """
    described = {}
    if votes := load_measured("votes"):
        agreed = sum(row["n"] * row["agreed"] for row in votes["labels"].values()) / votes["n"]
        described["agreed"] = round(agreed, 4)
    if copies := next(filter(None, (count_copies(one.results) for one in list_bundled())), None):
        described["copies"] = round(copies["n"] / copies["of"], 4)
    return described


def render_labels() -> str:
    """Markdown: the faults of FER2013's images and labels, in the shares that were counted."""
    described = describe_labels()
    faults = []
    if copies := described.get("copies"):
        faults.append(f"{copies:.0%} of the images of PrivateTest are exact copies of training images.")
    if agreed := described.get("agreed"):
        faults.append(
            f"On only {agreed:.0%} of the images of PublicTest is the label what FER+'s ten annotators chose most "
            "often, alone or as often as another one."
        )
    return " ".join(faults) or "Not counted yet."


def render_provenance() -> str:
    """Markdown: where the figures of the report's recipes come from."""
    runs = [run for name in list_models() for run in load_runs(name, "report")]
    if not runs:
        return "No checkpoint is bundled yet."

    def collect(values: list[str]) -> str:
        return ", ".join(sorted(set(values)))

    splits = runs[0]["splits"]
    return (
        f"Seeds {collect([str(run['seed']) for run in runs])}: mean and standard deviation. "
        f"Images: {splits['train']['n']:,} train, {splits['validation']['n']:,} validation, "
        f"{splits['report_test']['n']:,} test. Train accuracy is the running one of the last epoch, as Keras prints "
        "it. Gap is train less validation, the report's measure of over-fitting. "
        f"Trained on {collect([run['trained_with']['hardware'] for run in runs])}, commits "
        f"{collect([shorten_commit(run['trained_with']['commit']) for run in runs])}."
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


def _read_answer_accuracy(name: str) -> float:
    (run, *_) = load_runs(name, get_default_tag(name))
    return run["splits"][choose_answer_split(run)]["accuracy"]


def render_pin() -> str:
    """How to use a model of the Hub, pinned to the tag of the best weights."""
    if not list_models():
        return "No checkpoint is bundled yet."
    name = max(list_models(), key=_read_answer_accuracy)
    return f"""```python
from transformers import pipeline

repository, revision = "NAMESPACE/fer-{name}", "{make_fixed_revision(checkpoint_dir(name))}"
classify = pipeline("image-classification", model=repository, revision=revision, trust_remote_code=True)
print(classify(["face.png", "face.png"], top_k=3, batch_size=2))
```"""


def measured(name: str, render: Callable[[dict[str, Any]], str]) -> Callable[[], str]:
    """Renders what a program wrote as `training/results/<name>.json`."""

    def render_measured() -> str:
        content = load_measured(name)
        return render(content) if content else "Not measured yet."

    return render_measured


SECTIONS: dict[str, Callable[[], str]] = {
    "best": render_best,
    "compared": render_compared,
    "install": measured("install", render_install),
    "pin": render_pin,
    "browser": measured("browser", render_browser),
    "reproduction": lambda: f"{render_reproduction()}\n\n{render_provenance()}",
    "statistics": measured("batch_norm", render_statistics),
    "labels": render_labels,
    "notebook": render_notebook,
    "quality": render_quality,
    "accuracy": render_accuracy,
    "people": render_people,
    "balance": render_balance,
    "flip": measured("flip", render_flip),
    "peers": measured("peers", render_peers),
    "classes": render_classes,
    "calibration": render_calibration,
    "robustness": render_robustness,
    "cost": measured("cost", render_cost),
    "app": measured("app", render_app),
    "ablation": measured("ablation.dense", partial(render_ablation, "dense")),
    "ablation-transfer": measured("ablation.transfer", partial(render_ablation, "transfer")),
    "runs": render_runs,
}


def render_page(text: str) -> str:
    """A page with each of its generated sections made anew.

    Raises:
        ValueError: A section has no renderer, or no end.
    """
    for name in re.findall(r"<!-- (\S+):begin -->", text):
        if name not in SECTIONS:
            raise ValueError(f"Nothing renders the section {name!r}. Choose one of: {', '.join(SECTIONS)}.")
        text = replace_section(text, name, SECTIONS[name]())
    return text


def make_summary() -> dict[str, Any]:
    """What the page shows beyond each checkpoint's own JSON.

    Returns:
        `published`: the report's figures by model. `runs`: by `<name>.<tag>` one row a seed with `seed`, `train`
        (running accuracy of the last epoch, or null without one, or where it is not that of FER2013's labels),
        `validation` and `report_test`, shares in [0, 1]; `config_overrides`. `batch_norm`, `peers`, `cost` and
        `votes`: what the program of that name wrote, or null. `labels`: what `describe_labels` gives.
    """
    return {
        "published": load_published(),
        "runs": {
            f"{name}.{tag}": [
                {
                    "seed": run["seed"],
                    "config_overrides": json.loads(run["config_overrides"]),
                    "train": run["last_epoch"]["train_accuracy"]
                    if run["last_epoch"] and run.get("target", "label") == "label"
                    else None,
                    "validation": run["splits"]["validation"]["accuracy"],
                    "report_test": run["splits"]["report_test"]["accuracy"],
                }
                for run in runs
            ]
            for name in list_models()
            for tag in RESULT_TAGS
            if (runs := load_runs(name, tag))
        },
        "batch_norm": load_measured("batch_norm"),
        "peers": load_measured("peers"),
        "cost": load_measured("cost"),
        "votes": load_measured("votes"),
        "labels": describe_labels(),
    }


@command
def main(argv: list[str] | None = None) -> None:
    CommandParser(prog="python -m training.publishing.report", description=__doc__).parse_args(argv)
    for page in PAGES:
        write_text(page, render_page(page.read_text(encoding="utf-8")))
    write_json(SUMMARY, make_summary())


if __name__ == "__main__":
    main()
