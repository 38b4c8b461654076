"""Measure a trained model: `python -m training.evaluation.evaluate RUN` writes its `results.json`.

Works on the folder of a finished run and on a bundled checkpoint. Nothing is chosen here; every split is read once.
"""

import json
import sys
from pathlib import Path
from typing import Any

import safetensors
import torch
import yaml
from datasets import Dataset
from transformers import AutoConfig, AutoModelForImageClassification, PreTrainedConfig, PreTrainedModel

from fer_models import FerImageProcessor
from fer_models.commands import CommandParser, command
from fer_models.configuration_fer import FER_LABELS
from fer_models.memory import keep_freed_memory

from ..data import FaceTensors, add_run_data_option, decode, find_run_data, load_fer2013
from ..publishing.records import load_run
from ..runtime.files import write_json
from ..runtime.provenance import describe_environment
from ..runtime.runs import list_trial_settings
from ..votes import VOTE_LABELS, count_distances, find_majority, make_label_targets
from .corruptions import corrupt_all
from .metrics import accuracy_interval, compute_metrics, expected_calibration_error
from .subsets import drop_duplicates, keep_agreed, take_majority

BATCH_SIZE = 32
BALANCE_STRENGTHS = tuple(step / 10 for step in range(11))


@torch.inference_mode()
def predict_logits(model: PreTrainedModel, faces: FaceTensors, batch_size: int = BATCH_SIZE) -> torch.Tensor:
    """Logits of every face, `(N, num_labels)`, float32, on the CPU."""
    model.eval()
    batches = faces.pixel_values.split(batch_size)
    return torch.cat([model(batch.to(model.device)).logits.float().cpu() for batch in batches])


def check_labels(config: Any) -> list[str]:
    """The labels of a model.

    Args:
        config: Its configuration.

    Raises:
        ValueError: They are not FER2013's, in our order.
    """
    labels = list(config.id2label.values())
    if labels != list(FER_LABELS):
        raise ValueError(f"The model's labels are {labels}, the data's are {list(FER_LABELS)}.")
    return labels


class RememberedLogits:
    """Logits of faces, each of which is asked for once, though the splits share many of them.

    Args:
        model: The model.
    """

    def __init__(self, model: PreTrainedModel):
        self._model = model
        self._logits: dict[bytes, torch.Tensor] = {}

    def predict(self, faces: FaceTensors) -> torch.Tensor:
        """As `predict_logits`."""
        keys = [face.numpy().tobytes() for face in faces.pixel_values]
        new = {key: index for index, key in enumerate(keys) if key not in self._logits}
        if new:
            chosen = list(new.values())
            logits = predict_logits(self._model, FaceTensors(faces.pixel_values[chosen], faces.labels[chosen]))
            self._logits |= dict(zip(new, logits, strict=True))
        return torch.stack([self._logits[key] for key in keys])


def load_splits(source: str, protocol: str) -> dict[str, Dataset]:
    """The splits that a model is measured on.

    Returns:
        `train` and `validation` of its own protocol; `report_test`, the report's 7,178 images; `official_validation`
        and `official_test`, the two halves of 3,589 that they consist of; `official_validation_agreed`, the images of
        the former on whose label most FER+ annotators agree (left out if the source has no votes);
        `official_test_without_copies`, the images of the latter that are no copies of an official training image;
        `ferplus_validation` and `ferplus_test`, the images of both halves on which most FER+ annotators agree, with
        what they saw as the label.
    """
    official = load_fer2013(source, "official")
    report = load_fer2013(source, "report")
    own = report if protocol == "report" else official
    splits = {
        "train": own["train"],
        "validation": own["validation"],
        "report_test": report["test"],
        "official_validation": official["validation"],
        "official_test": official["test"],
        "official_validation_agreed": keep_agreed(official["validation"]),
        "official_test_without_copies": drop_duplicates(official["test"], official["train"]),
        "ferplus_validation": take_majority(official["validation"]),
        "ferplus_test": take_majority(official["test"]),
    }
    return {name: rows for name, rows in splits.items() if len(rows)}


def measure(logits: torch.Tensor, labels: torch.Tensor, temperature: float) -> dict[str, Any]:
    """The figures of one split.

    Args:
        logits: `(N, num_labels)`, as the model gives them, so divided by its temperature.
        labels: `(N,)`, true classes.
        temperature: The model's, to tell the calibration before it too.

    Returns:
        What `metrics.compute_metrics` gives; `accuracy_interval_95`; `calibration` and `calibration_before`, with and
        without the temperature, as `metrics.expected_calibration_error` gives them.
    """
    references = labels.numpy()
    figures = compute_metrics(logits.argmax(-1).numpy(), references, logits.shape[1])
    return figures | {
        "accuracy_interval_95": accuracy_interval(figures["accuracy"], figures["n"]),
        "calibration": expected_calibration_error(logits.softmax(-1).numpy(), references),
        "calibration_before": expected_calibration_error((logits * temperature).softmax(-1).numpy(), references),
    }


def measure_balance(logits: torch.Tensor, labels: torch.Tensor, config: PreTrainedConfig) -> list[dict[str, float]]:
    """What each strength of the prior brings: its `strength`, `accuracy` and `macro_recall`, in [0, 1].

    Args:
        logits: `(N, num_labels)`, as the model gives them.
        labels: `(N,)`, what most people saw.
        config: With a `class_prior`.
    """
    log_prior = torch.tensor(config.class_prior).log()
    plain = logits * config.temperature + config.prior_strength * log_prior
    rows = []
    for strength in BALANCE_STRENGTHS:
        figures = compute_metrics((plain - strength * log_prior).argmax(-1).numpy(), labels.numpy(), logits.shape[1])
        rows.append({"strength": strength, **{name: figures[name] for name in ("accuracy", "macro_recall", "recall")}})
    return rows


