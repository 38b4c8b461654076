import json
from pathlib import Path
from string import Formatter

import gradio as gr
import pytest

import fer_models.demo.locales
from fer_models.configuration_fer import FER_LABELS
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
        ("fr-FR,es;q=0.5", "es"),
        ("*", "en"),
        ("en;q=0.8,es-ES;q=0.9", "es"),
        ("es;q=0", "en"),
        ("de, es ; q=0.2", "es"),
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
