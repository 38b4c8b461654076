"""Compare: one photo, every model's answer side by side."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import gradio as gr

from ...packages import find_examples
from ..components.compare import describe_accuracy
from ..components.guess import render_guess
from ..components.photo import BEGIN, describe_begin
from ..fetching import find_upload
from ..handlers.compare import SHOWN_AT_FIRST, CompareHandlers, Request, Shown, read_request
from ..handlers.saving import render_link, save
from ..limits import ANSWERS
from ..locales import DEFAULT_LANGUAGE, LOCALES, translate, translate_tag
from ..scripts import read_script
from ..words import PRIVATE, Words, saying
from .compare_api import build_compare_api
from .compare_more import More, build_more, say_gone

# So long an answer is kept in memory for the next click, in seconds: as long as the photo itself on the disk.
SHOWN_LIFE_S = 300
PLAIN: dict[str, Any] = {"apply_default_css": False}


def build_compare_tab(
    demo: gr.Blocks, handlers: CompareHandlers, words: Words, language_switch: gr.Radio
) -> tuple[gr.HTML, gr.Radio, gr.CheckboxGroup]:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Args:
        demo: The page, whose address may hold settings.
        handlers: What its events do.
        words: Takes the components whose words follow the language.
        language_switch: Holds the language.

    Returns:
        The component that holds what is chosen, whose script takes photos from other tabs, too; the way of training;
        and the models that are shown.
    """
    gr.set_static_paths(find_examples())
    first = handlers.answer(Request(None, DEFAULT_LANGUAGE, handlers.tags[0], handlers.names[:SHOWN_AT_FIRST]))
    # One grid, whose areas `compare.css` places: two columns on a wide screen, one on a phone.
    with gr.Column(elem_id="compare"):
        with gr.Column(elem_id="photo"):
            photo_view = gr.HTML(first.photo, elem_id="photo.view")
            choice = _build_choice(words)
            choices = gr.HTML(first.choices, elem_id="photo.choices", **PLAIN)
        with gr.Column(elem_id="results", elem_classes="fer-problem-slot"):
            words.make(gr.HTML, saying(render_guess), elem_id="guess", js_on_load=read_script("guess.js"))
            results = gr.HTML(first.results, elem_id="results.view", js_on_load=read_script("results.js"))
            more = build_more(handlers, words)
        with gr.Column(elem_id="details"):
            tag, names = _build_settings(handlers, words)

    shown = gr.State(None, time_to_live=SHOWN_LIFE_S)
    linked = gr.State((0, False))  # the face that a link names, and whether it takes pictures without one whole
    answer_id = gr.Textbox(visible=False)

    def show(*choices: Any) -> Any:
        return _show(handlers, *choices)

    settings = [language_switch, tag, names]
    answered = gr.on(
        [choice.change, language_switch.change, tag.change, names.change],
        show,
        [choice, shown, linked, *settings],
        [shown, results, photo_view, choices, more.crop, more.table, answer_id, more.column],
        **PRIVATE | {"trigger_mode": "always_last", "show_progress": "full", "show_progress_on": results} | ANSWERS,
    )
    more.wire(answered, shown, answer_id, settings)
    _wire_saving(more, shown, language_switch)

    def read_address(request: gr.Request) -> list[Any]:
        return _read_settings(handlers, request.query_params)

    demo.load(read_address, None, [tag, names, linked], **PRIVATE)
    build_compare_api(handlers)
    return choice, tag, names


def _build_choice(words: Words) -> gr.HTML:
    """The buttons by which photos come, and what is chosen."""
    return words.make(
        gr.HTML,
        lambda language: {"words": describe_begin(language)},
        value={},
        html_template=BEGIN,
        js_on_load=read_script("photo.js"),
        elem_id="photo.begin",
        **PLAIN,
    )


def _wire_saving(more: More, shown: gr.State, language_switch: gr.Radio) -> None:
    js = "(shown, language, face) => [shown, language, face, location.origin + location.pathname]"
    inputs = [shown, language_switch, more.with_face, more.address]
    for format, button in more.save_buttons.items():
        button.click(partial(_offer, format), inputs, more.download, js=js, **PRIVATE)


def _show(
    handlers: CompareHandlers,
    chosen: Any,
    shown: Shown | None,
    linked: tuple[int, bool],
    language: str,
    tag: str,
    names: list[str],
) -> Any:
    """The answer to what is chosen: what is kept of it, and what its parts of the page show."""
    request = read_request(chosen, language, tag, names)
    path, is_new = request.photo_path, shown is None or shown.photo_path != request.photo_path
    if is_new and path and path not in find_examples() and not find_upload(path):
        return say_gone(language)
    linked_face, linked_whole = linked
    if is_new and request.face_index is None:
        request = replace(request, face_index=linked_face)
    answer = handlers.answer(request, shown)
    if answer.has_no_face and linked_whole:
        answer = handlers.answer(replace(request, whole_image=True))
    return [
        answer.shown,
        answer.results,
        answer.photo,
        answer.choices,
        answer.crop,
        answer.table,
        uuid4().hex,
        gr.update(visible=answer.shown is not None),
    ]


def _offer(format: str, shown: Shown | None, language: str, with_face: bool, address: str) -> Any:
    return render_link(save(shown, format, language, with_face, address), format) if shown else say_gone(language)


def _read_settings(handlers: CompareHandlers, settings: Mapping[str, str]) -> list[Any]:
    """Tag, models, and the face or the whole picture, as a link names them; what it does not name stays as it is.

    A visitor may have chosen something before this comes.
    """
    asked = [name for name in handlers.names if name in settings.get("models", "").split(",")]
    number = settings.get("face", "")
    return [
        settings["tag"] if settings.get("tag") in handlers.tags else gr.skip(),
        asked or gr.skip(),
        (int(number) - 1 if number.isdecimal() and int(number) > 0 else 0, settings.get("whole") == "1"),
    ]


def _build_settings(handlers: CompareHandlers, words: Words) -> tuple[gr.Radio, gr.CheckboxGroup]:
    """Which models are compared, and how they were trained."""

    def describe_tags(language: str) -> dict[str, Any]:
        choices = [(translate_tag(tag, language), tag) for tag in handlers.tags]
        return {"label": translate(language, "tag.label"), "choices": choices}

    def describe_names(language: str) -> dict[str, Any]:
        return {"label": translate(language, "choice.label"), "info": _explain_others(handlers, language)}

    first = handlers.names[:SHOWN_AT_FIRST]
    names = words.make(gr.CheckboxGroup, describe_names, choices=handlers.names, value=first, elem_id="compare.models")
    is_choice = len(handlers.tags) > 1
    tag = words.make(gr.Radio, describe_tags, value=handlers.tags[0], visible=is_choice, elem_id="tag")
    return tag, names


def _explain_others(handlers: CompareHandlers, language: str) -> str | None:
    """What the models are that are not ticked at first, and whether one is the best; None if there are none."""
    others = handlers.names[SHOWN_AT_FIRST:]
    if not others:
        return None
    best = handlers.find_best()
    praise = translate(language, "choice.best", name=best.name, accuracy=describe_accuracy(best, language))
    described = [LOCALES[language].get(f"choice.other.{name}", name) for name in others]
    text = translate(language, "choice.others", names="; ".join(described))
    return f"{text} {praise}" if best.name in others else text
