"""What may be no face is never sure, wherever the answer goes."""

import csv
import io
import json
from dataclasses import replace

import pytest
from photos import load_portrait
from PIL import Image

from fer_models.comparison import Comparison, Prediction
from fer_models.demo.components.compare import describe_doubt, describe_verdict, render_verdict
from fer_models.demo.components.live import say_aloud
from fer_models.demo.components.photo import make_preview
from fer_models.demo.handlers.compare import Shown
from fer_models.demo.handlers.saving import save
from fer_models.demo.locales import LOCALES, translate
from fer_models.face_search import SECOND_SCORE
from fer_models.faces import DetectedFace, FaceDetector
from fer_models.inference import LoadedModel, compare, to_json
from fer_models.quality import NO_FACE, Hint, find_hints
from training.evaluation.made_photos import load_pictures, load_portraits

DOUBTFUL = Hint("doubtful", 0.75, SECOND_SCORE)
FACE = DetectedFace((10, 10, 50, 60), 0.95)


def make_comparison(models: list[LoadedModel], *hints: Hint) -> Comparison:
    """All models agree on the first label, and leave nothing to the others."""
    rows = [
        Prediction(model.name, {label: float(label == model.labels[0]) for label in model.labels}, 1.0)
        for model in models
    ]
    return Comparison([FACE], FACE, None, rows, hints)


@pytest.mark.parametrize(
    ("hint", "sure"), [(None, True), (Hint("dark", 0.1, 0.12), True), (DOUBTFUL, False), (NO_FACE, False)]
)
def test_an_answer_about_what_may_be_no_face_is_not_sure(
    models: list[LoadedModel], hint: Hint | None, sure: bool
) -> None:
    comparison = make_comparison(models, *([hint] if hint else []))
    assert comparison.is_sure is sure
    assert to_json(comparison, models)["sure"] is sure


@pytest.mark.parametrize(
    ("face", "ids"),
    [
        (FACE, []),
        (replace(FACE, score=SECOND_SCORE), ["doubtful"]),
        (replace(FACE, score=0.75, second_score=0.92), []),
        (replace(FACE, score=0.87, second_score=0.4), ["doubtful"]),
    ],
    ids=["sure", "the limit itself", "settled by a closer look", "not confirmed by a closer look"],
)
def test_the_detectors_last_word_decides(face: DetectedFace, ids: list[str]) -> None:
    hints = find_hints(Image.new("RGB", (100, 100), "grey"), face)
    assert [hint.id for hint in hints if hint.id == "doubtful"] == ids


def test_a_whole_picture_is_sure_only_if_it_is_a_face(models: list[LoadedModel], detector: FaceDetector) -> None:
    comparison = compare(load_pictures()["coffee.png"], models, detector, whole_image=True)
    assert comparison.hints[0] == NO_FACE
    assert not comparison.is_sure
    portrait = load_portraits()[0]
    for face in (portrait, portrait.resize((48, 48)).convert("L")):
        assert compare(face, models, detector, whole_image=True).doubts == []


@pytest.mark.parametrize(("language", "hint"), [("en", NO_FACE), ("es", DOUBTFUL)], ids=["en", "es"])
def test_page_and_exports_say_so(models: list[LoadedModel], hint: Hint, language: str) -> None:
    comparison = make_comparison(models, hint)
    words = translate(language, f"hint.{hint.id}")
    assert describe_doubt(comparison, language) == words, "not what a higher average would change"
    headline, _ = describe_verdict(comparison, language)
    assert headline.startswith(LOCALES[language][f"verdict.{hint.id}"].partition("{")[0])
    page = render_verdict(comparison, language)
    assert headline in page
    assert page.count(words) == 1
    assert headline in say_aloud(comparison, language)
    shown = Shown("", make_preview(load_portrait()), [comparison], [load_portrait()], models, comparison)
    assert json.loads(save(shown, "json", language))["sure"] is False
    text = save(shown, "csv", language).decode().removeprefix("\ufeff")
    *_, average = csv.DictReader(io.StringIO(text), delimiter=";" if language == "es" else ",")
    assert (average["sure"], average["hints"]) == ("no", hint.id)
    sure = replace(shown, comparison=make_comparison(models))
    assert save(shown, "png", language) != save(sure, "png", language)


def test_a_face_says_how_it_was_found(models: list[LoadedModel], detector: FaceDetector) -> None:
    upright = to_json(compare(load_portrait(), models, detector), models)["face"]
    turned = to_json(compare(load_portrait().rotate(180), models, detector), models)["face"]
    assert (upright["turned_degrees"], turned["turned_degrees"]) == (0, 180)
    assert (upright["tiled"], turned["tiled"]) == (False, False)
