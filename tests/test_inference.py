import json

import pytest
import torch
from photos import load_portrait, make_no_face, make_two_faces
from PIL import Image

from fer_models.faces import FaceDetector, crop_face
from fer_models.inference import Comparison, LoadedModel, Prediction, compare, load_models, predict, to_json


@pytest.fixture(scope="module")
def models() -> list[LoadedModel]:
    return load_models()


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


def make_votes(*winners: str) -> Comparison:
    predictions = [Prediction(f"m{i}", {winner: 0.9, "other": 0.1}, 1.0) for i, winner in enumerate(winners)]
    return Comparison([], None, None, predictions)


@pytest.mark.parametrize(
    ("winners", "votes"),
    [
        ((), []),
        (("happy",) * 4, [("happy", ["m0", "m1", "m2", "m3"])]),
        (("sad", "happy", "happy", "happy"), [("happy", ["m1", "m2", "m3"]), ("sad", ["m0"])]),
        (("sad", "happy", "sad", "happy"), [("sad", ["m0", "m2"]), ("happy", ["m1", "m3"])]),
        (("a", "b", "c", "d"), [("a", ["m0"]), ("b", ["m1"]), ("c", ["m2"]), ("d", ["m3"])]),
    ],
    ids=["no face", "all agree", "one differs", "two and two", "none agrees"],
)
def test_votes_are_counted_most_first(winners: tuple[str, ...], votes: list[tuple[str, list[str]]]) -> None:
    assert make_votes(*winners).votes == votes


def test_four_models_answer_with_probabilities(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(load_portrait(), models, detector)
    assert [prediction.model for prediction in comparison.predictions] == [
        "baseline",
        "dense",
        "batchnorm",
        "batchnorm-dropout",
    ]
    for prediction in comparison.predictions:
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction.latency_ms > 0
        assert prediction.probabilities[prediction.winner] == max(prediction.probabilities.values())
    # Different networks: their answers are not copies of each other.
    assert len({tuple(prediction.probabilities.values()) for prediction in comparison.predictions}) == len(models)


def test_an_answer_is_the_softmax_of_the_logits_of_the_crop(models: list[LoadedModel], detector: FaceDetector) -> None:
    image = load_portrait()
    crop = crop_face(image, detector.detect(image)[0])
    pixel_values = models[0].image_processor(crop, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = models[0].model(pixel_values).logits[0].softmax(-1)
    assert torch.allclose(torch.tensor(list(predict(models[0], crop).probabilities.values())), expected, atol=1e-6)


def test_no_face_gives_no_answers(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(make_no_face(), models, detector)
    assert (comparison.faces, comparison.face, comparison.crop, comparison.predictions) == ([], None, None, [])
    assert to_json(comparison, models) == {"faces": 0, "face": None, "models": [], "votes": []}


def test_the_whole_image_can_be_taken_for_the_face(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(make_no_face(), models, detector, whole_image=True)
    assert comparison.face is None
    assert len(comparison.predictions) == len(models)


def test_of_several_faces_the_largest_is_taken(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(make_two_faces(), models, detector)
    assert len(comparison.faces) == 2
    assert comparison.face == max(comparison.faces, key=lambda face: face.area)


def test_json_survives_a_round_trip_and_names_the_measured_accuracy(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    content = to_json(compare(load_portrait(), models, detector), models)
    assert json.loads(json.dumps(content)) == content
    assert [row["test_images"] for row in content["models"]] == [7178] * len(models)
    assert all(0.3 < row["test_accuracy"] < 1 for row in content["models"])


def test_a_one_pixel_picture_is_no_face_and_no_error(models: list[LoadedModel], detector: FaceDetector) -> None:
    assert compare(Image.new("RGB", (1, 1)), models, detector).predictions == []
