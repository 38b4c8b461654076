"""The place for the photo. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from typing import Any

import gradio as gr
from pydantic import model_validator

from .fetching import Refusal, to_file
from .internals import ImageData


class _Photo(ImageData):
    """A photo, or what a program sends in its place."""

    @model_validator(mode="wrap")
    @classmethod
    def _take_address(cls, photo: Any, make: Any) -> Any:
        try:
            photo = to_file(photo) if isinstance(photo, str) else photo
        except ValueError as error:
            return Refusal(reason=str(error))
        return make(photo)


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
