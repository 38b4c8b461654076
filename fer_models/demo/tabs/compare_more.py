"""Below an answer, one tap away: save it, share it, where the models looked, break it, all the numbers, code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from ...configuration_fer import FER_LABELS
from ..components.breaking import render_steps
from ..handlers.breaking import WAYS, break_face
from ..handlers.compare import CompareHandlers, Request, Shown
from ..handlers.saving import FORMATS, make_link, make_snippets
from ..limits import ANSWERS
from ..locales import translate
from ..scripts import read_script
from ..words import PRIVATE, Words, labelled, saying

ADDRESS = "(_, ...rest) => [window.location.origin + window.location.pathname, ...rest]"
# An explanation is dropped if there is another answer by the time that it comes.
IF_STILL = "(fresh, now, there) => (fresh?.[0] === now ? fresh[1] : there)"
LATER = "async (words) => { await new Promise((go) => setTimeout(go, 2000)); return words; }"
COPY = "async (link, done) => { await navigator.clipboard.writeText(link); return done; }"


def say_gone(language: str) -> Any:
    """What is forgotten on the server stays on the page, with a sentence that `page.js` puts above it."""
    gr.Warning(translate(language, "error.missing"))
    return gr.skip()


def build_more(handlers: CompareHandlers, words: Words) -> "More":
    """Lay it out, inside an open column; hidden until there is an answer."""

    def fold(key: str, id: str) -> gr.Accordion:
        return words.make(gr.Accordion, labelled(key), open=False, elem_id=id)

    def button(key: str) -> gr.Button:
        return words.make(gr.Button, saying(key), size="sm", elem_id=key)

    def code(part: str) -> gr.Code:
        return words.make(
            gr.Code,
            labelled(f"share.{part}"),
            language=part,
            interactive=False,
            buttons=["copy"],
            show_line_numbers=False,
            wrap_lines=True,
        )

    with gr.Column(visible=False, elem_id="results.more") as column:
        with gr.Row(elem_id="save"):
            copy = button("share.copy")
            save_buttons = {format: button(f"save.{format}") for format in FORMATS}
            with_face = words.make(gr.Checkbox, labelled("save.face"), elem_id="save.face")
        with fold("why.title", "why") as why:
            label = words.make(gr.Dropdown, _describe_labels, value="", elem_id="why.label", filterable=False)
            why_view = gr.HTML(elem_id="why.view")
        with fold("break.title", "break") as breaking:
            crop = gr.HTML(elem_id="photo.crop")
            way = words.make(gr.Radio, _describe_ways, value=next(iter(WAYS)), elem_id="break.way")
            break_view = gr.HTML(elem_id="break.view", js_on_load=read_script("breaking.js"))
        with fold("table.caption", "numbers"):
            table = gr.HTML(elem_id="results.table")
        with fold("share.label", "share"):
            link = words.make(gr.Textbox, labelled("share.link"), buttons=["copy"], interactive=False)
            snippets = [code("python"), code("shell")]
            words.make(gr.HTML, saying(_describe_ids), elem_classes="fer-small")
    download = gr.HTML(elem_id="save.link", js_on_load=read_script("download.js"))
    done, again = (words.make(gr.Textbox, saying(key), visible=False) for key in ("share.copied", "share.copy"))
    copy.click(None, [link, done], copy, js=COPY, **PRIVATE).then(None, again, copy, js=LATER, **PRIVATE)
    return More(
        handlers, column, save_buttons, with_face, download, crop, table, (why, label, why_view),
        (breaking, way, break_view), [link, *snippets], gr.Textbox(visible=False),
    )  # fmt: skip


def _describe_labels(language: str) -> dict[str, Any]:
    choices = [(translate(language, f"label.{label}"), label) for label in FER_LABELS]
    return {"label": translate(language, "why.label"), "choices": [(translate(language, "why.own"), ""), *choices]}


def _describe_ways(language: str) -> dict[str, Any]:
    choices = [(translate(language, f"break.{way}"), way) for way in WAYS]
    return {"label": translate(language, "break.label"), "choices": choices}


def _describe_ids(language: str) -> str:
    return translate(language, "save.ids", ids=", ".join(FER_LABELS))


@dataclass(frozen=True)
class More:
    """The components, and what they do once there is an answer."""

    handlers: CompareHandlers
    column: gr.Column
    save_buttons: dict[str, gr.Button]
    with_face: gr.Checkbox
    download: gr.HTML
    crop: gr.HTML
    table: gr.HTML
    why: tuple[gr.Accordion, gr.Dropdown, gr.HTML]
    breaking: tuple[gr.Accordion, gr.Radio, gr.HTML]
    code: Sequence[gr.Textbox | gr.Code]
    address: gr.Textbox

    def wire(self, answered: Any, shown: gr.State, answer_id: gr.Textbox, settings: Sequence[Any]) -> None:
        """Have each open fold follow the answer.

        Args:
            answered: The event that brings an answer.
            shown: Holds it.
            answer_id: Another one for each answer.
            settings: Language, tag and names.
        """
        language = settings[0]

        def describe_request(base_url: str, shown: Shown | None, language: str, tag: str, names: list[str]) -> Any:
            if shown is None:
                return gr.skip()
            request = Request(None, language, tag, names, shown.face_index, not shown.faces)
            snippets = make_snippets(base_url, request)
            return [make_link(base_url, request), snippets["python"], snippets["shell"]]

        def explain(is_open: bool, shown: Shown | None, answer_id: str, label: str, language: str) -> Any:
            return [answer_id, self.handlers.explain(shown, label or None, language)] if shown and is_open else None

        def break_it(is_open: bool, shown: Shown | None, answer_id: str, way: str, language: str) -> Any:
            if not shown or not is_open or way not in WAYS:
                return None
            return [answer_id, render_steps(break_face(shown, way), way, language)]

        def ask(function: Callable[..., Any], *inputs: Any) -> Any:
            """What is asked for by a click says so if the answer is forgotten."""
            return function(*inputs) or (gr.skip() if inputs[1] else say_gone(inputs[-1]))

        def follow(function: Callable[..., Any], *inputs: Any) -> Any:
            """An open fold follows the answer; what is forgotten on the server stays on the page."""
            return function(*inputs) or gr.skip()

        latest = PRIVATE | {"trigger_mode": "always_last"}
        answered.then(describe_request, [self.address, shown, *settings], list(self.code), js=ADDRESS, **latest)
        for (fold, asked, view), function in ((self.why, explain), (self.breaking, break_it)):
            is_open = gr.State(False)
            opened = fold.expand(lambda: True, None, is_open, queue=False, **PRIVATE)
            fold.collapse(lambda: False, None, is_open, queue=False, **PRIVATE)
            fresh = gr.JSON(visible=False)
            shows = latest | ANSWERS | {"show_progress": "full", "show_progress_on": view}
            inputs = [is_open, shown, answer_id, asked, language]
            for event, way in ((opened.then, ask), (asked.input, ask), (answered.then, follow)):
                event(partial(way, function), inputs, fresh, **shows).then(
                    None, [fresh, answer_id, view], view, js=IF_STILL
                )
