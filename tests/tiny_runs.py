"""Tiny training runs that tests use."""

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from datasets import Dataset, DatasetDict
from safetensors.torch import load_file

from training import train as train_module
from training.data import keep_first_per_class, load_fer2013
from training.recipe import parse_recipe
from training.runtime.runs import TRIAL_FIELDS

RECIPES_DIR = Path(__file__).parents[1] / "training" / "recipes"
NUM_EPOCHS = 2
SAMPLES_PER_CLASS = 6

# Batch norm and dropout, so that running statistics and the random state have to survive an interruption, too; and
# dense layers, so that the weights are the largest files.
TINY = (
    *("--samples_per_class", str(SAMPLES_PER_CLASS), "--per_device_train_batch_size", "16"),
    *("--config_overrides", '{"filters": [4, 3, 4, 3], "dense_sizes": [128, 128]}'),
    *("--num_train_epochs", str(NUM_EPOCHS)),
)


@functools.cache
def _load_once(source: str, protocol: str) -> DatasetDict:
    return load_fer2013(source, protocol)


def load_fer2013_once(source: str | Path, protocol: str = "official") -> DatasetDict:
    """`load_fer2013`, which takes seconds, once for all runs of a test session."""
    return DatasetDict(_load_once(str(Path(source).resolve()), protocol))


def load_few_per_split(source: str | Path, protocol: str = "official") -> dict[str, Dataset]:
    """In place of `training.evaluation.evaluate.load_splits`: under the same names, 5 images of each class."""
    few = keep_first_per_class(load_fer2013_once(source, protocol)["validation"], 5)
    return dict.fromkeys(("train", "validation", "report_test", "official_validation", "official_test"), few)


def make_argv(source: Path, output_dir: Path, *overrides: str, model: str = "batchnorm-dropout") -> list[str]:
    """Arguments of `training.train` for a tiny run."""
    recipe = str(RECIPES_DIR / f"{model}.report.yaml")
    return [recipe, "--data", str(source), "--output_dir", str(output_dir), *TINY, *overrides]


def train_tiny(
    source: Path,
    output_dir: Path,
    *overrides: str,
    model: str = "batchnorm-dropout",
    load: Callable[[str, str], DatasetDict] = load_fer2013_once,
) -> Path:
    """Train a tiny run in this process."""
    recipe, *arguments = make_argv(source, output_dir, *overrides, model=model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, "load_fer2013", load)
        return train_module.train(*parse_recipe(recipe, arguments))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def pass_for_whole(run: Path) -> Path:
    """Give a tiny run the look of a whole and calibrated one, which may be bundled and pushed."""
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    for field in TRIAL_FIELDS:
        recipe.pop(field, None)
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    config = read_json(run / "config.json") | {"temperature": 1.5}
    (run / "config.json").write_text(json.dumps(config))
    return run


def load_weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "model.safetensors")


def assert_same_weights(left: Path, right: Path) -> None:
    """Equal to the last bit."""
    ours, theirs = load_weights(left), load_weights(right)
    assert ours.keys() == theirs.keys()
    assert [name for name, value in ours.items() if not torch.equal(value, theirs[name])] == []


def unfinish(finished: Path, output_dir: Path) -> list[Path]:
    """Copy a run as it lies when it is cut short after its last checkpoint; its checkpoints, the oldest first."""
    shutil.copytree(finished, output_dir)
    for name in ("run.json", "history.json", "model.safetensors"):
        (output_dir / name).unlink()
    return sorted(output_dir.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
