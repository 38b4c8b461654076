"""Model cards, rendered from the JSON of a checkpoint: `python -m training.cards` writes those of the bundled ones.

Every figure comes from `config.json`, `recipe.yaml`, `history.json`, `results.json` and `published.yaml`; what is not
there is left out.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from torch import nn
from transformers import AutoModelForImageClassification, PreTrainedModel

from fer_models.hub import make_fixed_revision, make_repo_id
from fer_models.zoo import CHECKPOINTS_DIR

from .files import write_text
from .train import PLACE_FIELDS

TEMPLATE = Path(__file__).parent / "card_template.md"
PUBLISHED = Path(__file__).parent / "published.yaml"
COST = Path(__file__).parent / "measurements" / "cost.json"
# `results.json` of further seeds, `<name>.<tag>.seed-<n>.json`.
SEEDS_DIR = Path(__file__).parent / "results"
# Stands for the user or organization in a card that is not on the Hub yet.
PLACEHOLDER = "NAMESPACE"

SPLITS = {
    "train": "training images",
    "validation": "validation of the protocol",
    "report_test": "test images of the report (PublicTest and PrivateTest)",
    "official_validation": "PublicTest",
    "official_test": "PrivateTest",
    "official_validation_agreed": "PublicTest, where most FER+ annotators agree with the label",
    "official_test_without_copies": "PrivateTest without copies of training images",
}


def render_card(directory: Path, namespace: str = PLACEHOLDER) -> str:
    """The README.md of a checkpoint.

    Args:
        directory: A checkpoint's folder, `<name>.<tag>`, or a run's.
        namespace: User or organization of the Hub under which it is shown.

    Raises:
        OSError: The folder lacks the model or its recipe.
        ValueError: The metadata would not be valid.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())
    results = _read_json(directory / "results.json") or {}
    name = recipe["model"]
    tag = _find_tag(directory, recipe)
    model = AutoModelForImageClassification.from_pretrained(directory)
    config = model.config
    trained_with = results.get("trained_with") or _read_json(directory / "run.json")
    seeds = [_read_json(path) for path in sorted(SEEDS_DIR.glob(f"{name}.{tag}.seed-*.json"))]
    runs = {result["seed"]: result for result in [results, *seeds] if result}
    settings = {key: value for key, value in recipe.items() if key not in PLACE_FIELDS}
    card = ModelCard.from_template(
        make_card_data(name, results),
        template_path=str(TEMPLATE),
        title=f"{name}, trained by the recipe {tag}",
        model=name,
        tag=tag,
        checkpoint=f"{name}.{tag}",
        repo_id=make_repo_id(namespace, name),
        revision=make_fixed_revision(directory, tag),
        labels=list(config.id2label.values()),
        size=config.image_size,
        channels=config.num_channels,
        temperature=config.temperature,
        parameters=sum(weight.numel() for weight in model.parameters()),
        architecture=describe_architecture(model),
        recipe=recipe,
        recipe_yaml=yaml.safe_dump(settings).rstrip(),
        trained_with=trained_with,
        minutes=trained_with and f"{trained_with['seconds'] / 60:.1f}",
        splits=describe_splits(results, runs),
        spread={"n": len(runs), "seeds": sorted(runs)} if len(runs) > 1 else None,
        published=describe_published(name, recipe, results, _read_json(directory / "history.json")),
        classes=describe_classes(results),
        worst=find_worst_classes(results),
        has_curves=(directory / "curves.png").is_file(),
        has_confusion_matrix=(directory / "confusion_matrix.png").is_file(),
        robustness=results.get("robustness"),
        cost=find_cost(name, tag),
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


@torch.inference_mode()
def describe_architecture(model: PreTrainedModel) -> list[dict[str, Any]]:
    """The network's blocks and layers in order: what they do, the shape of what they give, their weights."""
    parts = [part for child in model.children() for part in (child if isinstance(child, nn.ModuleList) else [child])]
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    hooks = [part.register_forward_hook(lambda part, _, output: shapes.update({part: output.shape})) for part in parts]
    config = model.config
    model.eval()(torch.zeros(1, config.num_channels, config.image_size, config.image_size))
    for hook in hooks:
        hook.remove()
    return [
        {
            "layers": _describe_layers(part),
            "output": " x ".join(str(length) for length in shapes[part][1:]),
            "weights": sum(weight.numel() for weight in part.parameters()),
        }
        for part in parts
        if part in shapes and any(True for _ in part.modules() if not list(_.children())) and _describe_layers(part)
    ]


def _describe_layers(part: nn.Module) -> str:
    layers = [layer for layer in part.modules() if not list(layer.children())]
    words = []
    for layer in layers:
        match layer:
            case nn.Conv2d():
                words.append(f"convolution {layer.kernel_size[0]}x{layer.kernel_size[1]}")
            case nn.Linear():
                words.append(f"dense {layer.out_features}")
            case nn.BatchNorm2d():
                words.append("batch norm")
            case nn.MaxPool2d():
                words.append(f"max pool {layer.kernel_size}x{layer.kernel_size}")
            case nn.Dropout() if layer.p > 0:
                words.append(f"dropout {layer.p:.0%}")
            case nn.Identity() | nn.Dropout() | nn.Sequential():
                pass
            case _:
                words.append(type(layer).__name__)
    return ", ".join(words) if len(words) <= 8 else f"{type(part).__name__}, {len(words)} layers"


def describe_splits(results: dict[str, Any], runs: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each split; `runs` maps a seed to its `results.json`."""
    rows = []
    for split, figures in results.get("splits", {}).items():
        accuracies = [run["splits"][split]["accuracy"] for run in runs.values() if split in run["splits"]]
        spread = (
            f"{statistics.mean(accuracies):.1%} ± {statistics.stdev(accuracies):.1%}" if len(accuracies) > 1 else ""
        )
        low, high = figures["accuracy_interval_95"]
        rows.append(
            {
                "text": SPLITS.get(split, split.replace("_", " ")),
                "n": figures["n"],
                "accuracy": figures["accuracy"],
                "macro_f1": figures["macro_f1"],
                "interval": f"{low:.1%} to {high:.1%}",
                "spread": spread,
                "ece": f"{figures['calibration']['ece']:.1%}",
                "ece_before": f"{figures['calibration_before']['ece']:.1%}",
            }
        )
    return rows


def describe_published(
    name: str, recipe: dict[str, Any], results: dict[str, Any], history: list[dict[str, float]] | None
) -> dict[str, Any] | None:
    """Our figures and the report's, as shares; None if the report has no such network."""
    theirs = yaml.safe_load(PUBLISHED.read_text()).get(name)
    splits = results.get("splits", {})
    if not theirs or "report_test" not in splits or not history:
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


def find_cost(name: str, tag: str) -> dict[str, Any] | None:
    """What `training.measure_cost` wrote of a checkpoint, with the hardware; None if it was not measured."""
    cost = _read_json(COST) or {"models": []}
    for row in cost["models"]:
        if (row["model"], row["tag"]) == (name, tag):
            return row | {"hardware": cost["hardware"], "threads": cost["threads"]}
    return None


def _find_tag(directory: Path, recipe: dict[str, Any]) -> str:
    """The way of training: from a checkpoint's name, or a run's folder `runs/<name>.<tag>/seed-<n>`."""
    for folder in (directory, directory.parent):
        name, _, tag = folder.name.partition(".")
        if name == recipe["model"] and tag:
            return tag
    return "custom"


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else None


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.cards", description=__doc__)
    parser.add_argument("directories", type=Path, nargs="*", help="checkpoints; by default all bundled ones")
    for directory in parser.parse_args(argv).directories or sorted(CHECKPOINTS_DIR.glob("*.*")):
        try:
            write_text(directory / "README.md", render_card(directory))
        except (ValueError, OSError) as error:
            sys.exit(f"error: {directory}: {error}")


if __name__ == "__main__":
    main()
