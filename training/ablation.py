"""What each technique brings: `python -m training.ablation training/ablations/dense.yaml --seeds 0,1,2`.

Trains a recipe as it is (`none`), with one technique at a time, and, unless the settings say otherwise, with all
`together`, each with each seed, under `runs/ablation`, and writes `training/results/ablation.dense.json` after
every run, which `make report` draws and tabulates. Interrupted, it goes on when it is started again; what the JSON has
by the same settings is not trained anew. With other fields of the recipe it is a trial, and all goes to
`runs/ablation/dense.trial`. Early stopping, which only cuts a run short, is read off the runs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import TrainingArguments

from fer_models.commands import CommandParser, at_least, command, split_list
from fer_models.results import read_json

from . import RECIPES_DIR, RESULTS_DIR
from .recipe import RUNS_DIR, RecipeArguments, parse_recipe, read_settings, to_words
from .runtime.files import write_json
from .runtime.runs import PLACE_FIELDS
from .train import train

NONE, TOGETHER = "none", "together"
# What early stopping makes of a variant's runs.
STOPPED = {NONE: "early stopping", TOGETHER: "together, early stopping"}


def list_variants(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of every variant: of none of the techniques, of each alone, and of all.

    Args:
        settings: Of an ablation. `techniques` are fields of a recipe by technique; unless `together` is false, no two
            may set the same field, but for `config_overrides`, which are put together.

    Raises:
        ValueError: Two techniques set one field.
    """
    techniques: dict[str, dict[str, Any]] = settings["techniques"]
    if not settings.get("together", True):
        return {NONE: {}, **techniques}
    together: dict[str, Any] = {}
    for technique, fields in techniques.items():
        for field, value in fields.items():
            if field == "config_overrides" and not together.get(field, {}).keys() & value.keys():
                together[field] = together.get(field, {}) | value
            elif field in together:
                raise ValueError(f"{technique}: another technique sets {field} already.")
            else:
                together[field] = value
    return {NONE: {}, **techniques, TOGETHER: together}


def parse_variant(
    settings: dict[str, Any], fields: dict[str, Any], overrides: list[str]
) -> tuple[RecipeArguments, TrainingArguments]:
    """The recipe of one variant, as `parse_recipe` gives it; `overrides` win over all other settings.

    Raises:
        ValueError: There is no such field, or its value is wrong.
    """
    words = to_words(settings["common"] | fields) + overrides
    return parse_recipe(RECIPES_DIR / f"{settings['recipe']}.yaml", words)


def make_variant_dir(runs_dir: Path, variant: str) -> Path:
    return runs_dir / variant.replace(" ", "-")


def stop_early(history: list[dict[str, float]], patience: int, threshold: float = 0.0) -> list[dict[str, float]]:
    """The epochs after which early stopping would have ended a run: `patience` ones without a gain on validation.

    As transformers' `EarlyStoppingCallback` counts: a gain is more than `threshold` above the best before.
    """
    best, waited = -1.0, 0
    for index, row in enumerate(history):
        waited = 0 if row["validation_accuracy"] - best > threshold else waited + 1
        best = max(best, row["validation_accuracy"])
        if waited == patience:
            return history[: index + 1]
    return history


