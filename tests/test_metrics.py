from pathlib import Path

import evaluate
import numpy as np
import pytest

from training.evaluation.metrics import accuracy_interval, compute_metrics, expected_calibration_error

MODULE = Path(__file__).parents[1] / "training" / "evaluation" / "metrics.py"

# Two of four cats are taken for a dog, one of two dogs for a cat, the only hare is right.
CAT, DOG, HARE = 0, 1, 2
REFERENCES = [CAT, CAT, CAT, CAT, DOG, DOG, HARE]
PREDICTIONS = [CAT, CAT, DOG, DOG, DOG, CAT, HARE]


def test_wrong_input_is_refused():
    for predictions, references, message in (
        ([], [], "got 0, 0"),  # a mean over nothing would be NaN
        ([0, 1], [0], "got 2, 1"),
        ([7], [0], r"Classes must lie in \[0, 7\)"),  # a prediction beyond the last class
        ([0], [-100], r"Classes must lie in \[0, 7\)"),  # torch's ignore_index is no class
    ):
        with pytest.raises(ValueError, match=message):
            compute_metrics(np.array(predictions), np.array(references), 7)


def test_figures_are_those_computed_by_hand():
    assert compute_metrics(np.array(PREDICTIONS), np.array(REFERENCES)) == {
        "n": 7,
        "accuracy": 4 / 7,
        "precision": pytest.approx([2 / 3, 1 / 3, 1]),
        "recall": pytest.approx([2 / 4, 1 / 2, 1]),
        "f1": pytest.approx([4 / 7, 2 / 5, 1]),
        "macro_f1": pytest.approx((4 / 7 + 2 / 5 + 1) / 3),
        "macro_recall": pytest.approx(2 / 3),
        "confusion_matrix": [[2, 2, 0], [1, 1, 0], [0, 0, 1]],
    }


def test_absent_classes_count_as_zero():
    for predictions, references, expected in (
        ([1], [0], {"precision": [0, 0, 0], "recall": [0, 0, 0], "macro_f1": 0}),  # predicted, but never true
        ([0, 0], [0, 1], {"precision": [1 / 2, 0, 0], "recall": [1, 0, 0], "macro_f1": 2 / 9}),
    ):
        metrics = compute_metrics(np.array(predictions), np.array(references), num_labels=3)
        assert {key: metrics[key] for key in expected} == {key: pytest.approx(one) for key, one in expected.items()}
        assert np.shape(metrics["confusion_matrix"]) == (3, 3)


def test_module_of_evaluate_computes_the_same_also_in_batches():
    expected = compute_metrics(np.array(PREDICTIONS), np.array(REFERENCES), 4)
    module = evaluate.load(str(MODULE))
    for part in (slice(0, 4), slice(4, 7)):
        module.add_batch(predictions=PREDICTIONS[part], references=REFERENCES[part])
    assert module.compute(num_labels=4) == expected


# --- calibration and intervals ---


def test_expected_calibration_error():
    for winners, right, ece in (
        ([0.8] * 10, 8, 0.0),  # as sure as it is right
        ([0.6] * 10, 10, 0.4),  # too modest counts as well
        ([0.9] * 5 + [0.5] * 5, 5, 0.3),  # the sure ones all right, the others all wrong: (0.1 + 0.5) / 2
    ):
        probabilities = np.array([[winner, 1 - winner] for winner in winners])
        references = np.array([0] * right + [1] * (len(winners) - right))
        result = expected_calibration_error(probabilities, references)
        assert result["ece"] == pytest.approx(ece)
        assert sum(row["n"] for row in result["bins"]) == len(winners)
    with pytest.raises(ValueError, match="no image"):
        expected_calibration_error(np.zeros((0, 7)), np.zeros(0, dtype=int))


def test_interval_is_that_of_resampled_images():
    right = np.random.default_rng(1).random(400) < 0.6
    resampled = np.random.default_rng(2).choice(right, (4000, 400)).mean(axis=1)
    low, high = accuracy_interval(right.mean(), 400)
    assert low == pytest.approx(np.percentile(resampled, 2.5), abs=0.006)
    assert high == pytest.approx(np.percentile(resampled, 97.5), abs=0.006)
    assert accuracy_interval(right.mean(), 400) == [low, high], "the same figures each time"
