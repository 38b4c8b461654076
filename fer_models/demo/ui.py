"""The frame of the page: title, language, notice and tabs."""

import os
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
from huggingface_hub import constants

from ..faces import FaceDetector
from ..inference import LoadedModel
from ..results import read_checkpoints, read_summary
from ..zoo import STATIC_SPACE_VARIABLE
from .components.html import say
from .fetching import REFUSAL
from .handlers.compare import SHOWN_AT_FIRST, CompareHandlers
from .handlers.live import LiveHandlers
from .handlers.many import ManyHandlers
from .internals import refuse_downloads
from .locales import DEFAULT_LANGUAGE, LOCALES, choose_language, translate
from .scripts import read_script
from .tabs.code import build_code_tab
from .tabs.compare import build_compare_tab
from .tabs.live import build_live_tab
from .tabs.many import build_many_tab
from .tabs.models import build_models_tab
from .words import PRIVATE, Words, labelled, saying

# The largest file that can be uploaded. Photos of 50 megapixels take about 25, a minute of a phone's video about 100.
MAX_FILE_MB = 100
# All files that are uploaded at once: a thousand photos of two megabytes.
MAX_UPLOAD_MB = 2000

# A face in pixels, nothing but a picture: 8 columns, 8 rows.
LOGO_ROWS = ("..####..", ".#....#.", "#.#..#.#", "#......#", "#.#..#.#", "#..##..#", ".#....#.", "..####..")

# Words for `page.js`, which knows them by what follows the point.
PAGE_WORDS = (
    "app.title", "app.back", "code.copy", "live.ended", "many.drop", "many.touch", "many.clear", "many.remove",
    "error.camera_denied", "error.camera_missing", "error.camera_busy", "error.camera_insecure", "error.missing",
    "error.busy", "error.full", "error.offline", "error.unexpected",
)  # fmt: skip


def build_demo(
    models: Sequence[LoadedModel], detector: FaceDetector, other_ways: Sequence[LoadedModel] = ()
) -> gr.Blocks:
    """The page, ready to launch.

    Args:
        models: The models that are compared, one column each, trained in their default ways.
        detector: Finds the faces.
        other_ways: The same models trained otherwise, one switch away.
    """
    refuse_downloads(REFUSAL)
    language, first = DEFAULT_LANGUAGE, models[:SHOWN_AT_FIRST]
    words = Words()
    names: list[str] = []

    def read_address(request: gr.Request) -> tuple[Any, Any]:
        """The language and the tab that a link names; else the browser's language and the first tab."""
        asked, tab = request.query_params.get("lang"), request.query_params.get("tab")
        spoken = choose_language(f"{asked or ''},{request.headers.get('accept-language', '')}")
        # The language that the page has already is not set again, for a visitor may have chosen another one meanwhile.
        return gr.skip() if spoken == language else spoken, gr.Tabs(selected=tab) if tab in names else gr.skip()

    def open_tab(name: str) -> gr.Tab:
        names.append(name)
        return words.make(gr.Tab, labelled(f"tab.{name}"), id=name, elem_id=f"tab.{name}")

    with gr.Blocks(fill_width=True, title=translate(language, "app.title")) as demo:
        language_switch = build_header(words)
        notice = gr.HTML(render_notice(language, first), elem_id="notice.view")
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:  # `base.css` makes it a strip that scrolls
            with open_tab("compare"):
                compared = CompareHandlers([*models, *other_ways], detector)
                choice, tag, shown = build_compare_tab(demo, compared, words, language_switch)
            with open_tab("live"):
                build_live_tab(LiveHandlers(models, detector), words)
            with open_tab("many"):
                many = ManyHandlers(first, detector)
                build_many_tab(many, words, language_switch, choice, tabs)
            with open_tab("models"):
                build_models_tab(read_checkpoints(), read_summary(), words, language_switch)
            with open_tab("code"):
                build_code_tab(demo, words, compared.find_best().name)
        if os.environ.get(STATIC_SPACE_VARIABLE):
            words.make(gr.HTML, saying(render_other_door), elem_id="other.door")
        words.make(gr.HTML, saying(render_page_words), elem_id="page.words", js_on_load=read_script("page.js"))

        def say_notice(language: str, tag: str, names: list[str]) -> str:
            chosen = compared.choose_models(names, tag) or first
            return render_notice(language, chosen, chosen != first)

        language_switch.change(words.say, language_switch, words.components, **PRIVATE)
        changes = [language_switch.change, tag.change, shown.change]
        inputs = [language_switch, tag, shown]
        gr.on(changes, say_notice, inputs, notice, queue=False, trigger_mode="always_last", **PRIVATE)
        # Sets the switch, whose change then sets the words; nothing happens in the default language.
        demo.load(read_address, None, [language_switch, tabs], **PRIVATE)
    return demo


