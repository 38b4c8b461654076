"""Made-up figures of models, in the shape that `training.evaluation.evaluate` and `make report` write."""

import json
from pathlib import Path
from typing import Any

from fer_models.configuration_fer import FER_LABELS
from fer_models.results import Checkpoint


def make_split(accuracy: float = 0.5, n: int = 700) -> dict[str, Any]:
    """A split whose every class has `n / 7` images, of which `accuracy` are right and the others taken for the next."""
    per_class = n // 7
    right = round(accuracy * per_class)
    matrix = [[0] * 7 for _ in FER_LABELS]
    for index in range(7):
        matrix[index][index] = right
        matrix[index][(index + 1) % 7] = per_class - right
    return {
        "n": n,
        "accuracy": accuracy,
        "accuracy_interval_95": [accuracy - 0.02, accuracy + 0.02],
        "macro_f1": accuracy,
        "recall": [accuracy] * 7,
        "confusion_matrix": matrix,
        "calibration": {"ece": 0.031, "bins": [{"n": n, "confidence": 0.6, "accuracy": accuracy}]},
        "calibration_before": {"ece": 0.112, "bins": [{"n": n, "confidence": 0.9, "accuracy": accuracy}]},
    }


def make_results(accuracy: float = 0.5, **overrides: Any) -> dict[str, Any]:
    splits = ("report_test", "official_validation", "official_validation_agreed", "official_test")
    return {
        "labels": list(FER_LABELS),
        "seed": 3,
        "protocol": "report",
        "temperature": 1.5,
        "splits": {name: make_split(accuracy) for name in (*splits, "official_test_without_copies")},
        "robustness": {
            "split": "official_test",
            "rows": [
                {"change": "blur", "level": 0.5, "accuracy": accuracy - 0.1},
                {"change": "blur", "level": 2.0, "accuracy": accuracy - 0.2},
                {"change": "rotation", "level": 10, "accuracy": accuracy},
            ],
        },
        "trained_with": {
            "hardware": "2 cores, a made-up machine",
            "commit": "0123456789abcdef",
            "versions": {"torch": "9.9"},
        },
        "measured_with": {},
        **overrides,
    }


def make_people_results(accuracy: float = 0.5, people: float = 0.8, **overrides: Any) -> dict[str, Any]:
    """Of a model that learnt from votes: right by FER2013's labels on `accuracy` of faces, by people on `people`."""
    results = make_results(accuracy, target="votes", prior_strength=0.35, protocol="official")
    for split, share in (("ferplus_validation", people), ("ferplus_test", people)):
        results["splits"][split] = make_split(share, 560) | {"macro_recall": share - 0.1}
    rows = [
        {"strength": strength, "accuracy": people - strength / 10, "macro_recall": people - 0.2 + strength / 10}
        for strength in (0.0, 0.5, 1.0)
    ]
    return results | {
        "votes": {"split": "official_test", "n": 650, "distance": 0.25, "annotator_distance": 0.375, "n_contempt": 40},
        "balance": {"split": "ferplus_validation", "rows": rows},
        **overrides,
    }


def make_history(epochs: int = 3) -> list[dict[str, float]]:
    return [
        {
            "epoch": epoch,
            "train_accuracy": 0.1 * epoch,
            "train_loss": 2 / epoch,
            "validation_accuracy": 0.05 * epoch,
            "validation_loss": 3 / epoch,
        }
        for epoch in range(1, epochs + 1)
    ]


def make_checkpoint(key: str = "baseline.report", accuracy: float = 0.5, **overrides: Any) -> Checkpoint:
    name, _, tag = key.partition(".")
    return Checkpoint(name, tag, make_results(accuracy, **overrides), make_history())


def write_checkpoint(directory: Path, accuracy: float = 0.5) -> None:
    directory.mkdir(parents=True)
    (directory / "results.json").write_text(json.dumps(make_results(accuracy)))
    (directory / "history.json").write_text(json.dumps(make_history()))


def make_summary() -> dict[str, Any]:
    """Three seeds of `baseline.report`, one of `dense.report`; the report's own order is the other way round."""
    figures = {"report_train": 0.8, "report_validation": 0.5, "revision_test": 0.6}
    run = {"config_overrides": {}, "train": 0.7, "validation": 0.55}
    return {
        "published": {"baseline": figures | {"report_test": 0.5}, "dense": figures | {"report_test": 0.52}},
        "runs": {
            "baseline.report": [run | {"seed": i, "report_test": 0.55 + 0.01 * i} for i in range(3)],
            "dense.report": [run | {"seed": 0, "report_test": 0.50}],
        },
        "cost": {
            "hardware": "2 cores, a made-up machine",
            "threads": 2,
            "models": [
                {
                    "model": "baseline",
                    "tag": "report",
                    "parameters": 389_639,
                    "file_bytes": 1_600_000,
                    "multiply_adds": 12_300_000,
                    "latency_ms": 2.25,
                    "images_per_second": 1234.5,
                }
            ],
        },
        "labels": {"agreed": 0.71, "copies": 0.09},
        "votes": {
            "split": "official_validation",
            "n": 1000,
            "n_unknown": 7,
            "labels": {
                "fear": {"n": 400, "agreed": 0.25, "votes": {"fear": 0.2, "sad": 0.3, "contempt": 0.1}},
                "disgust": {"n": 600, "agreed": 0.5, "votes": {"disgust": 0.6, "sad": 0.1, "contempt": 0.3}},
            },
        },
    }
