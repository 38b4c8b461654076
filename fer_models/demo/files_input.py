"""The place for many files. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import model_validator

from .fetching import SENT_AS, Refusal, to_file
from .internals import ImageData, ListFiles


class _Files(ListFiles):
    """Files, or what an agent sends in their place: gradio's MCP server saves a single file, but none of a list."""

    @model_validator(mode="wrap")
    @classmethod
    def _take_addresses(cls, files: Any, make: Any) -> Any:
        try:
            files = [to_file(file) if isinstance(file, str) else file for file in files]
        except ValueError as error:
            return Refusal(reason=str(error))
        return make(files)


class FilesInput(gr.File):
    """A component for several files that hands on the name and the path of each.

    `gr.File` leaves an empty file behind for each upload that it hands on, which nothing ever deletes.
    """

    is_template = True

    @property
    def data_model(self) -> type[ListFiles]:  # type: ignore[override]
        return _Files

    @data_model.setter
    def data_model(self, _: Any) -> None:
        """`gr.File` sets its own."""

    def api_info(self) -> dict[str, Any]:
        # That of `gr.File` refers to a definition that gradio's MCP server leaves out; an image's does not.
        return {"type": "array", "items": ImageData.model_json_schema() | {"description": SENT_AS}}

    def preprocess(self, payload: Any) -> list[tuple[str, Path]]:  # type: ignore[override]
        if isinstance(payload, Refusal):
            raise gr.Error(payload.reason, print_exception=False)
        files = [] if payload is None else payload
        paths = [Path(self.move_resource_to_block_cache(file.path) or "") for file in files]
        return [(file.orig_name or path.name, path) for file, path in zip(files, paths, strict=True)]
