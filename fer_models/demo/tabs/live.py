"""Live: the camera's picture with boxes and winners over it."""

import os
from pathlib import Path
from typing import Any

import gradio as gr

from ..figures.live import STAGE
from ..handlers.live import LiveHandlers
from ..locales import DEFAULT_LANGUAGE
from ..words import Words

SCRIPT_PATH = Path(__file__).parents[1] / "scripts" / "live.js"


def build_live_tab(handlers: LiveHandlers, words: Words) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Not a `gr.Image(streaming=True)`: that one sends pictures on a timer, whether or not they can be followed, and wants
    pictures back. Here the page keeps showing the camera itself, and its script sends one picture at a time.

    Args:
        handlers: What its script asks for.
        words: Takes the component whose words follow the language.
    """

    def look(request: Any, http: gr.Request) -> dict[str, Any]:
        return handlers.look(request if isinstance(request, dict) else {}, _find_address(http))

    stage = gr.HTML(
        html_template=STAGE,
        js_on_load=SCRIPT_PATH.read_text(encoding="utf-8"),
        server_functions=[look],
        apply_default_css=False,
        elem_id="live",
        page=handlers.describe_page(DEFAULT_LANGUAGE),
    )
    words.add(stage, lambda language: gr.update(page=handlers.describe_page(language)))


def _find_address(http: gr.Request) -> str:
    """The visitor's address. A Space's proxy tells it in a header: at the end, behind what visitors may claim.

    Elsewhere the header may be all claims; what a proxy on the same machine tells, the server has taken over already.
    """
    told = http.headers.get("x-forwarded-for", "") if os.environ.get("SPACE_ID") else ""
    return told.rpartition(",")[2].strip() or (http.client.host if http.client else "")
