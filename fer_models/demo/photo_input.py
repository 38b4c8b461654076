"""The place for the photo. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from pathlib import Path
from typing import Any

import gradio as gr

from .fetching import tell_failure


class PhotoInput(gr.Image):
    """An image component that hands on the path of the uploaded file as it is.

    `gr.Image` opens the file itself, and answers a bad one with an error of its own; we want our own sentences.
    """

    is_template = True

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        with tell_failure(url_or_file_path):
            return await super().async_move_resource_to_block_cache(url_or_file_path)

    def preprocess(self, payload: Any) -> str | None:
        return payload and payload.path
