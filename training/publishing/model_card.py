"""Model cards, rendered from the JSON of a checkpoint when it is pushed.

Every figure comes from `config.json`, `recipe.yaml`, `history.json`, `results.json` and `published.yaml`; what is not
there is left out.
"""

import json
import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from transformers import AutoModelForImageClassification

from fer_models.hub import make_fixed_revision, make_repo_id
from fer_models.inference import PEOPLE_SPLIT, SHOWN_SPLIT, choose_shown_split
from fer_models.onnx_export import ONNX_FILE
from fer_models.results import METRICS, list_trainings, read_json, shorten_commit
from fer_models.zoo import TAGS

from ..runtime.runs import RUN, leave_out_places
from .architecture import describe_architecture
from .bundle import list_changes
from .markdown import format_metrics
from .people import share_of_eight
from .records import SPLITS, describe_spread, find_cost, load_published, load_seeds

# How the Hub calls what it knows.
HUB_METRICS = {"macro_f1": "f1", "macro_recall": "recall"}
TEMPLATE = Path(__file__).parent / "card_template.md"
# Stands for the user or organization in a card whose namespace is not known yet.
PLACEHOLDER = "NAMESPACE"
ENDPOINT = "https://huggingface.co"
# The splits that chose nothing, the one that is least flattered by copies first.
TESTS = (SHOWN_SPLIT, "official_test", PEOPLE_SPLIT)
# So many classes are named as those that are recognised most rarely.
WORST_CLASSES = 3
# A training: its recipe, and what `run.json` says of it.
Part = tuple[dict[str, Any], dict[str, Any]]


def render_card(directory: Path, repo_id: str | None = None, figures: Collection[str] = ()) -> str:
    """The README.md of a checkpoint.

    Args:
        directory: A checkpoint's folder, `<name>.<tag>`, or a run's.
        repo_id: The repository that shows it; by default the model's in a namespace that is not known yet.
        figures: The pictures that lie beside the card, such as `curves.png`.

    Raises:
        OSError: The folder lacks the model or its recipe.
        ValueError: The metadata would not be valid.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())
    results = read_json(directory / "results.json") or {}
    name = recipe["model"]
    tag = find_tag(directory)
    model = AutoModelForImageClassification.from_pretrained(directory)
    config = model.config
    trained_with = results.get("trained_with") or read_json(directory / "run.json")
    history = read_json(directory / "history.json") or []
    parts = list_parts(recipe, trained_with)
    by_people = learns_votes(results, parts)
    is_run = (directory / RUN).is_file()
    is_by_recipe = not list_changes(directory, f"{name}.{tag}")
    runs = {run["seed"]: run for run in [*([] if is_run else load_seeds(name, tag)), results] if run}
    card = ModelCard.from_template(
        make_card_data(name, results, parts),
        template_path=str(TEMPLATE),
        title=f"{name}.{tag}: {words}" if is_by_recipe and (words := TAGS.get(tag)) else f"{name}.{tag}",
        model=name,
        tag=tag,
        checkpoint=f"{name}.{tag}",
        repo_id=repo_id or make_repo_id(PLACEHOLDER, name),
        revision=make_fixed_revision(directory, tag),
        onnx_file=ONNX_FILE,
        endpoint=ENDPOINT,
        labels=list(config.id2label.values()),
        size=config.image_size,
        channels=config.num_channels,
        temperature=config.temperature,
        parameters=model.num_parameters(),
        architecture=describe_architecture(model),
        by_people=by_people,
        is_by_recipe=is_by_recipe,
        chosen=join_words(list_chosen(parts, by_people, config.temperature != 1)),
        is_run=is_run,
        **describe_training(recipe, trained_with, history, parts),
        prior_strength=getattr(config, "prior_strength", 0.0),
        splits=describe_splits(results, runs, parts),
        metrics=[metric.words for metric in METRICS.values()],
        votes=describe_votes(results),
        spread={"n": len(runs), "seeds": sorted(runs)} if len(runs) > 1 else None,
        published=None if by_people else describe_published(name, recipe, results, history),
        classes=describe_classes(results),
        figures=figures,
        copies=count_copies(results),
        robustness=results.get("robustness"),
        cost=find_cost(name, (directory / "model.safetensors").stat().st_size),
    )
    return str(card)


def describe_training(
    recipe: dict[str, Any], trained_with: dict[str, Any] | None, history: list[Any], parts: Sequence[Part]
) -> dict[str, Any]:
    """What the card's template says of how the weights came about."""
    settings = leave_out_places(recipe)
    targets = {part.get("target", "label") for part, _ in parts}
    return {
        "recipe": recipe,
        "targets": targets,
        "learnt_votes": targets != {"label"},
        "recipe_yaml": yaml.safe_dump(settings).rstrip(),
        "trained_with": trained_with,
        "epochs": history[-1]["epoch"] if history else 0,
        "commit": trained_with and shorten_commit(trained_with["commit"]),
        "earlier": describe_earlier(parts),
        "teachers": join_words(list_teachers(parts)),
        "chooses_epoch": chooses_epoch(parts),
        "is_printed": is_printed(recipe),
        "pretrained": find_pretrained(parts),
    }


