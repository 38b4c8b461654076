import numpy as np
import pytest
from conftest import make_face

from fer_models.configuration_fer import FER_LABELS
from fer_models.inference import load_models, predict
from training.evaluation.serving import describe_models, measure_accuracies, predict_probabilities


def test_faces_get_the_probabilities_that_are_served() -> None:
    models = load_models(["baseline", "dense"])
    faces = [make_face(seed=seed) for seed in range(3)]
    probabilities = predict_probabilities(models, faces)
    assert probabilities.shape == (2, 3, 7)
    served = predict(models[1], faces[2]).probabilities
    assert dict(zip(FER_LABELS, probabilities[1, 2], strict=True)) == pytest.approx(served, abs=1e-6)


def test_accuracies_are_of_each_model_and_of_the_average() -> None:
    models = load_models(["baseline", "dense"])
    probabilities = np.zeros((2, 4, 7))
    probabilities[0, :, 0] = 0.9  # the first says angry, and is sure
    probabilities[1, :, 1] = 0.6
    accuracies = measure_accuracies(models, probabilities, np.array([0, 0, 0, 1]))
    assert accuracies == dict(zip([*describe_models(models), "average"], [0.75, 0.25, 0.75], strict=True))
