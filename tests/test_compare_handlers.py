import dataclasses
import io
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photos import load_portrait, make_no_face, make_two_faces, portrait_as_png, portrait_path, write_animations
from PIL import Image
from test_images import encode
from test_tables import read_csv

from fer_models.comparison import Comparison, Prediction
from fer_models.demo.components.breaking import find_flip, render_steps
from fer_models.demo.components.compare import describe_verdict, render_results
from fer_models.demo.handlers.breaking import WAYS, break_face
from fer_models.demo.handlers.choice import Choice, find_examples, read_choice
from fer_models.demo.handlers.compare import Answer, CompareHandlers, Request, Shown
from fer_models.demo.handlers.saving import make_link, make_snippets, save
from fer_models.demo.locales import LOCALES, translate
from fer_models.demo.ui import render_notice
from fer_models.explain import explain, explain_all
from fer_models.faces import DetectedFace, FaceDetector
from fer_models.images import ImageError, read_image
from fer_models.inference import LoadedModel, load_models


class CountingDetector(FaceDetector):
    """Counts its searches."""

    searches = 0

    def detect(self, image: Image.Image, **options: bool) -> list:
        self.searches += 1
        return super().detect(image, **options)


@pytest.fixture(scope="module")
def models() -> list[LoadedModel]:
    return load_models()[:4]


@pytest.fixture
def handlers(models: list[LoadedModel]) -> CompareHandlers:
    return CompareHandlers(models, CountingDetector())