def make_card_data(name: str, results: dict[str, Any], parts: Sequence[Part] = ()) -> ModelCardData:
    """The metadata, with `model-index` entries for each split: accuracy, `METRICS` and calibration error.

    What chose nothing comes first; PublicTest is there once, and says what it chose. FER2013 has no home on the Hub, so
    `datasets`, which takes ids of data sets there, names none.

    Args:
        name: The model's, in the zoo.
        results: Its `results.json`, or nothing.
        parts: What `list_parts` gives.
    """
    base_model = find_base_model(find_pretrained(parts))
    evaluations = [
        EvalResult(
            task_type="image-classification",
            task_name="Facial expression recognition",
            dataset_type="fer2013",
            dataset_name=f"FER2013, {text}",
            dataset_split=split,
            dataset_args={"n": figures["n"]},
            metric_type=metric,
            metric_name=metric_name,
            metric_value=round(value, 4),
        )
        for split, text in describe_evidence(results, parts).items()
        for figures in [results["splits"][split]]
        for metric, metric_name, value in (
            ("accuracy", "Accuracy", figures["accuracy"]),
            *(
                (HUB_METRICS.get(key, key), metric.words[:1].upper() + metric.words[1:], metric.read(key, figures))
                for key, metric in METRICS.items()
            ),
            ("ece", "Expected calibration error", figures["calibration"]["ece"]),
        )
        if value is not None
    ]
    return ModelCardData(
        license="apache-2.0",
        library_name="transformers",
        pipeline_tag="image-classification",
        metrics=["accuracy", "f1"],
        tags=["facial-expression-recognition", "fer2013", *(["ferplus"] if learns_votes(results, parts) else [])],
        model_name=f"fer-{name}",
        eval_results=evaluations or None,
        base_model=base_model,
        base_model_relation="finetune" if base_model else None,
    )


def describe_evidence(results: dict[str, Any], parts: Sequence[Part]) -> dict[str, str]:
    """The measured splits that are a result, in words: those that chose nothing, then PublicTest and what it chose."""
    by_people = learns_votes(results, parts)
    selection = "ferplus_validation" if by_people else "official_validation"
    texts = {split: SPLITS[split] for split in TESTS}
    texts[selection] = f"{SPLITS[selection]}, no test: it chose {join_words(list_chosen(parts, by_people))}"
    return {split: text for split, text in texts.items() if split in results.get("splits", {})}


def list_chosen(parts: Sequence[Part], by_people: bool, is_calibrated: bool = True) -> list[str]:
    """What validation chose, in words."""
    return [
        *(["the epoch"] if chooses_epoch(parts) else []),
        *(["the temperature"] if is_calibrated else []),
        *(["the balance of the classes"] if is_calibrated and by_people else []),
    ]


def is_printed(recipe: dict[str, Any]) -> bool:
    """Whether the report prints this architecture: a model of its name, with nothing overridden."""
    return recipe["model"] in load_published() and recipe.get("config_overrides", "{}") == "{}"


def list_parts(recipe: dict[str, Any], trained_with: dict[str, Any] | None) -> list[Part]:
    """The trainings that a model went through, the last first: each with its recipe, and its `run.json` if known."""
    *earlier, own = list_trainings(trained_with or {})
    return [(recipe, own), *((run.get("recipe", {}), run) for run in reversed(earlier))]


