"""Compare: one photo, every model's answer side by side."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr

from ...configuration_fer import FER_LABELS
from ..components.photo import render_examples
from ..face_choice import FaceChoice
from ..handlers.compare import SHOWN_AT_FIRST, CompareHandlers, Request, Shown, find_examples
from ..handlers.saving import FORMATS, make_link, make_snippets, render_download, save
from ..internals import is_target
from ..limits import ANSWERS
from ..locales import DEFAULT_LANGUAGE, translate, translate_tag
from ..photo_input import PhotoInput
from ..scripts import read_script
from ..words import Words
from .compare_api import build_compare_api

# So long an answer is kept in memory for the next click, in seconds: as long as the photo itself on the disk.
SHOWN_LIFE_S = 300
ADDRESS = "(_, ...rest) => [window.location.origin + window.location.pathname, ...rest]"


def build_compare_tab(demo: gr.Blocks, handlers: CompareHandlers, words: Words, language_switch: gr.Radio) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Args:
        demo: The page, whose address may hold settings.
        handlers: What its events do.
        words: Takes the components whose words follow the language.
        language_switch: Holds the language.
    """
    language = DEFAULT_LANGUAGE
    first_names, first_tag = handlers.names[:SHOWN_AT_FIRST], handlers.tags[0]
    examples = find_examples()
    gr.set_static_paths(examples)

    def describe_photo(language: str) -> dict[str, Any]:
        return {name: translate(language, f"photo.{name}") for name in ("label", "placeholder")} | {
            "alt_text": translate(language, "photo.alt")
        }

    def describe_tags(language: str) -> dict[str, Any]:
        return {
            "label": translate(language, "tag.label"),
            "choices": [(translate_tag(tag, language), tag) for tag in handlers.tags],
        }

    def describe_labels(language: str) -> dict[str, Any]:
        choices = [(translate(language, f"label.{label}"), label) for label in FER_LABELS]
        return {"label": translate(language, "why.label"), "choices": [(translate(language, "why.own"), ""), *choices]}

    def say(key: str) -> Callable[[str], Any]:
        """Gives a component the label of `key`."""
        return lambda language: gr.update(label=translate(language, key))

    def say_on_button(key: str) -> Callable[[str], Any]:
        return lambda language: gr.update(value=translate(language, key))

    # One grid, whose areas `compare.css` places: two columns on a wide screen, one on a phone.
    with gr.Column(elem_id="compare"):
        with gr.Column(elem_id="photo"):
            photo = PhotoInput(
                **describe_photo(language),
                sources=["upload", "webcam", "clipboard"],
                height=340,
                elem_id="photo.input",
                buttons=[],
                webcam_options=gr.WebcamOptions(mirror=False),  # `photo.js` mirrors the preview where that is wanted
            )
            words.add(photo, lambda language: gr.update(**describe_photo(language)))
            photo_view = gr.HTML(elem_id="photo.view", js_on_load=read_script("photo.js"))
            faces = FaceChoice([], label=translate(language, "faces.label"), visible=False, elem_id="photo.faces")
            words.add(faces, say("faces.label"))
        with gr.Column(elem_id="results", elem_classes="fer-problem-slot"):
            results = gr.HTML(
                handlers.answer(Request(None, language, first_tag, first_names)).results, elem_id="results.view"
            )
            whole_image = gr.Button(
                translate(language, "photo.whole"), visible=False, variant="primary", elem_id="photo.whole"
            )
            words.add(whole_image, say_on_button("photo.whole"))
            with gr.Column(visible=False, elem_id="results.more") as more:
                with gr.Row(elem_id="results.actions"):
                    with gr.Row(elem_id="why.ask"):
                        label = gr.Dropdown(
                            **describe_labels(language), value="", elem_id="why.label", filterable=False
                        )
                        words.add(label, lambda language: gr.update(**describe_labels(language)))
                        why = gr.Button(translate(language, "why.button"), variant="primary", elem_id="why.button")
                        words.add(why, say_on_button("why.button"))
                    with gr.Row(elem_id="save"):
                        save_label = gr.HTML(translate(language, "save.label"), elem_id="save.label")
                        words.add(save_label, lambda language: translate(language, "save.label"))
                        save_buttons = {}
                        for format in FORMATS:
                            key = f"save.{format}"
                            save_buttons[format] = gr.Button(translate(language, key), size="sm", elem_id=key)
                            words.add(save_buttons[format], say_on_button(key))
                        with_face = gr.Checkbox(label=translate(language, "save.face"), elem_id="save.face")
                        words.add(with_face, say("save.face"))
                why_view = gr.HTML(elem_id="why.view")
                table = gr.HTML(elem_id="results.table")
                with gr.Accordion(translate(language, "share.label"), open=False, elem_id="share") as share:
                    link = gr.Textbox(label=translate(language, "share.link"), buttons=["copy"], interactive=False)
                    python = gr.Code(label=translate(language, "share.python"), language="python", interactive=False)
                    shell = gr.Code(label=translate(language, "share.shell"), language="shell", interactive=False)
                words.add(share, say("share.label"))
                for part, key in ((link, "share.link"), (python, "share.python"), (shell, "share.shell")):
                    words.add(part, say(key))
            download = gr.HTML(elem_id="save.link", js_on_load=read_script("download.js"))
        with gr.Column(elem_id="details"):
            crop = gr.HTML(elem_id="photo.crop")
            example_view = gr.HTML(
                render_examples(examples, language), elem_id="photo.examples", js_on_load=read_script("examples.js")
            )
            words.add(example_view, lambda language: render_examples(examples, language))
            tag = gr.Radio(**describe_tags(language), value=first_tag, visible=len(handlers.tags) > 1, elem_id="tag")
            words.add(tag, lambda language: gr.update(**describe_tags(language)))
            names = gr.CheckboxGroup(
                handlers.names, value=first_names, label=translate(language, "choice.label"), elem_id="compare.models"
            )
            words.add(names, say("choice.label"))

    shown = gr.State(None, time_to_live=SHOWN_LIFE_S)
    linked = gr.State((0, False))  # the face that a link names, and whether it takes pictures without one whole
    whole_of = gr.State(None, time_to_live=SHOWN_LIFE_S)  # the photo that is taken whole
    answer_id, explanation = gr.Textbox(visible=False), gr.JSON(visible=False)
    base_url = gr.Textbox(visible=False)  # filled by `ADDRESS`

    def show(
        photo: str | None,
        shown: Shown | None,
        face: int | None,
        linked: tuple[int, bool],
        whole_of: str | None,
        language: str,
        tag: str,
        names: list[str],
        event: gr.EventData,
    ) -> Any:
        is_new = shown is None or shown.photo_path != photo
        # Of a photo whose answer is forgotten already.
        is_choice = shown is None and is_target(event, faces)
        if is_new and photo and not Path(photo).exists():
            return say_gone(language)
        linked_face, linked_whole = linked
        face = linked_face if is_new and not is_choice else face
        request = Request(photo, language, tag, names, face or 0, whole_of == photo)
        answer = handlers.answer(request, shown)
        if answer.offer_whole_image and linked_whole:
            answer = handlers.answer(replace(request, whole_image=True))
        count = len(answer.shown.faces) if answer.shown else 0
        index = answer.shown.comparison.face_index if answer.shown else None
        choices = [(str(number + 1), number) for number in range(count)]
        return [
            answer.shown,
            answer.results,
            answer.photo,
            answer.crop,
            answer.table,
            "",
            uuid4().hex,
            # Of the same photo another face may have been chosen in the meantime.
            gr.skip() if answer.shown and not is_new else gr.update(choices=choices, value=index, visible=count > 1),
            gr.update(visible=answer.offer_whole_image),
            gr.update(visible=answer.shown is not None),
        ]

    def open_example(event: gr.EventData) -> Any:
        with suppress(AttributeError, IndexError, TypeError):  # not every request is this page's
            return examples[event.example]
        return gr.skip()

    def show_explanations(shown: Shown | None, answer_id: str, label: str, language: str) -> Any:
        return [answer_id, handlers.explain(shown, label or None, language)] if shown else say_gone(language)

    def offer(format: str, shown: Shown | None, language: str, with_face: bool) -> Any:
        return render_download(save(shown, format, language, with_face), format) if shown else say_gone(language)

    def say_gone(language: str) -> Any:
        """What is forgotten on the server stays on the page, with a sentence that `page.js` puts above it."""
        gr.Warning(translate(language, "error.missing"))
        return gr.skip()

    def describe_request(base_url: str, shown: Shown | None, language: str, tag: str, names: list[str]) -> Any:
        if shown is None:
            return gr.skip()
        request = Request(None, language, tag, names, shown.face_index, not shown.faces)
        snippets = make_snippets(base_url, request)
        return [make_link(base_url, request), snippets["python"], snippets["shell"]]

    def read_address(request: gr.Request) -> list[Any]:
        settings = request.query_params
        asked = [name for name in handlers.names if name in settings.get("models", "").split(",")]
        number = settings.get("face", "")
        return [
            settings["tag"] if settings.get("tag") in handlers.tags else first_tag,
            asked or first_names,
            (int(number) - 1 if number.isdecimal() and int(number) > 0 else 0, settings.get("whole") == "1"),
        ]

    private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    latest = private | {"trigger_mode": "always_last"}
    waits: dict[str, Any] = {"show_progress": "full", "show_progress_on": results}
    settings = [language_switch, tag, names]
    outputs = [shown, results, photo_view, crop, table, why_view, answer_id, faces, whole_image, more]
    example_view.click(open_example, None, photo, **private)
    whole_image.click(lambda photo: photo, photo, whole_of, **private)
    # One event, which waits for the one before: with two, the answer to the older one may be the last to come.
    gr.on(
        [photo.change, faces.input, whole_of.change, language_switch.change, tag.change, names.change],
        show,
        [photo, shown, faces, linked, whole_of, *settings],
        outputs,
        **latest | waits | ANSWERS,
    ).then(
        describe_request,
        [base_url, shown, *settings],
        [link, python, shell],
        js=ADDRESS,
        **latest,
    )
    # An explanation is dropped if there is another answer by the time that it comes.
    gr.on(
        [why.click, label.input],
        show_explanations,
        [shown, answer_id, label, language_switch],
        explanation,
        **latest | ANSWERS | {"show_progress": "full", "show_progress_on": why_view},
    ).then(None, [explanation, answer_id], why_view, js="([about, html], now) => (about === now ? html : '')")
    for format, button in save_buttons.items():
        button.click(partial(offer, format), [shown, language_switch, with_face], download, **private)
    demo.load(read_address, None, [tag, names, linked], **private)
    build_compare_api(handlers, photo)
