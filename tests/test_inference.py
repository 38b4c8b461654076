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
from fer_models.inference import LoadedModel, compare, predict, predict_all, to_json
from fer_models.zoo import checkpoint_dir


def make_comparison(*rows: tuple[float, ...]) -> Comparison:
    """Models with the labels a, b, c."""
    predictions = [Prediction(f"m{i}", dict(zip("abc", row, strict=True)), 1.0) for i, row in enumerate(rows)]
    return Comparison([], None, None, predictions)


def test_votes_are_counted_most_first() -> None:
    a, b = (0.9, 0.1, 0.0), (0.1, 0.9, 0.0)
    for rows, votes, majority in (
        ([], [], None),
        ([a], [("a", ["m0"])], None),
        ([a, b, b, b], [("b", ["m1", "m2", "m3"]), ("a", ["m0"])], "b"),
        ([a, b, a, b], [("a", ["m0", "m2"]), ("b", ["m1", "m3"])], None),
    ):
        comparison = make_comparison(*rows)
        assert (comparison.votes, comparison.majority) == (votes, majority)


def test_each_model_answers_with_the_softmax_of_the_logits_of_the_crop(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    image = load_portrait()
    comparison = compare(image, models, detector)
    assert [prediction.model for prediction in comparison.predictions] == list_models()
    crop = crop_face(image, detector.detect(image)[0])
    for model, prediction in zip(models, comparison.predictions, strict=True):
        with torch.no_grad():
            logits = model.model(**model.image_processor(crop, return_tensors="pt")).logits[0]
        assert list(prediction.probabilities.values()) == pytest.approx(logits.softmax(-1).tolist(), abs=1e-5)
        assert prediction.latency_ms > 0
        assert prediction.probabilities[prediction.winner] == max(prediction.probabilities.values())
    content = to_json(comparison, models)
    assert json.loads(json.dumps(content)) == content
    assert content["hints"] == []


def test_no_face_gives_no_answers(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(make_no_face(), models, detector)
    assert (comparison.faces, comparison.face, comparison.crop, comparison.predictions) == ([], None, None, [])
    empty = {name: [] for name in ("faces", "models", "votes", "hints")}
    nothing = {"face_index": None, "face": None, "average": {}, "favourite": None, "agreement": 0, "sure": False}
    assert to_json(comparison, models) == empty | nothing


def test_of_several_faces_the_largest_is_taken_or_the_one_that_is_asked_for(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    image = make_two_faces()
    for index, options in enumerate(({}, {"face_index": 1})):
        comparison = compare(image, models, detector, **options)
        assert len(comparison.faces) == 2
        assert comparison.face == sorted(comparison.faces, key=lambda face: -face.area)[index]
        content = to_json(comparison, models)
        assert content["face_index"] == index
        assert content["face"] == content["faces"][index]
        expected = predict(models[0], crop_face(image, comparison.face))
        assert comparison.predictions[0].probabilities == expected.probabilities


def test_a_face_that_is_not_there_is_refused(models: list[LoadedModel], detector: FaceDetector) -> None:
    for face_index in (-1, 2):
        with pytest.raises(ValueError, match=f"no face {face_index}: 2 found, numbered from 0"):
            compare(make_two_faces(), models, detector, face_index=face_index)
        assert compare(Image.new("RGB", (1, 1)), models, detector, face_index=face_index).predictions == []


def test_a_batch_answers_as_one_by_one(models: list[LoadedModel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_models.inference.MAX_BATCH", 2)  # what is more than a model gets at once, in parts
    portrait = load_portrait()
    faces = [portrait, portrait.crop((170, 115, 390, 335)), portrait.convert("L").resize((48, 48)), make_no_face()]
    for model in models:
        assert predict_all([model], []) == [[]]
        (batch,) = predict_all([model], faces)
        for face, prediction in zip(faces, batch, strict=True):
            assert prediction.probabilities == pytest.approx(predict(model, face).probabilities, abs=1e-5)
        assert len({prediction.latency_ms for prediction in batch}) == 2  # each part's share


def test_of_a_large_picture_little_is_kept_and_no_answer_changes(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    """Of 50 megapixels the crop held 50 megapixels."""
    image = load_portrait().resize((3000, 3500))
    comparison = compare(image, models, detector, whole_image=True)
    assert comparison.face is None
    assert max(comparison.crop.size) < 2 * 1.1 * CROP_SIDE_MIN
    for model, prediction in zip(models, comparison.predictions, strict=True):
        assert prediction.probabilities == pytest.approx(predict(model, image).probabilities, abs=1e-6)


def test_the_average_and_whether_it_is_sure() -> None:
    one, flat, weak_a, b = (0.9, 0.05, 0.05), (0.34, 0.33, 0.33), (0.4, 0.3, 0.3), (0.2, 0.6, 0.2)
    sure_a, split_b, split_c = (0.98, 0.01, 0.01), (0.26, 0.42, 0.32), (0.26, 0.32, 0.42)
    for rows, average, favourite, agreement, is_sure in (
        ([], [], None, 0, False),
        ([one], one, "a", 1, True),
        ([weak_a, weak_a, weak_a, b], [0.35, 0.375, 0.275], "b", 1, False),  # the surest outvotes three
        ([flat] * 4, flat, "a", 4, False),
        ([sure_a, sure_a, split_b, split_b], [0.62, 0.215, 0.165], "a", 2, False),  # two against two
        ([sure_a, sure_a, split_b, split_c], [0.62, 0.19, 0.19], "a", 2, True),  # against one and one
    ):
        comparison = make_comparison(*rows)
        assert comparison.average == pytest.approx(dict(zip("abc", average, strict=False)))
        assert (comparison.favourite, comparison.agreement, comparison.is_sure) == (favourite, agreement, is_sure)


def test_the_thresholds_themselves_are_sure() -> None:
    rest = 1 - SURE_PROBABILITY
    assert make_comparison(*((SURE_PROBABILITY, 0.6 * rest, 0.4 * rest),) * 4).is_sure
    assert not make_comparison(*((SURE_PROBABILITY - 0.01, 0.6 * rest, 0.4 * rest),) * 4).is_sure


def test_json_names_the_accuracy_on_the_split_that_chose_nothing(
    models: list[LoadedModel], detector: FaceDetector
) -> None:
    for row in to_json(compare(load_portrait(), models, detector), models)["models"]:
        splits = json.loads((checkpoint_dir(row["model"]) / "results.json").read_text())["splits"]
        private = splits["ferplus_test"]  # they learnt from votes; PublicTest chose the epochs
        assert (row["test_accuracy"], row["test_images"]) == (private["accuracy"], private["n"])


def test_doubt_about_one_model_speaks_of_no_agreement() -> None:
    rest = 1.02 - SURE_PROBABILITY
    row = (SURE_PROBABILITY - 0.02, 0.6 * rest, 0.4 * rest)
    sentence = describe_doubt(make_comparison(row), "en")
    assert sentence.startswith(f"The answer would be sure if it reached {100 * SURE_PROBABILITY:.0f}")
    assert "agreed" not in sentence
    assert "agreed" in describe_doubt(make_comparison(row, row), "en")
