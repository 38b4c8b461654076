"""What each regularisation brings: `python -m training.ablation --seeds 0 1`.

Trains the recipe of `training/ablation.yaml` as it is (`none`), with one technique at a time, and with all `together`,
each with each seed, under `runs/ablation`. Interrupted, it goes on when it is started again; finished runs stay.
Then it writes `training/measurements/ablation.json`, which `make report` draws and tabulates.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from transformers import TrainingArguments

from .arguments import RUNS_DIR, RecipeArguments, parse_recipe
from .data import DataError
from .files import write_json
from .records import ABLATION
from .train import train

SETTINGS = Path(__file__).with_name("ablation.yaml")
RECIPES_DIR = Path(__file__).parent / "recipes"
NONE, TOGETHER = "none", "together"


def list_variants(techniques: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings of every variant: of none of the techniques, of each alone, and of all.

    Args:
        techniques: Fields of a recipe by technique. No two may set the same field, but for `config_overrides`, which
            are put together.

    Raises:
        ValueError: Two techniques set one field.
    """
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
    words = [
        word
        for field, value in (settings["common"] | fields).items()
        for word in (f"--{field}", json.dumps(value) if isinstance(value, dict) else str(value))
    ]
    return parse_recipe(RECIPES_DIR / f"{settings['recipe']}.yaml", words + overrides)


def make_variant_dir(runs_dir: Path, variant: str) -> Path:
    return runs_dir / variant.replace(" ", "-")


def describe_run(directory: Path) -> dict[str, Any]:
    """Where a finished run ended.

    Args:
        directory: Its folder.

    Returns:
        `epochs` it ran, `kept_epoch`, whose weights it kept, `train` and `validation`, that epoch's accuracies in
        [0, 1], the first as it went, `n` validation images, `seconds`, `commit` and `hardware`.
    """
    history = json.loads((directory / "history.json").read_text())
    run = json.loads((directory / "run.json").read_text())
    keeps_best = yaml.safe_load((directory / "recipe.yaml").read_text()).get("load_best_model_at_end", False)
    kept = max(history, key=lambda row: row["validation_accuracy"]) if keeps_best else history[-1]
    return {
        "epochs": len(history),
        "kept_epoch": kept["epoch"],
        "train": kept["train_accuracy"],
        "validation": kept["validation_accuracy"],
        "n": run["images"]["validation"],
        **{name: run[name] for name in ("seconds", "commit", "hardware")},
    }


def collect(variants: dict[str, dict[str, Any]], runs_dir: Path) -> list[dict[str, Any]]:
    """One row for each finished run, `describe_run` with its `technique` and `seed`, in the order of the variants."""
    return [
        {"technique": variant, "seed": int(directory.name.removeprefix("seed-")), **describe_run(directory)}
        for variant in variants
        for directory in sorted(make_variant_dir(runs_dir, variant).glob("seed-*"))
        if (directory / "run.json").is_file()
    ]


def run_ablation(
    settings: dict[str, Any], seeds: list[int], runs_dir: Path, overrides: list[str]
) -> list[dict[str, Any]]:
    """Train what is missing.

    Args:
        settings: What `training/ablation.yaml` holds.
        seeds: Each variant is trained with each.
        runs_dir: The runs' folder.
        overrides: Further options for every run, as `training.train` takes them.

    Returns:
        What `collect` does, with the runs of other seeds that lie there.
    """
    variants = list_variants(settings["techniques"])
    # All are read before the first is trained, so that a mistake is told at once.
    planned = [
        parse_variant(settings, fields, [*overrides, *("--seed", str(seed)), *("--output_dir", str(output_dir))])
        for seed in seeds
        for variant, fields in variants.items()
        for output_dir in [make_variant_dir(runs_dir, variant) / f"seed-{seed}"]
    ]
    for recipe, args in planned:
        print(args.output_dir, flush=True)
        train(recipe, args)
    return collect(variants, runs_dir)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.ablation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Every field of a recipe is an option too, such as --disable_tqdm true.",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="default: 0 1")
    parser.add_argument("--settings", type=Path, default=SETTINGS, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--runs", type=Path, default=RUNS_DIR / "ablation", metavar="FOLDER", help="%(default)s")
    parser.add_argument("--json", type=Path, default=ABLATION, metavar="FILE", help="default: %(default)s")
    arguments, overrides = parser.parse_known_args(argv)
    try:
        settings = yaml.safe_load(arguments.settings.read_text())
        rows = run_ablation(settings, arguments.seeds, arguments.runs, overrides)
        write_json(arguments.json, {**settings, "rows": rows})
    except (DataError, ValueError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: {error}. What was finished is kept; make room or mend the path, then start again.")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Start again with the same command to go on from the last finished epoch.")
    print(f"Written: {arguments.json}, {len(rows)} runs")


if __name__ == "__main__":
    main()
