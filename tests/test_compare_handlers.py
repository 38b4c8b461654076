"""Compare without a browser: what the page shows, keeps in memory and hands out for a photo."""

import dataclasses
import io
import json
import pickle
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photos import as_png, load_portrait, make_no_face, portrait_as_png, portrait_path, write_animations
from PIL import Image, ImageDraw
from test_tables import read_csv

from fer_models.comparison import Comparison, Prediction
from fer_models.demo.components.breaking import find_flip, render_steps
from fer_models.demo.components.compare import describe_verdict, render_results
from fer_models.demo.handlers.breaking import WAYS, break_face
from fer_models.demo.handlers.compare import Answer, CompareHandlers, Request, Shown, read_request
from fer_models.demo.handlers.saving import make_link, save
from fer_models.demo.locales import LOCALES, translate
from fer_models.demo.tabs.compare import _explain_others
from fer_models.demo.ui import build_demo
from fer_models.explain import explain, share_scale
from fer_models.faces import DetectedFace, FaceDetector
from fer_models.images import ImageError
from fer_models.inference import LoadedModel
from fer_models.packages import find_examples
from fer_models.zoo import REPORT_MODELS, list_models


class CountingDetector(FaceDetector):
    """Counts its searches."""

    searches = 0

    def detect(self, image: Image.Image, **options: bool) -> list:
        self.searches += 1
        return super().detect(image, **options)


@pytest.fixture
def handlers(models: list[LoadedModel]) -> CompareHandlers:
    return CompareHandlers(models[:4], CountingDetector())


@pytest.fixture(scope="module")
def shown(models: list[LoadedModel], detector: FaceDetector) -> Shown:
    """The answer to the portrait."""
    handlers = CompareHandlers(models[:4], detector)
    return handlers.answer(ask(handlers, portrait_path())).shown


def ask(handlers: CompareHandlers, photo: Path | str | None, language: str = "en", **changes: object) -> Request:
    request = Request(photo and str(photo), language, handlers.tags[0], handlers.names)
    return replace(request, **changes)


def winners(answer: Answer) -> list[str]:
    return re.findall(r'data-winner="([^"]*)"', answer.results)


def predict(models: list[LoadedModel], choices: str, share: float = 1.0) -> Comparison:
    """Each model gives `share` to its own choice: a is happy, b sad, c neutral."""
    labels = {"a": "happy", "b": "sad", "c": "neutral"}
    rest = (1 - share) / 6
    predictions = [
        Prediction(model.name, dict.fromkeys(model.labels, rest) | {labels[choice]: share}, 1.0)
        for model, choice in zip(models, choices, strict=False)
    ]
    return Comparison([], None, None, predictions)


# --- what the page shows ---


def test_without_a_photo_or_a_model_there_are_empty_columns_or_a_sentence(
    handlers: CompareHandlers,
) -> None:
    answer = handlers.answer(ask(handlers, None, "es"))
    assert winners(answer) == [""] * 4
    assert translate("es", "verdict.empty") in answer.results
    assert translate("es", "photo.empty") in answer.photo
    assert answer.choices.count("data-example") == len(find_examples())
    assert (answer.crop, answer.table, answer.shown, answer.has_no_face) == ("", "", None, False)
    answer = handlers.answer(ask(handlers, portrait_path(), "es", names=[]))
    assert translate("es", "choice.none") in answer.results
    assert answer.shown is None


def test_a_portrait_gets_four_answers_a_box_a_crop_and_a_table(handlers: CompareHandlers) -> None:
    answer = handlers.answer(ask(handlers, portrait_path(), "es"))
    assert len(winners(answer)) == 4
    for winner in winners(answer):
        assert translate("es", f"label.{winner}") in answer.results
    assert answer.photo.count("data-face") == 1
    assert "<text" not in answer.photo, "one face needs no number"
    assert "data:image/png" in answer.crop
    assert answer.table.count("<td") == (7 + 3) * (4 + 1)
    assert "data-example" in answer.choices, "there is no face to choose"
    why = handlers.explain(answer.shown, "sad", "es")
    assert why.count("<img") == why.count(f": {translate('es', 'label.sad')}<") == 4


