"""Compare for programs: the API of the page, and the tools that its MCP server offers to agents."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from ...configuration_fer import FER_LABELS
from ..handlers.compare import CompareHandlers, Request
from ..inputs import PhotoInput
from ..limits import ANSWERS
from ..locales import DEFAULT_LANGUAGE


def build_compare_api(handlers: CompareHandlers) -> None:
    """Offer `/compare` and `/explain`. Their components are never shown.

    Args:
        handlers: What they do.
    """
    photo = PhotoInput(label="photo", visible=False)
    label = gr.Dropdown(["", *FER_LABELS], value="", label="label", visible=False)
    face_index = gr.Number(0, label="face_index", visible=False)  # a minimum of gradio's fails at what is no number
    whole_image = gr.Checkbox(label="whole_image", visible=False)
    models = gr.Dropdown(handlers.names, value=[], multiselect=True, label="models", visible=False)
    tag = gr.Dropdown(["", *handlers.tags], value="", label="tag", visible=False)
    result = gr.JSON(visible=False)
    choices = [face_index, whole_image, models, tag]
    functions = _Functions(handlers)
    for function, inputs in (
        (functions.compare, [photo, *choices]),
        (functions.explain, [photo, label, *choices]),
    ):
        gr.Button(visible=False).click(
            function, inputs, result, api_name=function.__name__, show_progress="hidden", **ANSWERS
        )


class _Functions:
    """What programs call. Agents read the texts."""

    def __init__(self, handlers: CompareHandlers) -> None:
        self.handlers = handlers

    def compare(
        self,
        photo: str,
        face_index: int = 0,
        whole_image: bool = False,
        models: list[str] | None = None,
        tag: str | None = None,
    ) -> dict[str, Any]:
        """Guess the facial expression in a photo with several small models, and say where they agree.

        The models were trained on FER2013 and guess which of seven labels people would give to the face: angry,
        disgust, fear, happy, neutral, sad or surprise. They are often wrong (`test_accuracy` says how often each one is
        right) and know nothing of what a person feels. Do not use the answer to decide anything about a person, and not
        at work, at school or on people who did not agree. The photo is deleted after some minutes and sent nowhere.

        Args:
            photo: A photo with at least one face, such as JPEG or PNG; a data URI, or the path of an upload.
            face_index: Which face, counted from 0, the largest first.
            whole_image: True takes the whole picture for the face, as for one that is cropped closely already.
            models: Names of the models to ask; none for the first four.
            tag: The way in which they were trained, such as ferplus, tuned or report; empty for each model's default.

        Returns:
            `faces`, those found, the largest first, with `box_xyxy` in pixels and `score` in [0, 1]; none, no answer
            `face_index` and `face`, the one that was looked at, or null
            `models`, a row for each model, with its name `model`, the `tag` of its training, and the `winner`
            each row's `probabilities`, calibrated, label to [0, 1], with `latency_ms` and `size_mb`
            each row's `test_accuracy`, how often the model is right, in [0, 1], on so many `test_images`
            each row's `test_labels`: people (right is what most of ten people saw) or fer2013 (the data set's labels)
            `votes`, each `label` that won with the `models` that chose it
            `average`, label to [0, 1], the mean of the models
            `favourite`, the label most probable on average
            `agreement`, how many models chose the favourite
            `sure`, false if the answer should not be believed
            `hints`, what may explain a bad answer, each with `id`, such as small or dark, `value` and `limit`
        """
        return _answer(self.handlers.compare_json, photo, face_index, whole_image, models, tag)

    def explain(
        self,
        photo: str,
        label: str | None = None,
        face_index: int = 0,
        whole_image: bool = False,
        models: list[str] | None = None,
        tag: str | None = None,
    ) -> dict[str, Any]:
        """Say which parts of the face speak for a label to each model, by Grad-CAM, besides all that compare says.

        It says where a model looks, not that it looks well. What compare must not be used for holds here too.

        Args:
            photo: A photo with at least one face, such as JPEG or PNG; a data URI, or the path of an upload.
            label: One of angry, disgust, fear, happy, neutral, sad, surprise; empty for each model's own answer.
            face_index: Which face, counted from 0, the largest first.
            whole_image: True takes the whole picture for the face, as for one that is cropped closely already.
            models: Names of the models to ask; none for the first four.
            tag: The way in which they were trained, such as ferplus, tuned or report; empty for each model's default.

        Returns:
            what compare returns
            `explanations`, a row for each model, with its name `model`, the `label`, and `heat`
            each row's `heat`, 8 rows of 8 numbers from the face's upper left, 0 is nothing, 1 the most of all models
        """
        explain = partial(self.handlers.explain_json, label=label)
        return _answer(explain, photo, face_index, whole_image, models, tag)


def _answer(
    function: Callable[[Request], dict[str, Any]],
    photo: str,
    face_index: int | None,
    whole_image: bool | None,
    models: list[str] | None,
    tag: str | None,
) -> dict[str, Any]:
    """Errors that the caller can mend go to the caller, as sentences. A choice that is null is the default."""
    try:
        return function(Request(photo, DEFAULT_LANGUAGE, tag or "", models or [], face_index, whole_image or False))
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
