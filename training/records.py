"""What was measured and published, as the tables and the cards tell it: each has its one home here."""

import json
import statistics
from pathlib import Path
from typing import Any

import yaml

from fer_models import zoo

# `results.json` of seeds whose weights are not bundled, `<name>.<tag>.seed-<n>.json`.
RESULTS_DIR = Path(__file__).parent / "results"
MEASUREMENTS_DIR = Path(__file__).parent / "measurements"
AUGMENTATION = MEASUREMENTS_DIR / "augmentation.json"
BATCH_NORM = MEASUREMENTS_DIR / "batch_norm.json"
APP = MEASUREMENTS_DIR / "app.json"
COST = MEASUREMENTS_DIR / "cost.json"
FLIP = MEASUREMENTS_DIR / "flip.json"
PEERS = MEASUREMENTS_DIR / "peers.json"
VOTES = MEASUREMENTS_DIR / "votes.json"
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


def _read(path: Path) -> dict[str, Any] | None:
    """What a program of measurement wrote; None if it has not run."""
    return json.loads(path.read_text()) if path.is_file() else None


def load_run(directory: Path) -> dict[str, Any]:
    """Where a trained model comes from: `run.json`, or what an earlier measurement kept of it."""
    run_file = directory / "run.json"
    if run_file.is_file() or not (directory / "results.json").is_file():
        return json.loads(run_file.read_text())
    return json.loads((directory / "results.json").read_text())["trained_with"]


def load_published() -> dict[str, dict[str, float]]:
    """The report's own figures by network, as shares."""
    return yaml.safe_load(PUBLISHED.read_text())


def load_ablation(name: str) -> dict[str, Any] | None:
    """What `training.ablation` wrote of `training/ablations/<name>.yaml`, or None."""
    return _read(MEASUREMENTS_DIR / f"ablation.{name}.json")


def load_augmentation() -> dict[str, Any] | None:
    """What `training.measure_augmentation` wrote, or None."""
    return _read(AUGMENTATION)


def load_app() -> dict[str, Any] | None:
    """What `training.benchmark_app` wrote, or None."""
    return _read(APP)


def load_cost() -> dict[str, Any] | None:
    """What `training.measure_cost` wrote, or None."""
    return _read(COST)


def load_flip() -> dict[str, Any] | None:
    """What `training.measure_flip` wrote, or None."""
    return _read(FLIP)


def load_batch_norm() -> dict[str, Any] | None:
    """What `training.measure_batch_norm` wrote, or None."""
    return _read(BATCH_NORM)


def load_peers() -> dict[str, Any] | None:
    """What `training.benchmarks.peers.measure` wrote, or None."""
    return _read(PEERS)


def load_votes() -> dict[str, Any] | None:
    """What `training.measure_votes` wrote, or None."""
    return _read(VOTES)


def load_seeds(name: str, tag: str) -> list[dict[str, Any]]:
    """The measured runs of the recipe `<name>.<tag>` whose weights are not bundled, by file name."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS_DIR.glob(f"{name}.{tag}.seed-*.json"))]


def list_measured_tags(name: str) -> list[str]:
    """The ways of training of which there is a measured run of `name`, bundled or not."""
    return zoo.sort_tags(
        [*zoo.list_tags(name), *(path.name.split(".")[1] for path in RESULTS_DIR.glob(f"{name}.*.json"))]
    )


def load_runs(name: str, tag: str) -> list[dict[str, Any]]:
    """Every measured run of the recipe `<name>.<tag>`, as `training.evaluate` wrote it, by seed; the bundled one first.

    Raises:
        ValueError: Two of them have the same seed, so one would be counted twice.
    """
    bundled = zoo.CHECKPOINTS_DIR / f"{name}.{tag}" / "results.json"
    runs = [json.loads(bundled.read_text())] if bundled.is_file() else []
    runs += load_seeds(name, tag)
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