def describe_run(directory: Path, variant: str, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Where a finished run ended, and where early stopping would have ended it.

    Args:
        directory: Its folder.
        variant: What it was trained with.
        settings: Of the ablation; without `early_stopping_patience` there is no look at early stopping.

    Returns:
        One row, or two for a variant of `STOPPED`, each with `technique`, `seed`, `epochs` it ran, `kept_epoch`, whose
        weights count (the last, or with early stopping the best), `train` and `validation`, that epoch's accuracies in
        [0, 1], the first as it went, `n` validation images, `seconds`, `commit` and `hardware`.
    """
    history = json.loads((directory / "history.json").read_text())
    run = json.loads((directory / "run.json").read_text())
    kept = [(variant, history, history[-1])]
    patience = settings.get("early_stopping_patience")
    if patience and variant in STOPPED:
        stopped = stop_early(history, patience, settings.get("early_stopping_threshold", 0.0))
        kept.append((STOPPED[variant], stopped, max(stopped, key=lambda row: row["validation_accuracy"])))
    return [
        {
            "technique": technique,
            "seed": int(directory.name.removeprefix("seed-")),
            "epochs": len(epochs),
            "kept_epoch": row["epoch"],
            "train": row["train_accuracy"],
            "validation": row["validation_accuracy"],
            "n": run["images"]["validation"],
            **{name: run[name] for name in ("seconds", "commit", "hardware")},
        }
        for technique, epochs, row in kept
    ]


def run_ablation(
    settings: dict[str, Any], seeds: list[int], runs_dir: Path, overrides: list[str], rows: list[dict[str, Any]]
) -> Iterator[list[dict[str, Any]]]:
    """Train what is missing, seed by seed.

    Args:
        settings: What a file of `training/ablations` holds.
        seeds: Each variant is trained with each.
        runs_dir: The runs' folder.
        overrides: Further options for every run, as `training.train` takes them.
        rows: What is measured already, by the same settings.

    Returns:
        After each run, and once before the first, all rows as `describe_run` gives them, variant by variant.

    Raises:
        ValueError: A field does not exist, or its value is wrong.
    """
    variants = list_variants(settings)
    # All are read before the first is trained, so that a mistake is told at once.
    planned = [
        (variant, *parse_variant(settings, fields, [*overrides, "--seed", str(seed), "--output_dir", str(output_dir)]))
        for seed in seeds
        for variant, fields in variants.items()
        for output_dir in [make_variant_dir(runs_dir, variant) / f"seed-{seed}"]
    ]
    order = [NONE, STOPPED[NONE], *settings["techniques"], TOGETHER, STOPPED[TOGETHER]]
    yield rows
    for variant, recipe, args in planned:
        if any((row["technique"], row["seed"]) == (variant, args.seed) for row in rows):
            continue
        print(args.output_dir, flush=True)
        rows = [*rows, *describe_run(train(recipe, args), variant, settings)]
        rows.sort(key=lambda row: (order.index(row["technique"]), row["seed"]))
        yield rows


def read_rows(path: Path, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """What an earlier call measured, if it was by the same settings; else nothing.

    Raises:
        ValueError: The file holds something else, which would be lost.
    """
    before = read_json(path) or {"rows": []}
    if not isinstance(before, dict) or "rows" not in before:
        raise ValueError(f"{path} holds something else than an ablation. Choose another --output.")
    rows = before.pop("rows")
    return rows if before == settings else []


def read_seeds(text: str) -> list[int]:
    """`0,1,2` -> `[0, 1, 2]`."""
    return [at_least(0)(seed) for seed in split_list(text)]


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(
        prog="python -m training.ablation",
        description=__doc__,
        epilog="Every field of a recipe is an option too, such as --disable_tqdm true; "
        "`python -m training.train --help` lists them.",
    )
    parser.add_argument("settings", type=Path, metavar="FILE", help="such as training/ablations/dense.yaml")
    parser.add_argument("--seeds", type=read_seeds, default="0,1,2", metavar="N,N", help="with commas between them")
    parser.add_argument(
        "--runs", type=Path, metavar="FOLDER", help="for the runs; by default runs/ablation/, and FILE's name"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="for the figures, JSON; by default training/results/ablation., and FILE's name",
    )
    arguments, overrides = parser.parse_known_args(argv)
    name = arguments.settings.stem
    # With other fields than the settings say it is a trial, whose rows are not mixed with those that are published.
    is_trial = bool({word[2:].partition("=")[0] for word in overrides if word.startswith("--")} - PLACE_FIELDS)
    runs_dir = arguments.runs or RUNS_DIR / "ablation" / (f"{name}.trial" if is_trial else name)
    output = arguments.output or (runs_dir / "rows.json" if is_trial else RESULTS_DIR / f"ablation.{name}.json")
    settings = read_settings(arguments.settings, "names no techniques")
    if not {"recipe", "common", "techniques"} <= set(settings):
        raise ValueError(f"{arguments.settings} names no techniques to compare. Name a file of training/ablations.")
    if is_trial:
        settings["overrides"] = overrides
    before = read_rows(output, settings)
    try:
        for rows in run_ablation(settings, arguments.seeds, runs_dir, overrides, before):
            if rows:
                output.parent.mkdir(parents=True, exist_ok=True)
                write_json(output, {**settings, "rows": rows})
    except OSError as error:
        sys.exit(f"error: {error}. What was finished is kept; make room or mend the path, then start again.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Start again with the same command to go on from the newest checkpoint.")
    print(f"Written: {output}, {len(rows)} rows")


if __name__ == "__main__":
    main()