def describe_earlier(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The trainings that a run went on from, the first first: what the card tells of each."""
    return [
        {
            "name": name_folder(later.get("widened_from") or "another run"),
            "minutes": f"{run['seconds'] / 60:.1f}",
            "hardware": run["hardware"],
            "epochs": str(run["history"][-1]["epoch"]),
            "accuracy": f"{max(row['validation_accuracy'] for row in run['history']):.1%}",
            "by_people": recipe.get("target") in ("votes", "mix"),
        }
        for (later, _), (recipe, run) in reversed(list(pairwise(parts)))
        if run.get("history")
    ]


def list_teachers(parts: Sequence[Part]) -> list[str]:
    """The models whose answers were learnt in any of the trainings, each once, such as `` `dense.tuned` ``."""
    folders = [
        folder
        for recipe, run in parts
        for folder in (
            *(run.get("teachers") or json.loads(recipe.get("teachers", "[]"))),
            *(run.get("views") or {}).get("teachers", {}),
        )
    ]
    return list(dict.fromkeys(map(name_folder, folders)))


def name_folder(folder: str) -> str:
    """A run's or a checkpoint's folder in words: `` `dense.tuned` ``, with the seed of a run."""
    path = Path(folder)
    _, is_run, seed = path.name.partition("seed-")
    return f"`{path.parent.name}` (seed {seed})" if is_run else f"`{path.name}`"


def chooses_epoch(parts: Sequence[Part]) -> bool:
    """Whether validation chose an epoch in any of the trainings."""
    return any(recipe.get("load_best_model_at_end") for recipe, _ in parts)


def learns_votes(results: dict[str, Any], parts: Sequence[Part]) -> bool:
    """Whether the model is to say what most people saw, and not FER2013's label."""
    target = parts[0][0].get("target") if parts else None
    return (results.get("target") or target or "label") != "label"


def find_pretrained(parts: Sequence[Part]) -> str | None:
    """The trained weights that a model started from; None for chance."""
    return next((recipe["pretrained"] for recipe, _ in parts if recipe.get("pretrained")), None)


def find_base_model(pretrained: str | None) -> str | None:
    """The Hub's id of the weights that a model started from, if they are there; timm holds EfficientNet-Lite's."""
    if pretrained and (match := re.fullmatch(r"efficientnet-lite(\d)", pretrained)):
        return f"timm/tf_efficientnet_lite{match[1]}.in1k"
    return pretrained if pretrained and re.fullmatch(r"[\w-]+/[\w.-]+", pretrained) else None


def join_words(words: Sequence[str]) -> str:
    """`a`, `a and b`, or `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def describe_splits(
    results: dict[str, Any], runs: dict[int, dict[str, Any]], parts: Sequence[Part]
) -> list[dict[str, Any]]:
    """One row for each split that is a result, and for the report's test set; `runs` maps a seed to `results.json`."""
    texts = describe_evidence(results, parts)
    if "report_test" in results.get("splits", {}):
        texts["report_test"] = f"{SPLITS['report_test']}, for comparison with the report"
    rows = []
    for split, text in texts.items():
        figures = results["splits"][split]
        accuracies = [run["splits"][split]["accuracy"] for run in runs.values() if split in run["splits"]]
        told = {"text": text, "metrics": format_metrics(figures), "spread": describe_spread(accuracies)}
        rows.append(figures | told)
    return rows


def describe_votes(results: dict[str, Any]) -> dict[str, Any] | None:
    """How far the model's probabilities are from people's votes; None if that was not measured."""
    votes, split = results.get("votes"), results.get("splits", {}).get(PEOPLE_SPLIT)
    return votes | {"eight": share_of_eight(split, votes)} if votes and split else None


def describe_published(
    name: str, recipe: dict[str, Any], results: dict[str, Any], history: list[dict[str, float]]
) -> dict[str, list[float | None]] | None:
    """Shares on training, validation and test images, ours and the report's; None if it prints no such model."""
    theirs = load_published().get(name)
    splits = results.get("splits", {})
    if not theirs or not is_printed(recipe) or not {"validation", "report_test"} <= splits.keys() or not history:
        return None
    return {
        "this model": [
            history[-1]["train_accuracy"],
            *(splits[one]["accuracy"] for one in ("validation", "report_test")),
        ],
        f"the report's `{name}`": [theirs[f"report_{split}"] for split in ("train", "validation", "test")],
        "the revision's": [None, None, theirs["revision_test"]],
    }


def describe_classes(results: dict[str, Any]) -> dict[str, Any] | None:
    """Precision, recall and F1 of each class on the split whose accuracy is shown beside the model's answers."""
    split = choose_shown_split(results)
    test = results.get("splits", {}).get(split)
    if not test:
        return None
    counts = [sum(row) for row in test["confusion_matrix"]]
    columns = zip(results["labels"], counts, test["precision"], test["recall"], test["f1"], strict=True)
    names = ("label", "n", "precision", "recall", "f1")
    rows = [dict(zip(names, row, strict=True)) for row in columns]
    worst = sorted(rows, key=lambda row: (row["recall"], row["label"]))[:WORST_CLASSES]
    return {"n": test["n"], "text": SPLITS[split], "rows": rows, "worst": [row["label"] for row in worst]}


def count_copies(results: dict[str, Any]) -> dict[str, int] | None:
    """How many images of PrivateTest are copies of training images, of how many."""
    splits = results.get("splits", {})
    if "official_test_without_copies" not in splits:
        return None
    n = splits["official_test"]["n"]
    return {"n": n - splits["official_test_without_copies"]["n"], "of": n}


def find_tag(directory: Path) -> str:
    """The tag: from a checkpoint's name, `<name>.<tag>`, or a run's, `<name>.<tag>/seed-<n>`."""
    names = [folder.name.partition(".")[2] for folder in (directory, directory.absolute().parent)]
    return names[0] or names[1] or "custom"
