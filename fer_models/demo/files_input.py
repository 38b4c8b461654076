"""The place for many files. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import model_validator

from .fetching import SENT_AS, find_upload, is_inline
from .internals import ImageData, ListFiles, get_upload_folder, is_http_url_like, save_base64_to_cache


class _Files(ListFiles):
    """Files, or what an agent sends in their place: gradio's MCP server saves a single file, but none of a list."""

    @model_validator(mode="before")
    @classmethod
    def _take_addresses(cls, files: Any) -> Any:
        return [_to_file(file) if isinstance(file, str) else file for file in files]


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
        files = [] if payload is None else payload
        paths = [Path(self.move_resource_to_block_cache(file.path) or "") for file in files]
        return [(file.orig_name or path.name, path) for file, path in zip(files, paths, strict=True)]


def _to_file(address: str) -> dict[str, Any]:
    """A file as gradio describes one.

    Args:
        address: A data URI, the path or the address of an upload, or another address, which is refused later with a
            reason.

    Raises:
        ValueError: It is none of these.
    """
    if is_inline(address):
        address = save_base64_to_cache(address, get_upload_folder())
    elif path := find_upload(address):
        address = path
    elif not is_http_url_like(address):
        raise ValueError(f"A file is not sent as {address[:100]!r}. {SENT_AS}")
    return {"path": address, "meta": {"_type": "gradio.FileData"}}