@pytest.fixture(scope="module")
def two_faces(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("photos") / "two.png"
    make_two_faces().save(path)
    return str(path)


def ask(handlers: CompareHandlers, photo: Path | str | None, language: str = "en", **changes: object) -> Request:
    request = Request(photo and str(photo), language, handlers.tags[0], handlers.names)
    return replace(request, **changes)


def winners(answer: Answer) -> list[str]:
    return re.findall(r'data-winner="([^"]*)"', answer.results)


def get_shown(answer: Answer) -> Shown:
    assert answer.shown
    return answer.shown


@pytest.mark.parametrize("language", LOCALES)
def test_without_a_photo_the_columns_stand_empty(handlers: CompareHandlers, language: str) -> None:
    answer = handlers.answer(ask(handlers, None, language))
    assert winners(answer) == [""] * 4
    assert translate(language, "verdict.empty") in answer.results
    assert translate(language, "photo.empty") in answer.photo
    assert answer.choices.count("data-example") == len(find_examples())
    assert (answer.crop, answer.table, answer.shown, answer.has_no_face) == ("", "", None, False)


@pytest.mark.parametrize("language", LOCALES)
def test_a_portrait_gets_four_answers_a_box_a_crop_and_a_table(handlers: CompareHandlers, language: str) -> None:
    answer = handlers.answer(ask(handlers, portrait_path(), language))
    assert len(winners(answer)) == 4
    for winner in winners(answer):
        assert translate(language, f"label.{winner}") in answer.results
    assert answer.photo.count("data-face") == 1
    assert "<text" not in answer.photo  # one face needs no number
    assert "data:image/png" in answer.crop
    assert answer.table.count("<td") == (7 + 3) * (4 + 1)
    assert "data-example" in answer.choices, "there is no face to choose"


def test_the_crop_that_is_shown_is_what_the_models_get(handlers: CompareHandlers) -> None:
    shown = get_shown(handlers.answer(ask(handlers, portrait_path(), whole_image=True))).crop.get_view(
        handlers.models[0]
    )
    pixel_values = handlers.models[0].image_processor(load_portrait(), return_tensors="np")["pixel_values"]
    assert shown.size == (48, 48)
    assert np.array_equal(np.rint(255 * pixel_values[0, 0]), np.asarray(shown))


@pytest.mark.parametrize("whole_image", [False, True])
def test_of_a_large_photo_little_is_kept_and_no_answer_changes(
    handlers: CompareHandlers, tmp_path: Path, whole_image: bool
) -> None:
    """The whole of 50 megapixels was kept for minutes, for each visitor."""
    path = tmp_path / "large.png"
    load_portrait().resize((2560, 3000)).save(path, compress_level=1)
    shown = get_shown(handlers.answer(ask(handlers, path, whole_image=whole_image)))
    again = get_shown(handlers.answer(ask(handlers, path, whole_image=whole_image, names=handlers.names[:2]), shown))
    content = handlers.compare_json(str(path), whole_image=whole_image)
    for kept in (shown, again):
        for row, prediction in zip(content["models"], kept.comparison.predictions, strict=False):
            assert prediction.probabilities == row["probabilities"], "to the last digit"
    assert len(pickle.dumps(dataclasses.replace(shown, models=[]))) < 500_000
    explanations = handlers.explain_json(str(path), "happy", whole_image=whole_image)["explanations"]
    for model, row in zip(shown.models, explanations, strict=True):
        assert np.isfinite(row["heat"]).all()
        assert explain(model, shown.crop.get_view(model), "happy").label == row["label"]


def test_a_crowd_takes_no_more_memory_than_is_stated(
    handlers: CompareHandlers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faces = [DetectedFace((300.0 * index, 0.0, 300.0 * index + 290, 290.0), 0.9) for index in range(10)]
    monkeypatch.setattr(handlers.detector, "detect", lambda _: faces)
    monkeypatch.setattr("fer_models.demo.handlers.compare.KEPT_PIXELS", 100_000)
    make_no_face().resize((3000, 300)).save(tmp_path / "crowd.png")
    shown = get_shown(handlers.answer(ask(handlers, tmp_path / "crowd.png")))
    assert sum(crop.picture.width * crop.picture.height for crop in shown.crops) <= 100_000


def test_another_face_another_language_and_other_models_need_no_new_search(
    handlers: CompareHandlers, two_faces: str
) -> None:
    first = handlers.answer(ask(handlers, two_faces))
    assert first.photo.count("data-face") == 2
    assert "Face 1 of 2" in first.results
    assert re.findall(r'data-face="(\d)"', first.choices) == ["0", "1"]
    second = handlers.answer(ask(handlers, two_faces, face_index=1), first.shown)
    assert "Face 2 of 2" in second.results
    assert get_shown(second).comparison.predictions != get_shown(first).comparison.predictions
    spanish = handlers.answer(ask(handlers, two_faces, "es", face_index=1), second.shown)
    assert "Cara 2 de 2" in spanish.results
    assert spanish.shown is second.shown  # not even the models are asked again
    fewer = handlers.answer(ask(handlers, two_faces, face_index=1, names=["dense"]), spanish.shown)
    assert len(winners(fewer)) == 1
    assert handlers.detector.searches == 1
    assert handlers.answer(ask(handlers, two_faces, face_index=1)).results.count("Face 2 of 2") == 1


@pytest.mark.parametrize(
    ("choices", "marks"), [("aab", ["agrees", "agrees", "differs"]), ("aabb", ["", "", "", ""]), ("a", [""])]
)
def test_cards_agree_or_differ_only_where_there_is_a_majority(
    models: list[LoadedModel], choices: str, marks: list[str]
) -> None:
    labels = {"a": "happy", "b": "sad"}
    predictions = [
        Prediction(model.name, dict.fromkeys(model.labels, 0.0) | {labels[choice]: 1.0}, 1.0)
        for model, choice in zip(models, choices, strict=False)
    ]
    html = render_results(Comparison([], None, None, predictions), models[: len(choices)], "en")
    assert re.findall(r'class="fer-card(?: fer-(\w+))?"', html) == marks


def test_another_photo_is_searched_anew(handlers: CompareHandlers, two_faces: str) -> None:
    first = handlers.answer(ask(handlers, two_faces))
    second = handlers.answer(ask(handlers, portrait_path(), face_index=1), first.shown)  # a face that it does not have
    assert get_shown(second).comparison.face_index == 0
    assert handlers.detector.searches == 2


def test_no_model_gets_a_sentence(handlers: CompareHandlers) -> None:
    answer = handlers.answer(ask(handlers, portrait_path(), names=[]))
    assert "Tick at least one" in answer.results
    assert answer.shown is None


def test_no_face_offers_the_whole_picture_which_then_works(handlers: CompareHandlers, tmp_path: Path) -> None:
    sky = tmp_path / "sky.png"
    make_no_face().save(sky)
    answer = handlers.answer(ask(handlers, sky))
    assert answer.has_no_face
    assert "No face was found" in answer.results
    assert re.findall('data-do="([^"]*)"', answer.results) == ["choose", "whole"], "another photo first"
    whole = handlers.answer(ask(handlers, sky, whole_image=True), answer.shown)
    assert not whole.has_no_face
    assert all(winners(whole))
    assert "The whole picture" in whole.results
    assert handlers.answer(ask(handlers, sky, "es"), whole.shown).shown is whole.shown  # it stays so


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "missing"),
        (b"", "empty"),
        (b"text", "not_an_image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "unreadable"),
        (b"%PDF-1.7", "format"),
        (portrait_as_png()[:5000], "unreadable"),
        (encode(Image.new("1", (10_000, 10_000)), "PNG"), "too_large"),
    ],
    ids=["missing", "empty", "text", "header", "PDF", "cut short", "100 megapixels"],
)
def test_bad_files_get_a_sentence_in_the_visitors_language(
    handlers: CompareHandlers, tmp_path: Path, content: bytes | None, reason: str, language: str
) -> None:
    path = tmp_path / "photo.png"
    if content is not None:
        path.write_bytes(content)
    answer = handlers.answer(ask(handlers, path, language))
    assert translate(language, f"error.{reason}", megapixels=50, format="PDF") in answer.results
    assert 'role="alert"' in answer.results


