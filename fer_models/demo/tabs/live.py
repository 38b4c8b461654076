"""Live: the camera's picture with boxes and winners over it."""

from typing import Any

import gradio as gr

from ..components.live import STAGE
from ..handlers.live import LiveHandlers
from ..limits import find_address
from ..scripts import read_script
from ..words import Words


def build_live_tab(handlers: LiveHandlers, words: Words) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Not a `gr.Image(streaming=True)`: that one sends pictures on a timer, whether or not they can be followed, and wants
    pictures back. Here the page keeps showing the camera itself, and its script sends one picture at a time.

    Args:
        handlers: What its script asks for.
        words: Takes the component whose words follow the language.
    """

    def look(request: Any, http: gr.Request) -> dict[str, Any]:
        return handlers.look(request if isinstance(request, dict) else {}, find_address(http))

    words.make(
        gr.HTML,
        lambda language: {"page": handlers.describe_page(language)},
        html_template=STAGE,
        js_on_load=read_script("live.js"),
        server_functions=[look],
        apply_default_css=False,
        elem_id="live",
    )
