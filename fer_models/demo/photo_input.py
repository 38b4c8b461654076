"""The place for the photo. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from typing import Any

import gradio as gr


class PhotoInput(gr.Image):
    """An image component that hands on the path of the uploaded file as it is.

    `gr.Image` opens the file itself, and answers a bad one with an error of its own; we want our own sentences.
    """

    is_template = True

    def preprocess(self, payload: Any) -> str | None:
        return payload and payload.path