@pytest.mark.parametrize(
    ("names", "tag", "chosen"),
    [
        ([], None, []),
        (None, None, ["baseline.a", "dense.a", "batchnorm.b", "batchnorm-dropout.a"]),  # its best is missing
        (["dense", "baseline"], "b", ["baseline.b", "dense.a"]),  # in the zoo's order; dense was not trained so
    ],
)
def test_models_are_chosen_by_name_and_way_of_training(
    models: list[LoadedModel],
    monkeypatch: pytest.MonkeyPatch,
    names: list[str] | None,
    tag: str | None,
    chosen: list[str],
) -> None:
    monkeypatch.setattr("fer_models.demo.handlers.compare.get_default_tag", lambda name: "a")
    baseline, dense, batchnorm, dropout = models
    ways = [
        *(replace(baseline, tag=tag) for tag in "ab"),
        replace(dense, tag="a"),
        replace(batchnorm, tag="b"),
        replace(dropout, tag="a"),
        replace(dropout, name="fifth", tag="a"),
    ]
    handlers = CompareHandlers(ways, FaceDetector())
    assert handlers.tags == ["a", "b"]
    assert [f"{model.name}.{model.tag}" for model in handlers.choose_models(names, tag)] == chosen


@pytest.mark.parametrize(("names", "tag"), [(["none"], None), (None, "none")])
def test_unknown_models_and_ways_are_refused(handlers: CompareHandlers, names: list[str], tag: str) -> None:
    with pytest.raises(ValueError, match=r"There is no 'none'\. Choose from"):
        handlers.compare_json(str(portrait_path()), names=names, tag=tag)


@pytest.mark.parametrize("face_index", [0.5, float("nan"), float("inf"), float("-inf"), True, "", "0", [0], {}])
@pytest.mark.parametrize("method", [CompareHandlers.compare_json, CompareHandlers.explain_json])
def test_a_face_index_that_is_no_whole_number_is_refused(
    handlers: CompareHandlers, method: Callable[..., Any], face_index: Any
) -> None:
    with pytest.raises(ValueError, match=re.escape(f"face_index must be a whole number; got {face_index!r}.")):
        method(handlers, str(portrait_path()), face_index=face_index)


