from typing import Any

import numpy as np
import pytest

from fer_models.comparison import SURE_PROBABILITY
from fer_models.inference import LoadedModel
from training.evaluation.abstention import choose_threshold, describe_bands, find_majorities
from training.publishing.records import load_measured


def make_bands(*accuracies: float) -> list[dict[str, Any]]:
    return [{"from": round(0.1 * i, 1), "accuracy": accuracy} for i, accuracy in enumerate(accuracies)]


def test_the_threshold_is_the_lowest_from_which_on_all_is_good() -> None:
    for accuracies, threshold in (
        ((0.5,), 0.0),
        ((0.2, 0.4, 0.6, 0.9), 0.2),
        ((0.6, 0.4, 0.6), 0.2),  # a good band below a bad one does not count
    ):
        assert choose_threshold(make_bands(*accuracies)) == threshold
    for accuracies in ((), (0.9, 0.4)):
        with pytest.raises(ValueError, match="No threshold"):
            choose_threshold(make_bands(*accuracies))


def test_bands_count_each_answer_once() -> None:
    confidence = np.array([0.2, 0.22, 0.41, 0.4, 0.44, 0.99])
    right = np.array([True, False, True, False, True, True])
    bands = describe_bands(confidence, right)
    assert [(band["from"], band["n"]) for band in bands] == [(0.2, 2), (0.4, 3), (0.95, 1)]
    assert [band["accuracy"] for band in bands] == [0.5, 0.6667, 1.0]
    assert [band["coverage"] for band in bands] == [1.0, 0.6667, 0.1667]
    assert [band["accuracy_unsure"] for band in bands] == [None, 0.5, 0.6]
    assert [band["accuracy_sure"] for band in bands] == [0.6667, 0.75, 1.0]


def test_a_majority_is_what_the_page_calls_one(models: list[LoadedModel]) -> None:
    winners = np.array([[0, 0, 0, 0], [0, 0, 1, 2], [0, 0, 1, 1], [0, 1, 2, 3]])  # one row for each image
    probabilities = np.eye(7)[winners.T]
    assert find_majorities(models[:4], probabilities).tolist() == [True, True, False, False]
    assert find_majorities(models[:4], probabilities[:, :0]).tolist() == []


def test_the_served_threshold_is_the_measured_one() -> None:
    measured = load_measured("unsure")
    assert measured["threshold"] == SURE_PROBABILITY
    assert measured["split"] == "validation"
