"""The project's metrics as a module of `evaluate`: `evaluate.load("training/evaluation/metrics.py")` works offline.

The file imports nothing of this project, since `evaluate` copies it elsewhere before it runs it.
"""

from typing import Any

import datasets
import evaluate
import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

NUM_CALIBRATION_BINS = 15

_DESCRIPTION = "Accuracy, macro-F1, per-class precision and recall, and the confusion matrix of a classifier."

_KWARGS_DESCRIPTION = """
Args:
    predictions: `(N,)`, predicted classes, integers in [0, num_labels).
    references: `(N,)`, true classes, integers in [0, num_labels).
    num_labels: Number of classes; by default one more than the largest class seen.

Returns:
    n: Number of images.
    accuracy: Share of right predictions, in [0, 1].
    macro_f1: Mean over the classes of F1, in [0, 1].
    macro_recall: Mean over the classes that occur of recall, in [0, 1].
    precision, recall, f1: One number per class, in [0, 1]; 0 where it is undefined.
    confusion_matrix: `(num_labels, num_labels)`, counts; rows are true classes, columns predicted ones.

Raises:
    ValueError: There is no image, or a class lies outside [0, num_labels).
"""


class FerMetrics(evaluate.Metric):
    """The metrics that `results.json` holds."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_KWARGS_DESCRIPTION,
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
        )

    def _compute(self, *, predictions: Any, references: Any, num_labels: int | None = None) -> dict[str, Any]:
        return compute_metrics(np.asarray(predictions), np.asarray(references), num_labels)


def expected_calibration_error(
    probabilities: np.ndarray, references: np.ndarray, num_bins: int = NUM_CALIBRATION_BINS
) -> dict[str, Any]:
    """How far a classifier's confidence is from its accuracy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        probabilities: `(N, num_labels)`, in [0, 1].
        references: `(N,)`, true classes.
        num_bins: Bins of equal width over the winners' probabilities.

    Returns:
        `ece`: the mean over images of |accuracy - confidence| of their bin, in [0, 1]. `bins`: for each bin that holds
        an image its `n`, mean `confidence` and `accuracy`.

    Raises:
        ValueError: There is no image.
    """
    if len(references) == 0:
        raise ValueError("Calibration cannot be measured on no image.")
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == references
    index = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    bins = [
        {
            "n": int((index == i).sum()),
            "confidence": float(confidence[index == i].mean()),
            "accuracy": float(right[index == i].mean()),
        }
        for i in np.unique(index)
    ]
    ece = sum(row["n"] * abs(row["accuracy"] - row["confidence"]) for row in bins) / len(references)
    return {"ece": float(ece), "bins": bins}


def accuracy_interval(accuracy: float, n: int, seed: int = 0, num_resamples: int = 10_000) -> list[float]:
    """The 95 % bootstrap interval of an accuracy, as [low, high].

    Drawing n images with replacement and counting the right ones is drawing from a binomial distribution, so no image
    is looked at again.
    """
    counts = np.random.default_rng(seed).binomial(n, accuracy, num_resamples)
    return [float(x) for x in np.percentile(counts / n, [2.5, 97.5])]


def compute_metrics(predictions: np.ndarray, references: np.ndarray, num_labels: int | None = None) -> dict[str, Any]:
    """What `FerMetrics` computes; see its description for shapes and ranges.

    Raises:
        ValueError: There is no image, the lengths differ, or a class lies outside [0, num_labels).
    """
    if len(references) == 0 or len(references) != len(predictions):
        raise ValueError(
            f"Expected equally many predictions and references; got {len(predictions)}, {len(references)}."
        )
    largest = int(max(predictions.max(), references.max()))
    num_labels = num_labels or largest + 1
    if largest >= num_labels or min(predictions.min(), references.min()) < 0:
        raise ValueError(f"Classes must lie in [0, {num_labels}); got some outside.")
    labels = np.arange(num_labels)
    precision, recall, f1, _ = precision_recall_fscore_support(references, predictions, labels=labels, zero_division=0)
    return {
        "n": len(references),
        "accuracy": float(accuracy_score(references, predictions)),
        "macro_f1": float(f1.mean()),
        "macro_recall": float(recall[np.unique(references)].mean()),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "confusion_matrix": confusion_matrix(references, predictions, labels=labels).tolist(),
    }