def test_a_whole_face_index_may_be_written_with_a_point(handlers: CompareHandlers, tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    for face_index in (0.0, 1.0):
        content = handlers.compare_json(str(tmp_path / "two.png"), face_index=face_index)
        assert content["face_index"] == face_index


def test_programs_get_a_sentence_for_a_wrong_face_index(app_url: str) -> None:
    """Gradio fails at some of these by itself, without a word."""
    from gradio_client import Client, handle_file

    client, photo = Client(app_url, verbose=False), handle_file(str(portrait_path()))
    sentences = [(wrong, "face_index must be a whole number") for wrong in (0.5, True, "0", "first", [0], {})]
    sentences += [(wrong, f"There is no face {wrong}: 1 found") for wrong in (1, -1, 10**400)]
    for face_index, sentence in sentences:
        for api_name in ("/compare", "/explain"):
            with pytest.raises(Exception, match=sentence):
                client.predict(photo, face_index=face_index, api_name=api_name)


def test_json_without_a_photo_is_refused(handlers: CompareHandlers) -> None:
    with pytest.raises(ImageError, match="No photo"):
        handlers.compare_json(None)


def test_explanations_as_json_sum_up_what_the_page_shows(handlers: CompareHandlers) -> None:
    content = handlers.explain_json(str(portrait_path()), "happy")
    shown = get_shown(handlers.answer(ask(handlers, portrait_path())))
    for row, one in zip(
        content["explanations"],
        explain_all(handlers.models, shown.crop.get_view(handlers.models[0]), "happy"),
        strict=True,
    ):
        assert (row["model"], row["label"]) == (one.model, "happy")
        cells = one.heat.reshape(8, 6, 8, 6).mean((1, 3))
        assert np.allclose(row["heat"], cells, atol=1e-3)
    assert handlers.compare_json(str(portrait_path())).keys() < content.keys()


def test_explanations_of_no_face_are_none(handlers: CompareHandlers, tmp_path: Path) -> None:
    make_no_face().save(tmp_path / "sky.png")
    assert handlers.explain_json(str(tmp_path / "sky.png"))["explanations"] == []


@pytest.mark.parametrize("language", LOCALES)
def test_why_shows_one_picture_for_each_model(handlers: CompareHandlers, language: str) -> None:
    shown = get_shown(handlers.answer(ask(handlers, portrait_path(), language)))
    html = handlers.explain(shown, "sad", language)
    assert html.count("<img") == 4
    assert html.count(f": {translate(language, 'label.sad')}<") == 4


@pytest.mark.parametrize("language", LOCALES)
def test_of_an_animation_the_page_says_that_it_saw_the_first_frame_only(
    handlers: CompareHandlers, tmp_path: Path, language: str
) -> None:
    face_first, sky_first = write_animations(tmp_path)
    words = translate(language, "hint.animated")
    assert words in handlers.answer(ask(handlers, face_first, language)).results
    assert words in handlers.answer(ask(handlers, sky_first, language)).results
    assert words not in handlers.answer(ask(handlers, portrait_path(), language)).results


def test_saved_files_say_what_the_page_says(handlers: CompareHandlers) -> None:
    shown = get_shown(handlers.answer(ask(handlers, portrait_path())))
    content = json.loads(save(shown, "json", "en"))
    assert [row["winner"] for row in content["models"]] == [one.winner for one in shown.comparison.predictions]
    for language, delimiter in (("en", ","), ("es", ";")):
        rows = read_csv(save(shown, "csv", language).decode(), delimiter)
        assert [row["model"] for row in rows] == [*handlers.names, "average"]
        assert [row["winner"] for row in rows[:-1]] == [row["winner"] for row in content["models"]]
        assert [row["sure"] for row in rows] == ["", "", "", "", "yes" if content["sure"] else "no"]
        happy = rows[-1]["happy"]
        assert float(happy.replace(",", ".")) == pytest.approx(content["average"]["happy"], abs=1e-4)
        assert ("," in happy) == (language == "es")


def test_the_saved_picture_has_no_face_unless_it_is_asked_for(handlers: CompareHandlers) -> None:
    shown = get_shown(handlers.answer(ask(handlers, portrait_path())))
    for language in LOCALES:
        without, with_face = (
            Image.open(io.BytesIO(save(shown, "png", language, wanted))).convert("RGB") for wanted in (False, True)
        )
        assert without.size == with_face.size == (1200, 630)
        face = np.asarray(shown.crop.picture.resize((168, 168), Image.Resampling.BICUBIC), int)
        there = np.asarray(with_face.crop((48, 48, 216, 216)), int)
        not_there = np.asarray(without.crop((48, 48, 216, 216)), int)
        assert np.abs(there - face).mean() < 1
        assert np.abs(not_there - face).mean() > 50


def test_a_link_repeats_the_settings(handlers: CompareHandlers) -> None:
    request = ask(handlers, None, "es", face_index=1, names=["baseline", "dense"])
    link = make_link("http://host/", request)
    assert link == f"http://host/?lang=es&tag={handlers.tags[0]}&models=baseline,dense&face=2"
    whole = make_link("http://host/", ask(handlers, None, names=["dense"], whole_image=True))
    assert whole == f"http://host/?lang=en&tag={handlers.tags[0]}&models=dense&whole=1"
    assert set(make_snippets("http://host/", request)) == {"python", "shell"}


@pytest.mark.parametrize(
    ("accuracies", "words"),
    [([0.545, 0.52], "about 5 times in 10"), ([0.71], "about 3 times in 10"), ([0.71, 0.46], "3 to 5 times in 10")],
)
def test_the_notice_says_how_often_the_models_were_measured_to_be_wrong(
    models: list[LoadedModel], accuracies: list[float], words: str
) -> None:
    measured = [replace(models[0], test_accuracy=accuracy) for accuracy in accuracies]
    assert words in render_notice("en", measured)


def test_every_example_has_one_face(handlers: CompareHandlers) -> None:
    assert find_examples()
    for path in find_examples():
        assert len(handlers.detector.detect(read_image(path))) == 1, path


def test_the_hard_example_splits_the_models(handlers: CompareHandlers) -> None:
    answer = handlers.answer(ask(handlers, find_examples()[-1]))
    assert len(get_shown(answer).comparison.votes) > 1
    assert "They disagree." in answer.results


@pytest.mark.parametrize(
    "told", [{"example": 999}, {"example": "0"}, {"example": None}, {"example": [0]}, {"path": 3}, {}, None, "a", [1]]
)
def test_a_choice_that_makes_no_sense_is_none(told: Any) -> None:
    assert read_choice(told, find_examples()).photo_path is None


def test_a_choice_is_what_the_page_tells() -> None:
    assert read_choice({"example": 0}, find_examples()).photo_path == find_examples()[0]
    told = {"path": "/uploads/a.png", "face": 2, "whole": True, "id": "7"}
    assert read_choice(told, []) == Choice("/uploads/a.png", 2, True, "7")
    assert read_choice({"path": "a", "face": -1, "whole": "yes"}, []) == Choice("a")


def test_a_face_is_broken_step_by_step_and_each_flip_is_told(handlers: CompareHandlers) -> None:
    shown = get_shown(handlers.answer(ask(handlers, portrait_path())))
    for way in WAYS:
        steps = break_face(shown, way)
        assert [one.winner for one in steps[0].predictions] == [one.winner for one in shown.comparison.predictions]
        assert len({one.view.tobytes() for one in steps}) == len(steps), "each is worse than the one before"
        html = render_steps(steps, way, "en")
        assert html.count('class="fer-step"') == len(steps)
        for index, prediction in enumerate(steps[0].predictions):
            flip = find_flip(steps, index)
            words = f"{prediction.model} first changes at" if flip else f"{prediction.model} never changes"
            assert words in html
    turned = break_face(shown, "turn")
    assert any(find_flip(turned, index) for index in range(4)), "on its side a face is another"


@pytest.mark.parametrize(
    ("choices", "share", "headline", "sentence"),
    [
        ("aaaa", 0.78, "Happy (78 %).", "All four agree."),
        ("aaaa", 0.49, "Probably happy (49 %).", "All four agree, but weakly."),
        ("aaab", 0.78, "Happy (59 %).", "Three of four agree; batchnorm-dropout says sad."),
        (
            "aabb",
            0.78,
            "They disagree.",
            "On average 41 % happy; baseline and dense say happy; batchnorm and",
        ),
        (
            "abcc",
            0.78,
            "They disagree.",
            "; baseline says happy; dense says sad.",
        ),
        ("a", 0.3, "Probably happy (30 %).", "According to baseline, but weakly."),
    ],
)
def test_the_verdict_explains_itself(
    models: list[LoadedModel], choices: str, share: float, headline: str, sentence: str
) -> None:
    labels = {"a": "happy", "b": "sad", "c": "neutral"}
    rest = (1 - share) / 6
    predictions = [
        Prediction(model.name, dict.fromkeys(model.labels, rest) | {labels[choice]: share}, 1.0)
        for model, choice in zip(models, choices, strict=False)
    ]
    said = describe_verdict(Comparison([], None, None, predictions), "en")
    assert said[0].replace("\N{NO-BREAK SPACE}", " ") == headline
    assert sentence in said[1].replace("\N{NO-BREAK SPACE}", " ")
