import json

import pytest
import torch
from photos import load_portrait, make_no_face, make_two_faces
from PIL import Image

from fer_models import list_models
from fer_models.comparison import SURE_PROBABILITY, Comparison, Prediction
from fer_models.demo.components.compare import describe_doubt
from fer_models.faces import FaceDetector, crop_face
from fer_models.images import CROP_SIDE_MIN
from fer_models.inference import LoadedModel, compare, predict, predict_batch, to_json
from fer_models.zoo import checkpoint_dir


def make_votes(*winners: str) -> Comparison:
    predictions = [Prediction(f"m{i}", {winner: 0.9, "other": 0.1}, 1.0) for i, winner in enumerate(winners)]
    return Comparison([], None, None, predictions)


@pytest.mark.parametrize(
    ("winners", "votes", "majority"),
    [
        ((), [], None),
        (("sad",), [("sad", ["m0"])], None),
        (("happy",) * 4, [("happy", ["m0", "m1", "m2", "m3"])], "happy"),
        (("sad", "happy", "happy", "happy"), [("happy", ["m1", "m2", "m3"]), ("sad", ["m0"])], "happy"),
        (("sad", "happy", "sad", "happy"), [("sad", ["m0", "m2"]), ("happy", ["m1", "m3"])], None),
        (("a", "b", "c", "d"), [("a", ["m0"]), ("b", ["m1"]), ("c", ["m2"]), ("d", ["m3"])], None),
    ],
    ids=["no face", "one model", "all agree", "one differs", "two and two", "none agrees"],
)
def test_votes_are_counted_most_first(
    winners: tuple[str, ...], votes: list[tuple[str, list[str]]], majority: str | None
) -> None:
    comparison = make_votes(*winners)
    assert (comparison.votes, comparison.majority) == (votes, majority)


