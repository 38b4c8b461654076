"""A made-up third language, one dictionary registered in `LOCALES` alone, goes through every figure of the page."""

import base64
import re
from html import unescape
from pathlib import Path

import pytest
from made_up_results import make_checkpoint, make_summary
from photos import make_two_faces
from test_live_handlers import to_frame
from test_locales import placeholders
from videos import write_video

from fer_models.demo.components import models as models_figures
from fer_models.demo.components.breaking import render_steps
from fer_models.demo.components.compare import render_no_face
from fer_models.demo.components.guess import render_guess
from fer_models.demo.components.model import render_model
from fer_models.demo.components.photo import render_examples
from fer_models.demo.components.votes import render_votes
from fer_models.demo.handlers.breaking import WAYS, break_face
from fer_models.demo.handlers.choice import find_examples
from fer_models.demo.handlers.compare import CompareHandlers, Request
from fer_models.demo.handlers.live import LiveHandlers
from fer_models.demo.handlers.many import ManyHandlers
from fer_models.demo.handlers.saving import FORMATS, save
from fer_models.demo.locales import DEFAULT_LANGUAGE, LOCALES, choose_language
from fer_models.demo.ui import build_demo
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel

NUMBERS = {
    "number.decimal": "·",
    "number.thousands": "'",
    "number.grouped_from": "1000",
    "number.percent": "{number} pct",
}


@pytest.fixture
def language(monkeypatch: pytest.MonkeyPatch) -> str:
    """Its every word is `§` and what is filled in."""
    words = {
        key: " ".join(["§", *(f"{{{name}}}" for name in sorted(placeholders(text)))])
        for key, text in LOCALES[DEFAULT_LANGUAGE].items()
    }
    monkeypatch.setitem(LOCALES, "qaa", words | NUMBERS)  # the code that ISO 639 leaves to private use
    return "qaa"


def read(html: str) -> str:
    """All words that are seen or read aloud."""
    spoken = re.findall(r'(?:aria-label|alt)="([^"]*)"', html)
    return unescape(" | ".join([*spoken, *re.split(r"<[^>]*>", html)]))


def check(html: str) -> None:
    words = read(html)
    assert "§" in words
    assert re.findall(r"\d[.,\N{NO-BREAK SPACE}]\d|%", words) == []


def read_download(html: str) -> str:
    return base64.b64decode(re.findall('text/csv[^"]*base64,([^"]*)"', html)[0]).decode()


def test_it_is_chosen(language: str) -> None:
    assert choose_language("qaa") == language


def test_a_comparison(language: str, models: list[LoadedModel], tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    handlers = CompareHandlers(models, FaceDetector())
    answer = handlers.answer(Request(str(tmp_path / "two.png"), language, handlers.tags[0], handlers.names))
    assert answer.shown
    for html in (answer.results, answer.photo, answer.choices, answer.crop, answer.table):
        check(html)
    check(handlers.explain(answer.shown, None, language))
    check(render_examples(find_examples(), language))
    check(render_no_face(True, language))
    check(render_guess(language))
    for way in WAYS:
        check(render_steps(break_face(answer.shown, way), way, language))
    for format in FORMATS:
        assert save(answer.shown, format, language)


def test_the_camera(language: str, models: list[LoadedModel]) -> None:
    handlers = LiveHandlers(models, FaceDetector())
    answer = handlers.look({"session": "a", "frame": to_frame(make_two_faces()), "language": language}, "a visitor")
    check(answer["overlay"])
    check(answer["answers"])


def test_photos_and_a_video(language: str, models: list[LoadedModel], tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    write_video(tmp_path / "film.mp4", 3)
    handlers = ManyHandlers(models[:1], FaceDetector())
    for name in ("two.png", "film.mp4"):
        files = [(name, tmp_path / name)]
        handlers.begin(files, "visitor", "job", language)
        *_, last = handlers.run(files, "visitor", "job", 4, language)
        check(last.results or "")
        assert ";" not in read_download(last.results or ""), "it has no decimal comma"


def test_the_figures_of_the_models(language: str) -> None:
    checkpoints, summary = [make_checkpoint(accuracy=0.5)], make_summary()
    check(models_figures.render_lead(checkpoints, language))
    check(models_figures.render_report_comparison(summary, language))
    check(models_figures.render_test_sets(checkpoints, language))
    check(models_figures.render_cost(summary, checkpoints, language))
    check(models_figures.render_meaning(summary, language))
    check(render_votes(summary, checkpoints, language))
    check(re.sub("<code>.*?</code>", "", render_model(checkpoints[0], language)))


def test_the_page_around_them(language: str, models: list[LoadedModel]) -> None:
    demo = build_demo(models, FaceDetector())
    (say,) = [function.fn for function in demo.fns.values() if getattr(function.fn, "__name__", "") == "say"]
    said = [value if isinstance(value, str) else str(value) for value in say(language)]
    assert [value for value in said if "§" not in value] == []
