"""The words of the page, and a made-up third language, one dictionary in `LOCALES` alone, in every part of it."""

import base64
import json
import re
from html import unescape
from pathlib import Path
from string import Formatter

import gradio as gr
import pytest
from made_up_results import make_checkpoint, make_summary
from photos import make_two_faces
from test_live_handlers import to_frame
from videos import write_video

import fer_models.demo.locales
from fer_models.configuration_fer import FER_LABELS
from fer_models.demo.components import models as models_figures
from fer_models.demo.components.breaking import render_steps
from fer_models.demo.components.compare import render_no_face
from fer_models.demo.components.guess import render_guess
from fer_models.demo.components.model import render_model
from fer_models.demo.components.photo import render_examples
from fer_models.demo.components.votes import render_votes
from fer_models.demo.handlers.breaking import WAYS, break_face
from fer_models.demo.handlers.compare import CompareHandlers, Request
from fer_models.demo.handlers.live import LiveHandlers
from fer_models.demo.handlers.many import ManyHandlers
from fer_models.demo.handlers.saving import FORMATS, save
from fer_models.demo.locales import (
    DEFAULT_LANGUAGE,
    LOCALES,
    choose_language,
    format_count,
    format_hardware,
    format_percent,
    load_locales,
    translate,
)
from fer_models.demo.ui import build_demo
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel
from fer_models.packages import find_examples
from fer_models.quality import RULES


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LOCALES)
def test_every_word_has_the_placeholders_of_its_english_one_and_labels_differ(language: str) -> None:
    reference = LOCALES[DEFAULT_LANGUAGE]
    for key, text in LOCALES[language].items():
        assert text.strip() or key == "number.thousands", key
        assert key in reference, f"the page has no {key}"
        assert placeholders(text) == placeholders(reference[key]), key
    assert len({translate(language, f"label.{label}") for label in FER_LABELS}) == len(FER_LABELS)


def test_every_hint_has_words() -> None:
    assert [id for id in RULES if f"hint.{id}" not in LOCALES[DEFAULT_LANGUAGE]] == []


def test_spanish_is_complete() -> None:
    folder = Path(fer_models.demo.locales.__file__).parent
    english, spanish = (json.loads((folder / f"{code}.json").read_text("utf-8")) for code in ("en", "es"))
    assert list(english) == list(spanish)


def test_a_language_is_its_file_and_what_it_lacks_is_said_in_english(tmp_path: Path) -> None:
    (tmp_path / "en.json").write_text('{"language.name": "English", "tab.live": "Live"}', "utf-8")
    (tmp_path / "ca.json").write_text('{"tab.live": "En directe"}', "utf-8")
    (tmp_path / "eo.json").write_text('{"language.name": "Esperanto"}', "utf-8")
    assert load_locales(tmp_path) == {
        "en": {"language.name": "English", "tab.live": "Live"},
        "ca": {"language.name": "ca", "tab.live": "En directe"},
        "eo": {"language.name": "Esperanto", "tab.live": "Live"},
    }


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("qaa,es;q=0.5", "es"),
        ("*", "en"),
        ("en;q=0.8,es-ES;q=0.9", "es"),
        ("es;q=0", "en"),
        ("qab, es ; q=0.2", "es"),
        ("es;q=high,,;", "en"),
        (",es-ES", "es"),
    ],
)
def test_language_is_the_one_that_the_browser_likes_best_of_those_that_the_page_speaks(
    header: str | None, language: str
) -> None:
    assert choose_language(header) == language


SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "percent", "count"), [("en", f"54.5{SPACE}%", "28,709"), ("es", f"54,5{SPACE}%", f"28{SPACE}709")]
)
def test_numbers_are_written_as_the_language_writes_them(language: str, percent: str, count: str) -> None:
    assert format_percent(language, 0.545) == percent
    assert format_count(language, 28_709) == count


def test_a_language_chosen_while_the_page_loads_stays(models: list[LoadedModel], detector: FaceDetector) -> None:
    events = [event.fn for event in build_demo(models, detector).fns.values() if event.name == "read_address"]
    read_address = events[-1]  # of the page; the other is of Compare
    assert read_address is not None
    for spoken, expected in (("en-GB", gr.skip()), ("es-ES", "es")):
        request = gr.Request(query_params={}, headers={"accept-language": spoken})
        assert read_address(request)[0] == expected


@pytest.mark.parametrize(
    ("hardware", "words"),
    [("", ""), ("NVIDIA H100", "NVIDIA H100"), ("2 cores, AMD EPYC, AVX2", "2 núcleos, AMD EPYC, AVX2")],
)
def test_a_machine_has_its_cores_in_the_language(hardware: str, words: str) -> None:
    assert format_hardware("es", hardware) == words
    assert format_hardware("en", hardware) == hardware


# --- a third language ---

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


def test_a_comparison(language: str, models: list[LoadedModel], detector: FaceDetector, samples: Path) -> None:
    handlers = CompareHandlers(models, detector)
    answer = handlers.answer(Request(str(samples / "two.png"), language, handlers.tags[0], handlers.names))
    assert answer.shown
    for html in (answer.results, answer.photo, answer.choices, answer.crop, answer.table):
        check(html)
    check(handlers.explain(answer.shown, None, language))
    check(render_examples(find_examples(), language))
    assert choose_language(language) == language
    check(render_no_face(True, language))
    check(render_guess(language))
    for way in WAYS:
        check(render_steps(break_face(answer.shown, way), way, language))
    for format in FORMATS:
        assert save(answer.shown, format, language)


def test_the_camera(language: str, models: list[LoadedModel], detector: FaceDetector) -> None:
    handlers = LiveHandlers(models, detector)
    answer = handlers.look({"session": "a", "frame": to_frame(make_two_faces()), "language": language}, "a visitor")
    check(answer["overlay"])
    check(answer["answers"])


def test_photos_and_a_video(
    language: str, models: list[LoadedModel], detector: FaceDetector, samples: Path, tmp_path: Path
) -> None:
    handlers = ManyHandlers(models[:1], detector)
    for path in (samples / "two.png", write_video(tmp_path / "film.mp4", 3)):
        files = [(path.name, path)]
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


def test_the_page_around_them(language: str, models: list[LoadedModel], detector: FaceDetector) -> None:
    demo = build_demo(models, detector)
    (say,) = [function.fn for function in demo.fns.values() if getattr(function.fn, "__name__", "") == "say"]
    said = [value if isinstance(value, str) else str(value) for value in say(language)]
    assert [value for value in said if "§" not in value] == []
