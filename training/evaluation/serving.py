"""What the models, as they are served, make of many faces; for the programs that set the constants of serving."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fer_models.configuration_fer import FER_LABELS
from fer_models.inference import LoadedModel, predict_all

from ..data import load_fer2013
from ..votes import NO_MAJORITY, find_majority, read_votes

# The constants are chosen on PublicTest: no model was trained on it, and the official test split chooses nothing.
SPLIT = "validation"


def load_faces(
    source: str | Path, sample_size: int | None = None, seed: int = 0, undecided: bool = False
) -> tuple[list[Image.Image], np.ndarray]:
    """FER2013's official validation images, all or a random sample, with what most of FER+'s annotators saw in each.

    Args:
        source: FER2013, as `training.data` takes it.
        sample_size: How many images.
        seed: Fixes the sample.
        undecided: Whether those are among them on which most annotators did not agree.

    Returns:
        The images, 48x48, mode L, and their classes, `(N,)`, int64, in the order of `FER_LABELS`; `votes.NO_MAJORITY`,
        which no answer is, where most did not agree.

    Raises:
        DataError: The data is not FER2013, or has no votes.
    """
    rows = load_fer2013(source)[SPLIT]
    majority = find_majority(read_votes(rows)).numpy()
    indices = np.arange(len(rows)) if undecided else np.flatnonzero(majority != NO_MAJORITY)
    if sample_size is not None:
        indices = np.sort(np.random.default_rng(seed).choice(indices, sample_size, replace=False))
    return [image.convert("L") for image in rows.select(indices)["image"]], majority[indices]


def predict_probabilities(models: Sequence[LoadedModel], faces: Sequence[Image.Image]) -> np.ndarray:
    """Calibrated probabilities, `(models, N, labels)`, in [0, 1], labels in the order of `FER_LABELS`."""
    by_model = predict_all(models, faces)
    return np.array([[[one.probabilities[label] for label in FER_LABELS] for one in own] for own in by_model])


def describe_models(models: Sequence[LoadedModel]) -> list[str]:
    """The checkpoints' names, such as `baseline.report`."""
    return [f"{model.name}.{model.tag}" for model in models]


def measure_accuracies(models: Sequence[LoadedModel], probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """The share of the faces that each model, and their average, gets right, in [0, 1].

    Args:
        models: The models.
        probabilities: `(models, N, labels)`, as `predict_probabilities` gives them.
        labels: `(N,)`, true classes.
    """
    right = np.concatenate([probabilities, probabilities.mean(0, keepdims=True)]).argmax(-1) == labels
    names = [*describe_models(models), "average"]
    return {name: round(float(share), 4) for name, share in zip(names, right.mean(1), strict=True)}
