"""Code: snippets to copy, which name the page's own address."""

import os
from typing import Literal

import gradio as gr

from ..components.html import say
from ..handlers.code import SNIPPETS, read_snippet, read_snippets
from ..words import PRIVATE, Words, saying

LANGUAGES: dict[str, Literal["python", "shell", "json"]] = {"py": "python", "sh": "shell", "json": "json"}


def build_code_tab(demo: gr.Blocks, words: Words, best: str) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab` of `demo`.

    Args:
        demo: The page; its address is known when it is loaded.
        best: The model that is right most often.
        words: Takes the components whose words follow the language.
    """

    def render_intro(language: str) -> str:
        title, text = (say(language, f"code.{part}", best=best) for part in ("title", "text"))
        return f"<h2>{title}</h2><p>{text}</p>"

    def add_snippet(name: str) -> gr.Code:
        stem, _, suffix = name.partition(".")

        def render_heading(language: str) -> str:
            is_space = stem == "install" and os.environ.get("SPACE_ID")
            parts = ("title", "space" if is_space else "text")
            title, text = (say(language, f"code.{stem}.{part}") for part in parts)
            return f"<h3>{title}</h3><p>{text}</p>"

        with gr.Column(elem_classes="fer-snippet"):
            words.make(gr.HTML, saying(render_heading))
            return gr.Code(
                read_snippet(name),
                language=LANGUAGES[suffix],
                interactive=False,
                show_label=False,
                show_line_numbers=False,
                wrap_lines=True,
                lines=1,
                buttons=["copy"],
                elem_id=f"code.{stem}",
            )

    with gr.Column(elem_id="code"):
        words.make(gr.HTML, saying(render_intro))
        snippets = [add_snippet(name) for name in SNIPPETS]
        address = gr.Textbox(visible=False)
    demo.load(read_snippets, address, snippets, js="() => [location.origin + location.pathname]", **PRIVATE)