def test_of_two_faces_one_is_chosen_without_a_new_search_and_another_photo_gets_one(
    handlers: CompareHandlers, samples: Path
) -> None:
    two = samples / "two.png"
    first = handlers.answer(ask(handlers, two))
    assert first.photo.count("data-face") == 2
    assert "Face 1 of 2" in first.results
    assert re.findall(r'data-face="(\d)"', first.choices) == ["0", "1"]
    second = handlers.answer(ask(handlers, two, face_index=1), first.shown)
    assert "Face 2 of 2" in second.results
    assert second.shown.comparison.predictions != first.shown.comparison.predictions
    spanish = handlers.answer(ask(handlers, two, "es"), second.shown)
    assert "Cara 2 de 2" in spanish.results
    assert spanish.shown is second.shown, "not even the models are asked again"
    fewer = handlers.answer(ask(handlers, two, face_index=1, names=["dense"]), spanish.shown)
    assert len(winners(fewer)) == 1
    assert handlers.detector.searches == 1
    assert "Face 2 of 2" in handlers.answer(ask(handlers, two, face_index=1)).results
    other = handlers.answer(ask(handlers, portrait_path(), face_index=1), first.shown)
    assert other.shown.comparison.face_index == 0, "it has no second one"
    assert handlers.detector.searches == 3


def test_no_face_offers_the_whole_picture_which_then_works(handlers: CompareHandlers, samples: Path) -> None:
    sky = samples / "sky.png"
    answer = handlers.answer(ask(handlers, sky))
    assert answer.has_no_face
    assert "No face was found" in answer.results
    assert re.findall('data-do="([^"]*)"', answer.results) == ["choose", "whole"], "another photo first"
    assert handlers.explain_json(Request(str(sky)))["explanations"] == []
    whole = handlers.answer(ask(handlers, sky, whole_image=True), answer.shown)
    assert not whole.has_no_face
    assert all(winners(whole))
    assert "The whole picture" in whole.results
    assert handlers.answer(ask(handlers, sky, "es"), whole.shown).shown is whole.shown, "it stays so"


def test_bad_files_get_a_sentence_in_the_visitors_language(handlers: CompareHandlers, tmp_path: Path) -> None:
    for reason, content in (
        ("missing", None),
        ("format", b"%PDF-1.7"),
        ("unreadable", portrait_as_png()[:5000]),
        ("too_large", as_png(Image.new("1", (10_000, 10_000)))),
    ):
        if content is not None:
            (tmp_path / "photo.png").write_bytes(content)
        answer = handlers.answer(ask(handlers, tmp_path / "photo.png", "es"))
        assert translate("es", f"error.{reason}", megapixels=50, format="PDF") in answer.results
        assert 'role="alert"' in answer.results


def test_of_an_animation_the_page_says_that_it_saw_the_first_frame_only(
    handlers: CompareHandlers, tmp_path: Path
) -> None:
    words = translate("es", "hint.animated")
    for path in write_animations(tmp_path):
        assert words in handlers.answer(ask(handlers, path, "es")).results
    assert words not in handlers.answer(ask(handlers, portrait_path(), "es")).results


def test_every_example_has_one_face_and_the_hard_one_splits_the_models(handlers: CompareHandlers) -> None:
    answers = [handlers.answer(ask(handlers, path)).shown for path in find_examples()]
    assert [len(shown.faces) for shown in answers] == [1, 1, 1]
    assert describe_verdict(answers[-1].comparison, "en")[0] == "They disagree."


def test_cards_agree_or_differ_only_where_there_is_a_majority(models: list[LoadedModel]) -> None:
    for choices, marks in (("aab", ["agrees", "agrees", "differs"]), ("aabb", [""] * 4), ("a", [""])):
        html = render_results(predict(models, choices), models[: len(choices)], "en")
        assert re.findall(r'class="fer-card(?: fer-(\w+))?"', html) == marks


@pytest.mark.parametrize(
    ("choices", "share", "headline", "sentence"),
    [
        ("aaaa", 0.78, "Happy (78 %).", "All four agree."),
        ("aaaa", 0.49, "Probably happy (49 %).", "All four agree, but weakly."),
        ("aaaa", 0.597, "Probably happy (59 %).", "All four agree, but weakly."),
        ("aaab", 0.84, "Happy (64 %).", "Three of four agree; batchnorm-dropout says sad."),
        ("aabb", 0.78, "They disagree.", "On average 41 % happy; baseline and dense say happy; batchnorm and"),
        ("abcc", 0.78, "They disagree.", "; baseline says happy; dense says sad."),
        ("a", 0.3, "Probably happy (30 %).", "According to baseline, but weakly."),
    ],
)
def test_the_verdict_explains_itself(
    models: list[LoadedModel], choices: str, share: float, headline: str, sentence: str
) -> None:
    said = [
        words.replace("\N{NO-BREAK SPACE}", " ") for words in describe_verdict(predict(models, choices, share), "en")
    ]
    assert said[0] == headline
    assert sentence in said[1]


def test_a_face_is_broken_step_by_step_and_each_flip_is_told(shown: Shown) -> None:
    for way in WAYS:
        steps = break_face(shown, way)
        assert [one.winner for one in steps[0].predictions] == [one.winner for one in shown.comparison.predictions]
        assert len({one.view.tobytes() for one in steps}) == len(steps), "each is worse than the one before"
        html = render_steps(steps, way, "en")
        assert html.count('class="fer-step"') == len(steps)
        flips = [find_flip(steps, index) for index in range(4)]
        for flip, prediction in zip(flips, steps[0].predictions, strict=True):
            assert f"{prediction.model} {'first changes at' if flip else 'never changes'}" in html
        assert any(flips) or way != "turn", "on its side a face is another"


