"""When the models' average may be believed: `python -m training.evaluation.abstention`.

`fer_models.comparison` takes the threshold of "not sure" from what this prints: the lowest average probability from
which on the answers are right at least as often as wrong. Right is what most of ten people saw; where most did not
agree, no answer is.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fer_models.commands import command
from fer_models.comparison import Comparison, Prediction
from fer_models.inference import LoadedModel, load_models
from fer_models.memory import keep_freed_memory
from fer_models.zoo import REPORT_MODELS

from ..runtime.measured import make_measuring_parser, write_measured
from .serving import SPLIT, describe_models, load_faces, measure_accuracies, predict_probabilities

# Averages are sorted into bands of this width; in narrower ones too few images decide.
BAND = 0.05


def describe_bands(confidence: np.ndarray, right: np.ndarray) -> list[dict[str, Any]]:
    """How often answers are right, by how probable they were said to be.

    Args:
        confidence: `(N,)`, the answers' probabilities, in [0, 1].
        right: `(N,)`, bool.

    Returns:
        For each band that holds an answer, lowest first: `from` (its lower end), `n` and `accuracy` of its answers;
        `coverage`, the share of all answers from it upwards, and their accuracy `accuracy_sure`; the accuracy of those
        below, `accuracy_unsure`, None for the lowest band.
    """
    index = np.floor(confidence / BAND + 1e-9).astype(int)
    bands = []
    for i in np.unique(index):
        inside, below = index == i, index < i
        bands.append(
            {
                "from": round(i * BAND, 2),
                "n": int(inside.sum()),
                "accuracy": round(float(right[inside].mean()), 4),
                "coverage": round(float((~below).mean()), 4),
                "accuracy_sure": round(float(right[~below].mean()), 4),
                "accuracy_unsure": round(float(right[below].mean()), 4) if below.any() else None,
            }
        )
    return bands


def choose_threshold(bands: list[dict[str, Any]]) -> float:
    """The lower end of the lowest band from which on every band is right at least half of the time.

    Raises:
        ValueError: Not even the highest band is.
    """
    threshold = None
    for band in reversed(bands):
        if band["accuracy"] < 0.5:
            break
        threshold = band["from"]
    if threshold is None:
        raise ValueError("No threshold: even the surest answers are wrong more often than right.")
    return threshold


def find_majorities(models: Sequence[LoadedModel], probabilities: np.ndarray) -> np.ndarray:
    """Where the page would find a majority.

    Args:
        models: The models.
        probabilities: `(models, N, classes)`.

    Returns:
        `(N,)`, bool.
    """

    def has_majority(rows: np.ndarray) -> bool:
        predictions = [
            Prediction(model.name, dict(zip(model.labels, row, strict=True)), 0.0)
            for model, row in zip(models, rows, strict=True)
        ]
        return Comparison([], None, None, predictions).majority is not None

    return np.array([has_majority(rows) for rows in probabilities.swapaxes(0, 1)], bool)


def measure_unsure(source: str) -> dict[str, Any]:
    """Measure on all of FER2013's official validation images.

    Returns:
        `n`, `split`, `models`, their `accuracy` and that of the average; `bands` as `describe_bands` gives them, the
        `threshold` that follows; `agreement`: by how many models chose the average's favourite, `n` and `accuracy` of
        all answers, and `n_sure` and `accuracy_sure` of those that reach the threshold and have a majority.

    Raises:
        DataError: The data is not FER2013.
        ValueError: There is no threshold.
    """
    keep_freed_memory()
    models = load_models(REPORT_MODELS)  # the four that the page shows until a visitor chooses
    faces, labels = load_faces(source, undecided=True)
    probabilities = predict_probabilities(models, faces)
    average = probabilities.mean(0)
    confidence, favourite = average.max(-1), average.argmax(-1)
    right = favourite == labels
    bands = describe_bands(confidence, right)
    threshold = choose_threshold(bands)
    may_be_sure = (confidence >= threshold) & find_majorities(models, probabilities)
    agreement = (probabilities.argmax(-1) == favourite).sum(0)
    by_agreement = []
    for count in np.unique(agreement):
        agreeing = agreement == count
        sure = agreeing & may_be_sure
        by_agreement.append(
            {
                "models": int(count),
                "n": int(agreeing.sum()),
                "accuracy": round(float(right[agreeing].mean()), 4),
                "n_sure": int(sure.sum()),
                "accuracy_sure": round(float(right[sure].mean()), 4) if sure.any() else None,
            }
        )
    return {
        "models": describe_models(models),
        "split": SPLIT,
        "n": len(labels),
        "accuracy": measure_accuracies(models, probabilities, labels),
        "bands": bands,
        "threshold": threshold,
        "agreement": by_agreement,
    }


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_measuring_parser("evaluation.abstention", __doc__, "unsure.json").parse_args(argv)
    result = measure_unsure(arguments.data)
    write_measured(arguments.output, result)
    for band in result["bands"]:
        print("  ".join(f"{name} {value}" for name, value in band.items()))
    print(f"threshold {result['threshold']}")


if __name__ == "__main__":
    main()
