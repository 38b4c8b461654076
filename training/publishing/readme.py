"""The tables of README.md: how good and how large the models are, beside the report, and what a clone costs."""

from typing import Any

from fer_models.inference import PEOPLE_SPLIT
from fer_models.results import list_trainings, shorten_commit
from fer_models.zoo import list_models

from .markdown import MISSING, render_table
from .people import describe_accuracy
from .records import describe_spread, load_measured, load_published, load_runs
from .tables import describe_cost

# Each of the two questions has the tag that was trained to answer it.
LABELS_TAG, LABELS_SPLIT = "tuned", "official_test"
PEOPLE_TAG = "ferplus"


def _read_split(name: str, tag: str, split: str) -> dict[str, Any] | None:
    """What the bundled run of `<name>.<tag>` measured on a split; None if it has not."""
    runs = load_runs(name, tag)
    return runs[0]["splits"].get(split) if runs else None


def render_best() -> str:
    """Five rows: accuracy on PrivateTest, agreement with most people, size and time of each model."""
    rows, sizes, both = [], {}, []
    for name in list_models():
        trainings = [part for run in load_runs(name, LABELS_TAG)[:1] for part in list_trainings(run["trained_with"])]
        both += [f"`{name}`" for part in trainings if part.get("recipe", {}).get("target") == "heads"]
        labels, people = (
            _read_split(name, tag, split) for tag, split in ((LABELS_TAG, LABELS_SPLIT), (PEOPLE_TAG, PEOPLE_SPLIT))
        )
        for key, split in (("labels", labels), ("people", people)):
            if split:
                sizes[key] = f", n = {split['n']:,}"
        accuracies = (describe_accuracy(split) for split in (labels, people))
        rows.append([f"`{name}`", *accuracies, *describe_cost(name, PEOPLE_TAG)])
    header = ["model", f"accuracy on PrivateTest, `{LABELS_TAG}`", f"agrees with most people, `{PEOPLE_TAG}`", "file",
              "time for one face"]  # fmt: skip
    cost = load_measured("cost")
    timed = f" Time: one thread, {cost['hardware']}." if cost else ""
    at_once = f" {', '.join(both)} learnt both at once, with a head for each." if both else ""
    return (
        f"{render_table(header, rows)}\n\nPrivateTest is FER2013's final test split{sizes.get('labels', '')}; models "
        f"trained on FER2013's labels (tag `{LABELS_TAG}`). People are FER+'s ten annotators{sizes.get('people', '')}; "
        f"models trained on their votes (tag `{PEOPLE_TAG}`).{at_once} In brackets: 95 % intervals.{timed}"
    )


def render_compared() -> str:
    """Accuracy on the report's test images: as printed, by its recipe trained here, and by our recipe."""
    published = load_published()
    rows, sizes = [], set()
    for name in list_models():
        shares = {}
        for tag in ("report", LABELS_TAG):
            splits = [run["splits"]["report_test"] for run in load_runs(name, tag) if "report_test" in run["splits"]]
            sizes |= {f"{split['n']:,}" for split in splits}
            shares[tag] = describe_spread([split["accuracy"] for split in splits])
        printed = published.get(name, {}).get("report_test")
        rows.append([f"`{name}`", MISSING if printed is None else f"{printed:.1%}", *shares.values()])
    header = ["model", "the report", "the report's recipe, trained here", "our recipe, `tuned`"]
    return (
        f"{render_table(header, rows)}\n\nAccuracy on {', '.join(sorted(sizes)) or 'the'} test images. ± is the "
        "standard deviation over the seeds, where there are several."
    )


def render_install(install: dict[str, Any]) -> str:
    """What a fresh clone costs, as `training.benchmarks.install` wrote it."""

    def describe(name: str) -> list[str]:
        step = install[name]
        return [f"{step['install_seconds'] / 60:.1f} min", f"{step['environment_bytes'] / 1e9:.1f} GB"]

    tests = install["test_seconds"]
    rows = [
        ["`make demo`", *describe("demo"), "until Ctrl-C"],
        ["`make test`, after it", *describe("test"), MISSING if tests is None else f"{tests / 60:.0f} min"],
    ]
    pip_args = f', `PIP_ARGS="{install["pip_args"]}"`' if install["pip_args"] else ""
    return (
        f"{render_table(['command', 'first installation', '`.venv` then', 'runs'], rows)}\n\n{install['hardware']}, "
        f"torch {install['versions']['torch']}{pip_args}, commit {shorten_commit(install['commit'])}."
    )
