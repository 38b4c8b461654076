"""The places for files. In a file of their own, since gradio writes a stub (`.pyi`) beside each component class."""

from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import model_validator

from .fetching import to_file
from .internals import ImageData, ListFiles

# How programs and agents hand a file over.
SENT_AS = "A data URI, or the path of an upload."


class Refusal(ImageData):
    """Stands for what was sent wrongly, until a component can say so: gradio shows a program no earlier error."""

    reason: str


def _convert(sent: Any) -> Any:
    """A file, or each of a list, that was sent by its address, as gradio describes one."""
    if isinstance(sent, list):
        return [_convert(one) for one in sent]
    return to_file(sent) if isinstance(sent, str) else sent


@model_validator(mode="wrap")
def _take_addresses(cls: Any, sent: Any, make: Any) -> Any:
    """Take what programs and agents send in the place of files; one alone is a list of one where there may be many."""
    if issubclass(cls, ListFiles) and not isinstance(sent, list):
        sent = [sent]
    try:
        sent = _convert(sent)
    except ValueError as error:
        return Refusal(reason=str(error))
    return make(sent)


class _Photo(ImageData):
    take_addresses = _take_addresses


class _Files(ListFiles):
    take_addresses = _take_addresses


class PhotoInput(gr.Image):
    """An image component that hands on the path of the uploaded file as it is.

    `gr.Image` opens the file itself, and answers a bad one with an error of its own; we want our own sentences.
    """

    is_template = True
    data_model = _Photo

    def preprocess(self, payload: Any) -> str | None:
        if isinstance(payload, Refusal):
            raise gr.Error(payload.reason, print_exception=False)
        return payload and payload.path


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
