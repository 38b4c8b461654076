"""The place for many files. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from pathlib import Path
from typing import Any

import gradio as gr


class FilesInput(gr.File):
    """A component for several files that hands on the name and the path of each.

    `gr.File` leaves an empty file behind for each upload that it hands on, which nothing ever deletes.
    """

    is_template = True

    def preprocess(self, payload: Any) -> list[tuple[str, Path]]:  # type: ignore[override]
        files = [] if payload is None else payload
        return [(file.orig_name or Path(file.path).name, Path(file.path)) for file in files]