def measure_votes(logits: torch.Tensor, rows: Dataset) -> dict[str, Any]:
    """How far a model's probabilities are from people's votes, over all faces that have some.

    Returns:
        `n` faces; `distance`, the mean total variation distance in [0, 1]; `annotator_distance`, that of one of the ten
        annotators from the nine others; `n_contempt`, the faces that most annotators call contempt, which the model has
        no label for.
    """
    votes = rows["ferplus_votes"][:]
    targets = make_label_targets(votes)
    known = targets.any(1)
    distances = (logits.softmax(-1)[known] - targets[known]).abs().sum(1) / 2
    return {
        "n": int(known.sum()),
        "distance": distances.mean().item(),
        "annotator_distance": count_distances(votes),
        "n_contempt": int((find_majority(votes, VOTE_LABELS) == VOTE_LABELS.index("contempt")).sum()),
    }


def measure_robustness(model: PreTrainedModel, faces: FaceTensors) -> list[dict[str, Any]]:
    """Accuracy under every change of `corruptions`: its `change`, `level` and `accuracy`, in [0, 1]."""
    rows = []
    for change, level, changed in corrupt_all(faces.pixel_values):
        predictions = predict_logits(model, FaceTensors(changed, faces.labels)).argmax(-1)
        rows.append({"change": change, "level": level, "accuracy": (predictions == faces.labels).float().mean().item()})
    return rows


def evaluate(directory: Path, source: str | None = None) -> dict[str, Any]:
    """Measure the model in `directory` on every split.

    Args:
        directory: Folder with the model, its image processor, `recipe.yaml`, `history.json`, and `run.json` or, in a
            bundled checkpoint, the `results.json` that took it up.
        source: FER2013, as `training.data` takes it; by default the one that the recipe names.

    Returns:
        What `results.json` holds: for each split what `measure` gives; the seed, the recipe's protocol, the last row
        of `history.json`, if there is one, and the environments of training and of this measurement.

    Raises:
        OSError: The folder or a file in it is missing.
        ValueError: The model's labels are not FER2013's, or the data is not FER2013.
    """
    recipe = yaml.safe_load((directory / "recipe.yaml").read_text())
    run = load_run(directory)
    labels = check_labels(AutoConfig.from_pretrained(directory))
    keep_freed_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForImageClassification.from_pretrained(directory).to(device)
    image_processor = FerImageProcessor.from_pretrained(directory)
    history = json.loads((directory / "history.json").read_text())
    remembered = RememberedLogits(model)
    figures: dict[str, Any] = {"splits": {}}
    for name, rows in load_splits(find_run_data(source, recipe), recipe["protocol"]).items():
        faces = decode(rows, image_processor)
        logits = remembered.predict(faces)
        split = figures["splits"][name] = measure(logits, faces.labels, model.config.temperature)
        print(f"{name:<28} n {split['n']:>6}  accuracy {split['accuracy']:.4f}", flush=True)
        if name == "official_test":
            figures["robustness"] = {"split": name, "rows": measure_robustness(model, faces)}
            if "ferplus_votes" in rows.column_names:
                figures["votes"] = {"split": name, **measure_votes(logits, rows)}
        if name == "ferplus_validation" and model.config.class_prior:
            figures["balance"] = {"split": name, "rows": measure_balance(logits, faces.labels, model.config)}
    return {
        **{key: recipe[key] for key in ("model", "protocol", "seed")},
        "target": recipe.get("target", "label"),
        "config_overrides": recipe.get("config_overrides", "{}"),
        "labels": labels,
        "temperature": model.config.temperature,
        "prior_strength": model.config.prior_strength,
        "last_epoch": history[-1] if history else None,
        **figures,
        "trained_with": run,
        "measured_with": describe_environment(),
    }


def check_nothing_is_lost(results: dict[str, Any], output: Path) -> None:
    """Refuse to replace results by others that lack some of their splits, as data without FER+'s votes gives them.

    Raises:
        ValueError: Names the splits.
    """
    lost = json.loads(output.read_text())["splits"].keys() - results["splits"].keys() if output.is_file() else ()
    if lost:
        raise ValueError(
            f"{output} has figures that this data does not give ({', '.join(sorted(lost))}), and stays as it is. "
            "Measure on data with FER+'s votes (the column ferplus_votes), or name another --output."
        )


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.evaluation.evaluate", description=__doc__)
    parser.add_argument("directory", type=Path, help="a finished run or a checkpoint")
    add_run_data_option(parser)
    parser.add_argument("--output", type=Path, help="by default results.json in the folder")
    arguments = parser.parse_args(argv)
    try:
        output = arguments.output or arguments.directory / "results.json"
        if arguments.output:
            trial = list_trial_settings(yaml.safe_load((arguments.directory / "recipe.yaml").read_text()))
            if trial:
                raise ValueError(
                    f"{arguments.directory} is a trial run ({', '.join(trial)}), whose figures stay with it. "
                    "Leave --output out."
                )
            output.parent.mkdir(parents=True, exist_ok=True)  # before the work, so that nothing is lost
        results = evaluate(arguments.directory, arguments.data)
        check_nothing_is_lost(results, output)
        write_json(output, results)
    except FileNotFoundError as error:
        sys.exit(f"error: {error}. Is {arguments.directory} a finished run? Train it first.")
    except safetensors.SafetensorError as error:
        sys.exit(f"error: The weights in {arguments.directory} are damaged or cut short: {error}")


if __name__ == "__main__":
    main()