# --- what is chosen ---


def test_models_are_chosen_by_name_and_way_of_training(
    models: list[LoadedModel], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_models.demo.handlers.compare.get_default_tag", lambda name: "a")
    ways = ("baseline.a", "baseline.b", "dense.a", "batchnorm.b", "batchnorm-dropout.a", "fifth.a")
    made = [replace(models[0], name=name, tag=tag) for name, tag in (way.split(".") for way in ways)]
    handlers = CompareHandlers(made, detector)
    assert handlers.tags == ["a", "b"]
    four = ["baseline.a", "dense.a", "batchnorm.b", "batchnorm-dropout.a"]  # the best way of batchnorm is missing
    for names, tag, chosen in (
        ([], None, []),
        (None, None, four),
        (["dense", "baseline"], "b", ["baseline.b", "dense.a"]),  # in the zoo's order; dense was not trained so
    ):
        assert [f"{model.name}.{model.tag}" for model in handlers.choose_models(names, tag)] == chosen
    for names, tag in ((["none"], None), (None, "none")):
        with pytest.raises(ValueError, match=r"There is no 'none'\. Choose from"):
            handlers.compare_json(Request(str(portrait_path()), "en", tag or "", names or ()))


def test_a_choice_is_what_the_page_tells_unless_it_makes_no_sense() -> None:
    settings = ("en", "tuned", ["dense"])
    assert read_request({"example": 0}, *settings).photo_path == find_examples()[0]
    told = {"path": "/uploads/a.png", "face": 2, "whole": True, "id": "7"}
    assert read_request(told, *settings) == Request("/uploads/a.png", *settings, 2, True, "7")
    assert read_request({"path": "a", "face": -1, "whole": "yes"}, *settings) == Request("a", *settings)
    for nonsense in ({"example": 999}, {"example": None}, {"path": 3}, {}, None, "a", [1]):
        assert read_request(nonsense, *settings).photo_path is None


# --- what is kept ---


@pytest.mark.parametrize("whole_image", [False, True])
def test_of_a_large_photo_little_is_kept_and_no_answer_changes(
    handlers: CompareHandlers, tmp_path: Path, whole_image: bool
) -> None:
    """The whole of 50 megapixels was kept for minutes, for each visitor."""
    path, photo = tmp_path / "large.png", load_portrait().resize((1280, 1500))
    photo.save(path, compress_level=1)
    shown = handlers.answer(ask(handlers, path, whole_image=whole_image)).shown
    again = handlers.answer(ask(handlers, path, whole_image=whole_image, names=handlers.names[:2]), shown).shown
    content = handlers.explain_json(Request(str(path), whole_image=whole_image), "happy")
    for kept in (shown, again):
        for row, prediction in zip(content["models"], kept.comparison.predictions, strict=False):
            assert prediction.probabilities == row["probabilities"], "to the last digit"
    assert len(pickle.dumps(dataclasses.replace(shown, models=[]))) < 500_000
    for model, row in zip(shown.models, content["explanations"], strict=True):
        assert np.isfinite(row["heat"]).all()
        assert explain(model, shown.crop.get_view(model), "happy").label == row["label"]
    if whole_image:  # what is shown is what the models get
        view, model = shown.crop.get_view(shown.models[0]), shown.models[0]
        pixel_values = model.image_processor(photo, return_tensors="np")["pixel_values"]
        assert np.array_equal(np.rint(255 * pixel_values[0, 0]), np.asarray(view))


def test_a_crowd_takes_no_more_memory_than_is_stated(
    handlers: CompareHandlers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faces = [DetectedFace((300.0 * index, 0.0, 300.0 * index + 290, 290.0), 0.9) for index in range(10)]
    monkeypatch.setattr(handlers.detector, "detect", lambda _: faces)
    monkeypatch.setattr("fer_models.demo.handlers.compare.KEPT_PIXELS", 100_000)
    make_no_face().resize((3000, 300)).save(tmp_path / "crowd.png")
    shown = handlers.answer(ask(handlers, tmp_path / "crowd.png")).shown
    assert sum(crop.picture.width * crop.picture.height for crop in shown.crops) <= 100_000


# --- what programs and files get ---


def test_programs_without_a_photo_or_with_a_face_index_that_is_no_whole_number_are_told(
    handlers: CompareHandlers, samples: Path
) -> None:
    with pytest.raises(ImageError, match="No photo"):
        handlers.compare_json(Request(None))
    for method in (handlers.compare_json, handlers.explain_json):
        for index in (0.5, float("nan"), float("inf"), True, "0", [0]):
            with pytest.raises(ValueError, match=re.escape(f"face_index must be a whole number; got {index!r}.")):
                method(Request(str(portrait_path()), face_index=index))
    assert handlers.compare_json(Request(str(samples / "two.png"), face_index=1.0))["face_index"] == 1


def test_explanations_as_json_sum_up_what_the_page_shows(handlers: CompareHandlers, shown: Shown) -> None:
    content = handlers.explain_json(Request(str(portrait_path())), "happy")
    view = shown.crop.get_view(handlers.models[0])
    ours = share_scale([explain(model, view, "happy") for model in handlers.models])
    for row, one in zip(content["explanations"], ours, strict=True):
        assert (row["model"], row["label"]) == (one.model, "happy")
        assert np.allclose(row["heat"], one.heat.reshape(8, 6, 8, 6).mean((1, 3)), atol=1e-3)
    assert handlers.compare_json(Request(str(portrait_path()))).keys() < content.keys()


def test_saved_files_say_what_the_page_says(shown: Shown) -> None:
    content = json.loads(save(shown, "json", "en"))
    assert [row["winner"] for row in content["models"]] == [one.winner for one in shown.comparison.predictions]
    for language, delimiter in (("en", ","), ("es", ";")):
        rows = read_csv(save(shown, "csv", language).decode(), delimiter)
        assert [row["model"] for row in rows] == [*(model.name for model in shown.models), "average"]
        assert [row["winner"] for row in rows[:-1]] == [row["winner"] for row in content["models"]]
        assert [row["sure"] for row in rows] == ["", "", "", "", "yes" if content["sure"] else "no"]
        happy = rows[-1]["happy"]
        assert float(happy.replace(",", ".")) == pytest.approx(content["average"]["happy"], abs=1e-4)
        assert ("," in happy) == (language == "es")


def test_a_link_repeats_the_settings(handlers: CompareHandlers) -> None:
    request = ask(handlers, None, "es", face_index=1, names=["baseline", "dense"])
    start = f"http://host/?lang=es&tag={handlers.tags[0]}&models=baseline,dense"
    assert make_link("http://host/", request) == f"{start}&face=2"
    assert make_link("http://host/", replace(request, face_index=0, whole_image=True)) == f"{start}&whole=1"


def test_the_saved_picture_has_no_face_unless_it_is_asked_for(shown: Shown) -> None:
    face = np.asarray(shown.crop.picture.resize((168, 168), Image.Resampling.BICUBIC), int)
    differences = []
    for wanted in (False, True):
        image = Image.open(io.BytesIO(save(shown, "png", "es", wanted))).convert("RGB")
        assert image.size == (1200, 630)
        differences.append(np.abs(np.asarray(image.crop((48, 48, 216, 216)), int) - face).mean())
    without, with_face = differences
    assert with_face < 1
    assert without > 50


def test_no_words_of_the_saved_picture_lie_over_others(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is worth and where it comes from stood on one line, which was too short for both."""
    boxes: list[tuple[float, ...]] = []
    write = ImageDraw.ImageDraw.text

    def note(draw: Any, xy: Any, text: str, fill: str, font: Any, anchor: str | None = None) -> None:
        boxes.append(draw.textbbox(xy, text, font, anchor))
        write(draw, xy, text, fill, font, anchor)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    for language in LOCALES:
        boxes.clear()
        save(shown, "png", language, True, f"https://{'a' * 60}.hf.space/")
        assert all(0 <= left < right <= 1200 and 0 <= top < bottom <= 630 for left, top, right, bottom in boxes)
        for (left, top, right, bottom), other in combinations(boxes, 2):
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_page_ticks_the_report_s_four_and_has_the_others_when_they_are_ticked(
    models: list[LoadedModel], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, handlers = list_models(), CompareHandlers(models, detector)
    assert names == [*REPORT_MODELS, "transfer"]
    ticks = next(one for one in build_demo(models, detector).blocks.values() if one.elem_id == "compare.models")
    assert ([value for _, value in ticks.choices], ticks.value) == (names, list(REPORT_MODELS))
    answer = handlers.answer(ask(handlers, portrait_path(), names=names))
    assert len(winners(answer)) == handlers.explain(answer.shown, None, "en").count("<img") == 5
    assert [row["model"] for row in handlers.compare_json(Request(str(portrait_path())))["models"]] == list(
        REPORT_MODELS
    )
    assert "Added since: transfer, pretrained on photos of other things. " in (_explain_others(handlers, "en") or "")
    monkeypatch.delitem(LOCALES["en"], "choice.other.transfer")  # a model of which there are no words
    assert "Added since: transfer. " in (_explain_others(handlers, "en") or "")