def build_header(words: Words) -> gr.Radio:
    """The title, and what holds the language."""
    with gr.Row(elem_id="header"):
        words.make(gr.HTML, saying(render_header), elem_id="header.title")
        return words.make(
            gr.Radio,
            labelled("app.language"),
            choices=[(entry["language.name"], code) for code, entry in LOCALES.items()],
            value=DEFAULT_LANGUAGE,
            show_label=False,
            container=False,
            elem_id="header.language",
        )


def render_header(language: str) -> str:
    pixels = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1"/>'
        for y, row in enumerate(LOGO_ROWS)
        for x, pixel in enumerate(row)
        if pixel == "#"
    )
    logo = f'<svg viewBox="0 0 8 8" aria-hidden="true" shape-rendering="crispEdges">{pixels}</svg>'
    title, subtitle = (say(language, f"app.{part}") for part in ("lead", "subtitle"))
    return f'<header class="fer-header">{logo}<div><h1>{title}</h1><p>{subtitle}</p></div></header>'


def render_notice(language: str, models: Sequence[LoadedModel], chosen: bool = False) -> str:
    """What those who are shown to the models must be told; how often they are wrong is what was measured.

    Args:
        language: One of `locales.LOCALES`.
        models: Those it is about.
        chosen: Whether they are others than at first, which is said then: the line stands above all tabs.
    """
    wrong_tenths = sorted({round(10 * (1 - model.test_accuracy)) for model in models})
    key = "wrong_once" if wrong_tenths == [1] else "wrong" if len(wrong_tenths) == 1 else "wrong_range"
    wrong = translate(language, f"notice.{key}", low=wrong_tenths[0], high=wrong_tenths[-1])
    short, more, *texts = (
        say(language, f"notice.{part}", wrong=wrong)
        for part in ("chosen" if chosen else "short", "more", "use", "models", "photo")
    )
    return (
        f'<details class="fer-notice"><summary>{short} <span class="fer-more">{more}</span></summary>'
        f"{''.join(f'<p>{text}</p>' for text in texts)}</details>"
    )


def render_other_door(language: str) -> str:
    """The way to the page that runs in the visitor's browser."""
    address = f"{constants.ENDPOINT}/spaces/{os.environ[STATIC_SPACE_VARIABLE]}"
    return f'<p class="fer-other-door"><a href="{escape(address)}">{say(language, "app.other_door")}</a></p>'


def render_page_words(language: str) -> str:
    """What `page.js` needs, as attributes of an element that is not shown."""
    values = {
        "language": language,
        "languages": " ".join(LOCALES),
        "max-file-bytes": str(MAX_FILE_MB * 1024**2),
        "max-upload-bytes": str(MAX_UPLOAD_MB * 1024**2),
        "file-too-large": translate(language, "error.file_too_large", megabytes=MAX_FILE_MB),
        "files-too-large": translate(language, "error.files_too_large", megabytes=MAX_UPLOAD_MB),
    }
    values |= {key.split(".")[1].replace("_", "-"): translate(language, key) for key in PAGE_WORDS}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in values.items())
    return f"<span hidden {attributes}></span>"
