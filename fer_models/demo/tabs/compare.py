"""Compare: one photo, every network's answer side by side."""

from typing import Any

import gradio as gr

from ...images import ImageError
from ..handlers.compare import CompareHandlers, find_examples
from ..locales import DEFAULT_LANGUAGE, translate
from ..photo_input import PhotoInput
from ..words import Words


def build_compare_tab(handlers: CompareHandlers, words: Words, language_switch: gr.Radio) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Args:
        handlers: What its events do.
        words: Takes the components whose words follow the language.
        language_switch: Holds the language.
    """

    def show(photo: str | None, whole_image: bool, language: str) -> tuple[str, str, Any]:
        answer = handlers.answer(photo, whole_image, language)
        return answer.photo, answer.results, gr.update(visible=answer.offer_whole_image)

    def compare_json(photo: str | None, whole_image: bool = False) -> dict[str, Any]:
        """Compare the four networks on a photo; `whole_image` skips the search for a face."""
        try:
            return handlers.compare_json(photo, whole_image)
        except ImageError as error:
            raise gr.Error(str(error)) from error

    def describe_photo(language: str) -> dict[str, Any]:
        return {name: translate(language, f"photo.{name}") for name in ("label", "placeholder")} | {
            "alt_text": translate(language, "photo.alt")
        }

    language = DEFAULT_LANGUAGE
    example_paths = find_examples()
    gr.set_static_paths(example_paths)
    # One grid, whose areas `style.css` places: two columns on a wide screen, one on a phone.
    with gr.Column(elem_id="compare"):
        photo = PhotoInput(
            **describe_photo(language),
            sources=["upload", "webcam", "clipboard"],
            height=300,
            elem_id="photo.input",
            buttons=["fullscreen"],
            webcam_options=gr.WebcamOptions(mirror=True),
        )
        words.add(photo, lambda language: gr.update(**describe_photo(language)))
        with gr.Column(elem_id="results"):
            results = gr.HTML(handlers.answer(None, False, language).results, elem_id="results.view")
            whole_image_button = gr.Button(
                translate(language, "photo.whole"), visible=False, variant="primary", elem_id="photo.whole"
            )
            words.add(whole_image_button, lambda language: gr.update(value=translate(language, "photo.whole")))
        with gr.Column(elem_id="details"):
            photo_view = gr.HTML(elem_id="photo.view")
            examples = gr.Examples(
                example_paths,
                photo,
                label=translate(language, "photo.examples"),
                elem_id="photo.examples",
                api_visibility="private",
            )
            words.add(examples.dataset, lambda language: gr.update(label=translate(language, "photo.examples")))

    no, yes = gr.State(False), gr.State(True)
    shown = [photo_view, results, whole_image_button]
    gr.on(
        [photo.change, language_switch.change],
        show,
        [photo, no, language_switch],
        shown,
        show_progress="hidden",
        api_visibility="private",
    )
    whole_image_button.click(
        show, [photo, yes, language_switch], shown, show_progress="hidden", api_visibility="private"
    )

    # The same comparison for programs; these components are never shown.
    api_whole_image = gr.Checkbox(visible=False, label="whole_image")
    api_result = gr.JSON(visible=False)
    gr.Button(visible=False).click(
        compare_json, [photo, api_whole_image], api_result, api_name="compare", show_progress="hidden"
    )