def test_models_answer_with_probabilities(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(load_portrait(), models, detector)
    assert [prediction.model for prediction in comparison.predictions] == list_models()
    for prediction in comparison.predictions:
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction.latency_ms > 0
        assert prediction.probabilities[prediction.winner] == max(prediction.probabilities.values())
    # Different models: their answers are not copies of each other.
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
    assert to_json(comparison, models) == {
        "faces": [],
        "face_index": None,
        "face": None,
        "models": [],
        "votes": [],
        "average": {},
        "favourite": None,
        "agreement": 0,
        "sure": False,
        "hints": [],
    }


def test_what_may_explain_a_bad_answer_is_in_the_json(models: list[LoadedModel], detector: FaceDetector) -> None:
    dark = load_portrait().point(lambda value: value // 8)
    (hint,) = [hint for hint in to_json(compare(dark, models, detector), models)["hints"] if hint["id"] == "dark"]
    assert 0 < hint["value"] < hint["limit"]
    assert to_json(compare(load_portrait(), models, detector), models)["hints"] == []


def test_the_whole_image_can_be_taken_for_the_face(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(make_no_face(), models, detector, whole_image=True)
    assert comparison.face is None
    assert len(comparison.predictions) == len(models)


def test_of_several_faces_the_largest_is_taken_or_the_one_that_is_asked_for(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    image = make_two_faces()
    for comparison, index in (
        (compare(image, models, detector), 0),
        (compare(image, models, detector, face_index=1), 1),
    ):
        assert len(comparison.faces) == 2
        assert comparison.face == sorted(comparison.faces, key=lambda face: -face.area)[index]
        content = to_json(comparison, models)
        assert content["face_index"] == index
        assert content["face"] == content["faces"][index]
        expected = predict(models[0], crop_face(image, comparison.face))
        assert comparison.predictions[0].probabilities == expected.probabilities


@pytest.mark.parametrize("face_index", [-1, 2, 99])
def test_a_face_that_is_not_there_is_refused(
    models: list[LoadedModel], detector: FaceDetector, face_index: int
) -> None:
    with pytest.raises(ValueError, match=f"no face {face_index}: 2 found, numbered from 0"):
        compare(make_two_faces(), models, detector, face_index=face_index)
    assert compare(make_no_face(), models, detector, face_index=face_index).predictions == []


def test_a_batch_answers_as_one_by_one(models: list[LoadedModel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_models.inference.MAX_BATCH", 2)  # what is more than a model gets at once, in parts
    portrait = load_portrait()
    faces = [portrait, portrait.crop((170, 115, 390, 335)), portrait.convert("L").resize((48, 48)), make_no_face()]
    for model in models:
        assert predict_batch(model, []) == []
        batch = predict_batch(model, faces)
        for face, prediction in zip(faces, batch, strict=True):
            assert prediction.probabilities == pytest.approx(predict(model, face).probabilities, abs=1e-6)
        assert len({prediction.latency_ms for prediction in batch}) == 2  # each part's share


@pytest.mark.parametrize("whole_image", [False, True])
def test_of_a_large_crop_little_is_kept_and_no_answer_changes(
    whole_image: bool, models: list[LoadedModel], detector: FaceDetector
) -> None:
    """Of 50 megapixels the crop held 50 megapixels."""
    image = load_portrait().resize((6000, 7000))
    comparison = compare(image, models, detector, whole_image)
    assert comparison.crop is not None
    assert max(comparison.crop.size) < 2 * 1.1 * CROP_SIDE_MIN
    full = image if comparison.face is None else crop_face(image, comparison.face)
    for model, prediction in zip(models, comparison.predictions, strict=True):
        assert prediction.probabilities == pytest.approx(predict(model, full).probabilities, abs=1e-6)


def make_comparison(*rows: tuple[float, ...]) -> Comparison:
    """Models with the labels a, b, c."""
    predictions = [Prediction(f"m{i}", dict(zip("abc", row, strict=True)), 1.0) for i, row in enumerate(rows)]
    return Comparison([], None, None, predictions)


@pytest.mark.parametrize(
    ("rows", "average", "favourite", "agreement", "is_sure"),
    [
        ((), {}, None, 0, False),
        (((1.0, 0.0, 0.0),) * 4, {"a": 1, "b": 0, "c": 0}, "a", 4, True),
        (((0.4, 0.3, 0.3),) * 3 + ((0.2, 0.6, 0.2),), {"a": 0.35, "b": 0.375, "c": 0.275}, "b", 1, False),
        (((0.34, 0.33, 0.33),) * 4, {"a": 0.34, "b": 0.33, "c": 0.33}, "a", 4, False),
        (
            ((0.98, 0.01, 0.01), (0.3, 0.4, 0.3), (0.3, 0.3, 0.4), (0.3, 0.3, 0.4)),
            {"a": 0.47, "b": 0.2525, "c": 0.2775},
            "a",
            1,
            False,
        ),
        (
            ((0.98, 0.01, 0.01),) * 2 + ((0.1, 0.5, 0.4),) * 2,
            {"a": 0.54, "b": 0.255, "c": 0.205},
            "a",
            2,
            False,
        ),
        (
            ((0.98, 0.01, 0.01),) * 2 + ((0.2, 0.45, 0.35), (0.2, 0.35, 0.45)),
            {"a": 0.59, "b": 0.205, "c": 0.205},
            "a",
            2,
            True,
        ),
        (((0.9, 0.05, 0.05),), {"a": 0.9, "b": 0.05, "c": 0.05}, "a", 1, True),
    ],
    ids=[
        "no face",
        "one answer",
        "the surest outvotes three",
        "flat",
        "each says something else",
        "two against two",
        "two against one and one",
        "one model",
    ],
)
def test_the_average_and_whether_it_is_sure(
    rows: tuple[tuple[float, ...], ...], average: dict[str, float], favourite: str, agreement: int, is_sure: bool
) -> None:
    comparison = make_comparison(*rows)
    assert comparison.average == pytest.approx(average)
    assert (comparison.favourite, comparison.agreement, comparison.is_sure) == (favourite, agreement, is_sure)


def test_the_thresholds_themselves_are_sure() -> None:
    rest = 1 - SURE_PROBABILITY
    assert make_comparison(*((SURE_PROBABILITY, 0.6 * rest, 0.4 * rest),) * 4).is_sure
    assert not make_comparison(*((SURE_PROBABILITY - 0.01, 0.6 * rest, 0.4 * rest),) * 4).is_sure


def test_json_survives_a_round_trip_and_names_the_measured_accuracy(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    content = to_json(compare(load_portrait(), models, detector), models)
    assert json.loads(json.dumps(content)) == content
    for row in content["models"]:
        splits = json.loads((checkpoint_dir(row["model"]) / "results.json").read_text())["splits"]
        private = splits["ferplus_test"]  # they learnt from votes; PublicTest chose the epochs
        assert (row["test_accuracy"], row["test_images"]) == (private["accuracy"], private["n"])
        assert 3000 < row["test_images"] < splits["official_test"]["n"] == 3589


def test_a_one_pixel_picture_is_no_face_and_no_error(models: list[LoadedModel], detector: FaceDetector) -> None:
    assert compare(Image.new("RGB", (1, 1)), models, detector).predictions == []


def test_doubt_about_one_model_speaks_of_no_agreement() -> None:
    rest = 1 - SURE_PROBABILITY + 0.02
    one = make_comparison((SURE_PROBABILITY - 0.02, 0.6 * rest, 0.4 * rest))
    two = make_comparison(*((SURE_PROBABILITY - 0.02, 0.6 * rest, 0.4 * rest),) * 2)
    assert describe_doubt(one, "en").startswith(f"The answer would be sure if it reached {100 * SURE_PROBABILITY:.0f}")
    assert "agreed" in describe_doubt(two, "en")
