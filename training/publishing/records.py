"""What was measured and published, as the tables and the cards tell it: each has its one home here."""

import json
import statistics
from pathlib import Path
from typing import Any

import yaml

from fer_models import zoo
from fer_models.results import read_json

from .. import RESULTS_DIR, SEEDS_DIR

PUBLISHED = Path(__file__).parent / "published.yaml"

SPLITS = {
    "train": "training images",
    "validation": "validation of the protocol",
    "report_test": "test images of the report (PublicTest and PrivateTest)",
    "official_validation": "PublicTest",
    "official_test": "PrivateTest",
    "official_validation_agreed": "PublicTest, where most FER+ annotators agree with the label",
    "official_test_without_copies": "PrivateTest without copies of training images",
    "ferplus_validation": "PublicTest by FER+'s majority",
    "ferplus_test": "PrivateTest by FER+'s majority (FER+'s test split)",
}


def load_measured(name: str) -> dict[str, Any] | None:
    """What a program wrote as `training/results/<name>.json`; None if it has not run."""
    return read_json(RESULTS_DIR / f"{name}.json")


def find_cost(name: str, file_bytes: int) -> dict[str, Any] | None:
    """What `training.benchmarks.cost` wrote of a model, with the hardware; None if it was not measured.

    However a model was trained, it costs the same; one under its name whose file is smaller or larger does not.
    """
    cost = load_measured("cost") or {"models": []}
    rows = [row for row in cost["models"] if row["model"] == name]
    return next((cost | row for row in rows if abs(row["file_bytes"] - file_bytes) < 0.01 * file_bytes), None)


def load_run(directory: Path) -> dict[str, Any]:
    """Where a trained model comes from: `run.json`, or what an earlier measurement kept of it."""
    if measured := read_json(directory / "results.json"):
        return read_json(directory / "run.json") or measured["trained_with"]
    return json.loads((directory / "run.json").read_text())


def load_published() -> dict[str, dict[str, float]]:
    """The report's own figures by model, as shares."""
    return yaml.safe_load(PUBLISHED.read_text())


def load_seeds(name: str, tag: str) -> list[dict[str, Any]]:
    """The measured runs of the recipe `<name>.<tag>` whose weights are not bundled, by file name."""
    return [read_json(path) for path in sorted(SEEDS_DIR.glob(f"{name}.{tag}.seed-*.json"))]


def list_measured_tags(name: str) -> list[str]:
    """The tags of which there is a measured run of `name`, bundled or not."""
    return zoo.sort_tags(
        [*zoo.list_tags(name), *(path.name.split(".")[1] for path in SEEDS_DIR.glob(f"{name}.*.json"))]
    )


def load_runs(name: str, tag: str) -> list[dict[str, Any]]:
    """Every measured run of the recipe `<name>.<tag>`, by seed; the bundled one first.

    Raises:
        ValueError: Two of them have the same seed, so one would be counted twice.
    """
    bundled = read_json(zoo.CHECKPOINTS_DIR / f"{name}.{tag}" / "results.json")
    runs = [*([bundled] if bundled else []), *load_seeds(name, tag)]
    seeds = [run["seed"] for run in runs]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"Several runs of {name}.{tag} have the same seed: {seeds}. Remove one of the files.")
    return runs


def describe_spread(values: list[float]) -> str:
    """Shares as per cent: `54.5%` for one, `54.5 ± 0.4%`, mean and standard deviation, for several."""
    if not values:
        return "–"
    mean = 100 * statistics.fmean(values)
    return f"{mean:.1f}%" if len(values) == 1 else f"{mean:.1f} ± {100 * statistics.stdev(values):.1f}%"
