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


@pytest.mark.parametrize(
    ("predictions", "references", "num_labels", "message"),
    [
        ([], [], None, "got 0, 0"),  # a mean over nothing would be NaN
        ([], [], 7, "got 0, 0"),
        ([0, 1], [0], None, "got 2, 1"),
        ([7], [0], 7, r"Classes must lie in \[0, 7\)"),  # a prediction beyond the last class
        ([0], [7], 7, r"Classes must lie in \[0, 7\)"),  # a label beyond the last class
        ([-1], [0], 7, r"Classes must lie in \[0, 7\)"),
        ([0], [-100], 7, r"Classes must lie in \[0, 7\)"),  # torch's ignore_index is no class
        ([0], [-1], None, "Classes must lie in"),
    ],
)
def test_wrong_input_is_refused(predictions, references, num_labels, message):
    with pytest.raises(ValueError, match=message):
        compute_metrics(np.array(predictions), np.array(references), num_labels)


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


@pytest.mark.parametrize(
    ("predictions", "references", "expected"),
    [
        ([0], [0], {"precision": [1, 0, 0], "recall": [1, 0, 0], "macro_f1": 1 / 3}),  # one image, two classes absent
        ([1], [0], {"precision": [0, 0, 0], "recall": [0, 0, 0], "macro_f1": 0}),  # predicted, but never true
        ([0, 0], [0, 1], {"precision": [1 / 2, 0, 0], "recall": [1, 0, 0], "macro_f1": 2 / 9}),  # true, never predicted
    ],
)
def test_absent_classes_count_as_zero(predictions, references, expected):
    metrics = compute_metrics(np.array(predictions), np.array(references), num_labels=3)
    assert {key: metrics[key] for key in expected} == {key: pytest.approx(value) for key, value in expected.items()}
    assert np.shape(metrics["confusion_matrix"]) == (3, 3)
    assert np.sum(metrics["confusion_matrix"]) == len(references)


@pytest.fixture(scope="module")
def module() -> evaluate.EvaluationModule:
    return evaluate.load(str(MODULE))


def test_module_of_evaluate_computes_the_same(module: evaluate.EvaluationModule):
    expected = compute_metrics(np.array(PREDICTIONS), np.array(REFERENCES), 4)
    assert module.compute(predictions=PREDICTIONS, references=REFERENCES, num_labels=4) == expected


def test_module_of_evaluate_takes_batches(module: evaluate.EvaluationModule):
    for start in range(0, 7, 3):
        batch = slice(start, start + 3)
        module.add_batch(predictions=PREDICTIONS[batch], references=REFERENCES[batch])
    assert module.compute() == compute_metrics(np.array(PREDICTIONS), np.array(REFERENCES))


def test_module_of_evaluate_refuses_wrong_input(module: evaluate.EvaluationModule):
    with pytest.raises(ValueError, match="got 0, 0"):
        module.compute(predictions=[], references=[])
    with pytest.raises(ValueError, match="Classes must lie in"):
        module.compute(predictions=[3], references=[0], num_labels=3)


# --- calibration and intervals ---


@pytest.mark.parametrize(
    ("winners", "right", "ece"),
    [
        ([0.8] * 10, 8, 0.0),  # as sure as it is right
        ([1.0] * 10, 5, 0.5),  # quite sure, half right
        ([0.6] * 10, 10, 0.4),  # too modest counts as well
        ([0.9] * 5 + [0.5] * 5, 5, 0.3),  # the sure ones all right, the others all wrong: (0.1 + 0.5) / 2
    ],
)
def test_expected_calibration_error(winners: list[float], right: int, ece: float):
    probabilities = np.array([[winner, 1 - winner] if winner > 0.5 else [0.5, 0.5] for winner in winners])
    references = np.array([0] * right + [1] * (len(winners) - right))
    result = expected_calibration_error(probabilities, references)
    assert result["ece"] == pytest.approx(ece)
    assert sum(row["n"] for row in result["bins"]) == len(winners)


def test_calibration_of_no_image_is_refused():
    with pytest.raises(ValueError, match="no image"):
        expected_calibration_error(np.zeros((0, 7)), np.zeros(0, dtype=int))


def test_interval_is_that_of_resampled_images():
    right = np.random.default_rng(1).random(400) < 0.6
    resampled = np.random.default_rng(2).choice(right, (4000, 400)).mean(axis=1)
    low, high = accuracy_interval(right.mean(), 400)
    assert low == pytest.approx(np.percentile(resampled, 2.5), abs=0.006)
    assert high == pytest.approx(np.percentile(resampled, 97.5), abs=0.006)
    assert accuracy_interval(right.mean(), 400) == [low, high], "the same figures each time"
