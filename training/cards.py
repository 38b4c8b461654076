"""Model cards, rendered from the JSON of a checkpoint: `python -m training.cards` writes those of the bundled ones.

Every figure comes from `config.json`, `recipe.yaml`, `history.json`, `results.json` and `published.yaml`; what is not
there is left out.
"""

import json
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from transformers import AutoModelForImageClassification
from transformers.utils.logging import disable_progress_bar

from fer_models.commands import CommandParser, command
from fer_models.demo.measurements import shorten_commit
from fer_models.hub import make_fixed_revision, make_repo_id
from fer_models.zoo import CHECKPOINTS_DIR

from .architecture import describe_architecture
from .arguments import PLACE_FIELDS
from .files import write_text
from .measure_cost import count_multiply_adds
from .records import SPLITS, describe_spread, load_cost, load_published, load_seeds

TEMPLATE = Path(__file__).parent / "card_template.md"
# Stands for the user or organization in a card whose namespace is not known yet.
PLACEHOLDER = "NAMESPACE"


def render_card(directory: Path, repo_id: str | None = None) -> str:
    """The README.md of a checkpoint.

    Args:
        directory: A checkpoint's folder, `<name>.<tag>`, or a run's.
        repo_id: The repository that shows it; by default the model's in a namespace that is not known yet.

    Raises:
        OSError: The folder lacks the model or its recipe.
        ValueError: The metadata would not be valid.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())
    results = _read_json(directory / "results.json") or {}
    name = recipe["model"]
    tag = find_tag(directory)
    model = AutoModelForImageClassification.from_pretrained(directory)
    config = model.config
    parameters = sum(weight.numel() for weight in model.parameters())
    trained_with = results.get("trained_with") or _read_json(directory / "run.json")
    history = _read_json(directory / "history.json") or []
    runs = {run["seed"]: run for run in [results, *load_seeds(name, tag)] if run}
    settings = {key: value for key, value in recipe.items() if key not in PLACE_FIELDS}
    card = ModelCard.from_template(
        make_card_data(name, results),
        template_path=str(TEMPLATE),
        title=f"{name}, trained by the recipe {tag}",
        model=name,
        tag=tag,
        checkpoint=f"{name}.{tag}",
        repo_id=repo_id or make_repo_id(PLACEHOLDER, name),
        revision=make_fixed_revision(directory, tag),
        labels=list(config.id2label.values()),
        size=config.image_size,
        channels=config.num_channels,
        temperature=config.temperature,
        parameters=parameters,
        architecture=describe_architecture(model),
        recipe=recipe,
        recipe_yaml=yaml.safe_dump(settings).rstrip(),
        trained_with=trained_with,
        minutes=trained_with and f"{trained_with['seconds'] / 60:.1f}",
        epochs=len(history),
        commit=trained_with and shorten_commit(trained_with["commit"]),
        smaller=describe_smaller(trained_with),
        splits=describe_splits(results, runs),
        spread={"n": len(runs), "seeds": sorted(runs)} if len(runs) > 1 else None,
        published=describe_published(name, recipe, results, history),
        classes=describe_classes(results),
        is_printed=is_printed(recipe),
        pretrained=find_pretrained(recipe, trained_with),
        worst=find_worst_classes(results),
        figures={path.stem for path in directory.glob("*.png")},
        copies=count_copies(results),
        robustness=results.get("robustness"),
        cost=find_cost(name, count_multiply_adds(model)),
    )
    return str(card)


def make_card_data(name: str, results: dict[str, Any]) -> ModelCardData:
    """The metadata, with one `model-index` entry for each split: accuracy, macro-F1 and calibration error."""
    evaluations = [
        EvalResult(
            task_type="image-classification",
            task_name="Facial expression recognition",
            dataset_type="fer2013",
            dataset_name=f"FER2013, {SPLITS.get(split, split)}",
            dataset_split=split,
            dataset_args={"n": figures["n"]},
            metric_type=metric,
            metric_name=metric_name,
            metric_value=round(value, 4),
        )
        for split, figures in results.get("splits", {}).items()
        for metric, metric_name, value in (
            ("accuracy", "Accuracy", figures["accuracy"]),
            ("f1", "Macro F1", figures["macro_f1"]),
            ("ece", "Expected calibration error", figures["calibration"]["ece"]),
        )
    ]
    return ModelCardData(
        license="apache-2.0",
        library_name="transformers",
        pipeline_tag="image-classification",
        datasets=["fer2013"],
        metrics=["accuracy", "f1"],
        tags=["facial-expression-recognition", "fer2013"],
        model_name=f"fer-{name}",
        eval_results=evaluations or None,
    )


def is_printed(recipe: dict[str, Any]) -> bool:
    """Whether the report prints this architecture: a network of its name, with nothing overridden."""
    return recipe["model"] in load_published() and recipe.get("config_overrides", "{}") == "{}"


def describe_smaller(trained_with: dict[str, Any] | None) -> dict[str, str] | None:
    """The smaller network that a run went on from: its minutes, epochs and best accuracy on validation; or None."""
    smaller = (trained_with or {}).get("widened_from")
    return smaller and {
        "minutes": f"{smaller['seconds'] / 60:.1f}",
        "epochs": str(smaller["history"][-1]["epoch"]),
        "accuracy": f"{max(row['validation_accuracy'] for row in smaller['history']):.1%}",
    }


def find_pretrained(recipe: dict[str, Any], trained_with: dict[str, Any] | None) -> str | None:
    """The trained weights that a run started from, or the smaller network that it went on from; None for chance."""
    first = (trained_with or {}).get("widened_from", {}).get("recipe", {})
    return recipe.get("pretrained") or first.get("pretrained")


def describe_splits(results: dict[str, Any], runs: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each split; `runs` maps a seed to its `results.json`."""
    rows = []
    for split, figures in results.get("splits", {}).items():
        accuracies = [run["splits"][split]["accuracy"] for run in runs.values() if split in run["splits"]]
        low, high = figures["accuracy_interval_95"]
        rows.append(
            {
                "text": SPLITS.get(split, split.replace("_", " ")),
                "n": figures["n"],
                "accuracy": figures["accuracy"],
                "macro_f1": figures["macro_f1"],
                "interval": f"{low:.1%} to {high:.1%}",
                "spread": describe_spread(accuracies),
                "ece": f"{figures['calibration']['ece']:.1%}",
                "ece_before": f"{figures['calibration_before']['ece']:.1%}",
            }
        )
    return rows


