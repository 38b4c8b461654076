"""The folder of a run: what may be deleted in it, where it goes on, and whether it is more than a trial."""

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
import yaml
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from fer_models.hub import MODEL_FILES

AVERAGE_FILE = "average.safetensors"  # of a checkpoint whose run keeps an EMA of the weights

RECIPE, RUN, RESULTS = "recipe.yaml", "run.json", "results.json"
# What training, calibration and measurement write to it, beside the recipe; a `.part` is not finished.
FILES = {RUN, RESULTS, "history.json", "training_args.bin", *MODEL_FILES}
CODE = re.compile(r"(configuration|modeling|image_processing)_fer\w*\.py")
CHECKPOINT = re.compile(rf"{PREFIX_CHECKPOINT_DIR}-\d+")
# Fields that say where a run is done, not what is done; a run may go on with others.
PLACE_FIELDS = {"data", "output_dir", "resume", "report_to", "disable_tqdm", "push_to_hub"} | {
    f"hub_{what}" for what in ("model_id", "strategy", "token", "private_repo", "always_push", "revision")
}

# Fields of a recipe that make a run a trial, with the values that do not.
TRIAL_FIELDS: Mapping[str, tuple[Any, ...]] = {
    "samples_per_class": (None,),
    "max_steps": (None, -1),
    "trial": (None, False),  # such as fewer epochs than the recipe's
}


def list_trial_settings(settings: Mapping[str, Any]) -> list[str]:
    """What makes a run a trial, as `field: value`; nothing for a whole run.

    Args:
        settings: Fields of a recipe, with or without those that are as by default.
    """
    return [
        f"{field}: {settings[field]}"
        for field, whole in TRIAL_FIELDS.items()
        if field in settings and settings[field] not in whole
    ]


def leave_out_places(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved recipe as others get it: what was done, and not where, which would tell paths of this machine."""
    return {field: value for field, value in recipe.items() if field not in PLACE_FIELDS}


def check_run_folder(directory: Path) -> None:
    """Refuse to train in a folder that holds something else than a run, finished or not.

    Raises:
        ValueError: It holds something else, or is no folder.
    """
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"{directory} is no folder. Choose another --output_dir.")
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    if not {name for name in names if not name.startswith(".") and name != f"{RECIPE}.part"}:
        return
    if {RECIPE, RESULTS} <= names and RUN not in names and not any(map(CHECKPOINT.fullmatch, names)):
        raise ValueError(f"{directory} holds a bundled checkpoint, not a run. Choose another --output_dir.")
    if not is_recipe(directory / RECIPE):
        raise ValueError(f"{directory} holds something that is no run. Choose another --output_dir.")


def is_recipe(path: Path) -> bool:
    """Whether a file is the recipe that a run has resolved."""
    try:
        recipe = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(recipe, dict) and {"model", "protocol", "output_dir"} <= recipe.keys()


def delete_run(directory: Path) -> None:
    """Delete what a run has written to its folder, but the recipe, by which the folder is known as a run's.

    All else stays, and what a symlink leads to.

    Raises:
        ValueError: The folder holds something else than a run.
        OSError: Something cannot be deleted.
    """
    check_run_folder(directory)
    found = directory.iterdir() if directory.is_dir() else ()
    for path in sorted(found, key=lambda path: path.name != RESULTS):  # cut short, what is left is a run still
        if path.is_dir() and not path.is_symlink():
            if CHECKPOINT.fullmatch(path.name):
                shutil.rmtree(path)
        elif path.name.removesuffix(".part") in FILES or CODE.fullmatch(path.name):
            path.unlink()


def check_whole(directory: Path) -> None:
    """Refuse to publish a trial, or a model that is not calibrated, or was measured before it was.

    Args:
        directory: A finished run, or a checkpoint, with `recipe.yaml`, `config.json` and `results.json`.

    Raises:
        ValueError: Says which, and what to do.
        OSError: One of these files is missing.
    """
    settings = list_trial_settings(yaml.safe_load((directory / RECIPE).read_text()))
    if settings:
        raise ValueError(
            f"{directory} is a trial run ({', '.join(settings)}), and is neither bundled nor pushed. Train it without "
            "that."
        )
    temperature = json.loads((directory / "config.json").read_text()).get("temperature", 1.0)
    measured = json.loads((directory / RESULTS).read_text())["temperature"]
    if temperature == 1:
        raise ValueError(
            f"{directory} is not calibrated. Run training.evaluation.calibrate and training.evaluation.evaluate on it."
        )
    if temperature != measured:
        raise ValueError(
            f"{directory} was measured with the temperature {measured}, and has {temperature} now. Run "
            "training.evaluation.evaluate on it again."
        )


def find_resumable_checkpoint(output_dir: Path, averaged: bool = False) -> str | None:
    """The newest complete checkpoint of a run, or None. One that was cut short while it was written is passed over.

    Args:
        averaged: Whether the run averages its weights, so that a complete checkpoint holds their average, too.
    """
    checkpoints = [path for path in output_dir.glob(f"{PREFIX_CHECKPOINT_DIR}-*") if CHECKPOINT.fullmatch(path.name)]
    for checkpoint in sorted(checkpoints, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True):
        try:
            for file in ("model.safetensors", AVERAGE_FILE)[: 1 + averaged]:
                with safetensors.safe_open(checkpoint / file, "pt") as weights:
                    weights.keys()
            torch.load(checkpoint / "optimizer.pt", weights_only=True, map_location="cpu")
            json.loads((checkpoint / "trainer_state.json").read_text())  # the Trainer writes it last
        except Exception as error:
            print(f"Passing over {checkpoint}, which is incomplete: {error}", file=sys.stderr)
            continue
        return str(checkpoint)
    return None


def check_same_recipe(output_dir: Path, resolved: dict[str, Any]) -> None:
    """Refuse to go on with a run that was started with other settings.

    Raises:
        ValueError: Names each field that differs.
    """
    path = output_dir / "recipe.yaml"
    if not path.is_file():
        return
    before = yaml.safe_load(path.read_text())
    changed = [
        f"{key}: {before.get(key, 'the default')} -> {resolved.get(key, 'the default')}"
        for key in sorted((before.keys() | resolved.keys()) - PLACE_FIELDS)
        if before.get(key) != resolved.get(key)
    ]
    if changed:
        raise ValueError(
            f"{output_dir} holds a run with other settings ({'; '.join(changed)}). "
            "Choose another --output_dir, or --resume false to start it over."
        )