def describe_published(
    name: str, recipe: dict[str, Any], results: dict[str, Any], history: list[dict[str, float]]
) -> dict[str, Any] | None:
    """Our figures and the report's, as shares; None if the report prints no such network."""
    theirs = load_published().get(name)
    splits = results.get("splits", {})
    if not theirs or not is_printed(recipe) or "report_test" not in splits or not history:
        return None
    return {
        "ours": {
            "train": f"{history[-1]['train_accuracy']:.1%}",
            "validation": f"{splits['validation']['accuracy']:.1%}",
            "test": f"{splits['report_test']['accuracy']:.1%}",
        },
        "report": {split: f"{theirs[f'report_{split}']:.1%}" for split in ("train", "validation", "test")},
        "revision": f"{theirs['revision_test']:.1%}",
    }


def describe_classes(results: dict[str, Any]) -> dict[str, Any] | None:
    """Precision, recall and F1 of each class on the report's test images."""
    test = results.get("splits", {}).get("report_test")
    if not test:
        return None
    counts = [sum(row) for row in test["confusion_matrix"]]
    columns = zip(results["labels"], counts, test["precision"], test["recall"], test["f1"], strict=True)
    names = ("label", "n", "precision", "recall", "f1")
    return {"n": test["n"], "rows": [dict(zip(names, row, strict=True)) for row in columns]}


def find_worst_classes(results: dict[str, Any], number: int = 3) -> list[str]:
    """The classes that are recognised most rarely, by their recall on the report's test images."""
    test = results.get("splits", {}).get("report_test")
    if not test:
        return []
    return [label for _, label in sorted(zip(test["recall"], results["labels"], strict=True))[:number]]


def count_copies(results: dict[str, Any]) -> dict[str, int] | None:
    """How many images of PrivateTest are copies of training images, of how many."""
    splits = results.get("splits", {})
    if "official_test_without_copies" not in splits:
        return None
    n = splits["official_test"]["n"]
    return {"n": n - splits["official_test_without_copies"]["n"], "of": n}


def find_cost(name: str, multiply_adds: int) -> dict[str, Any] | None:
    """What `training.measure_cost` wrote of a network, with the hardware; None if it was not measured.

    However a network was trained, it costs the same; one under its name that has more to do does not.
    """
    cost = load_cost() or {"models": []}
    for row in cost["models"]:
        if (row["model"], row["multiply_adds"]) == (name, multiply_adds):
            return row | {"hardware": cost["hardware"], "threads": cost["threads"]}
    return None


def find_tag(directory: Path) -> str:
    """The way of training: from a checkpoint's name, `<name>.<tag>`, or a run's, `<name>.<tag>/seed-<n>`."""
    names = [folder.name.partition(".")[2] for folder in (directory, directory.absolute().parent)]
    return names[0] or names[1] or "custom"


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else None


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.cards", description=__doc__)
    parser.add_argument("directories", type=Path, nargs="*", help="checkpoints; by default all bundled ones")
    arguments = parser.parse_args(argv)
    disable_progress_bar()
    for directory in arguments.directories or sorted(CHECKPOINTS_DIR.glob("*.*")):
        try:
            write_text(directory / "README.md", render_card(directory))
        except (ValueError, OSError) as error:
            raise ValueError(f"{directory}: {error}") from error


if __name__ == "__main__":
    main()
