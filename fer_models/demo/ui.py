"""Layout and wiring of the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ..faces import FaceDetector
from ..images import ImageError
from ..inference import LoadedModel
from .handlers import Handlers, find_examples
from .locales import DEFAULT_LANGUAGE, LOCALES, choose_language, translate
from .photo_input import PhotoInput

CSS_PATH = Path(__file__).parent / "style.css"

# Uploads are looked at every minute and deleted when they are five minutes old.
DELETE_CACHE_S = (60, 300)

# System fonts: the themes' own ones would be fetched from another server, which then knows of the visit.
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.teal,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_md,
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    # The theme's own grey for small print falls short of the contrast that WCAG AA asks for.
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
)


def render_header(language: str) -> str:
    return f"<h1>{translate(language, 'app.title')}</h1><p>{translate(language, 'app.subtitle')}</p>"


def render_notice(language: str) -> str:
    title, text = translate(language, "notice.title"), translate(language, "notice.text")
    return f"<details open><summary>{title}</summary><p>{text}</p></details>"


def build_demo(models: Sequence[LoadedModel], detector: FaceDetector) -> gr.Blocks:
    """The page, ready to launch.

    Args:
        models: The networks that are compared, one column each.
        detector: Finds the faces.
    """
    handlers = Handlers(models, detector)
    language = DEFAULT_LANGUAGE

    def show(photo: str | None, whole_image: bool, language: str) -> tuple[str, str, Any]:
        answer = handlers.answer(photo, whole_image, language)
        return answer.photo, answer.results, gr.update(visible=answer.offer_whole_image)

    def compare_json(photo: str | None, whole_image: bool = False) -> dict[str, Any]:
        """Compare the four networks on a photo; `whole_image` skips the search for a face."""
        try:
            return handlers.compare_json(photo, whole_image)
        except ImageError as error:
            raise gr.Error(str(error)) from error

    def speak(language: str) -> tuple[Any, ...]:
        return (
            render_header(language),
            gr.update(label=translate(language, "app.language")),
            gr.update(
                label=translate(language, "photo.label"),
                placeholder=translate(language, "photo.placeholder"),
                alt_text=translate(language, "photo.alt"),
            ),
            gr.update(value=translate(language, "photo.whole")),
            gr.update(label=translate(language, "photo.examples")),
            render_notice(language),
        )

    example_paths = find_examples()
    gr.set_static_paths(example_paths)
    with gr.Blocks(title=translate(language, "app.title"), delete_cache=DELETE_CACHE_S) as demo:
        with gr.Row(elem_id="header"):
            header = gr.HTML(render_header(language), elem_id="header.title")
            language_switch = gr.Radio(
                [(words["language.name"], code) for code, words in LOCALES.items()],
                value=language,
                label=translate(language, "app.language"),
                show_label=False,
                container=False,
                elem_id="header.language",
            )
        # One grid, whose areas `style.css` places: two columns on a wide screen, one on a phone.
        with gr.Column(elem_id="compare"):
            photo = PhotoInput(
                label=translate(language, "photo.label"),
                placeholder=translate(language, "photo.placeholder"),
                alt_text=translate(language, "photo.alt"),
                sources=["upload", "webcam", "clipboard"],
                height=300,
                elem_id="photo.input",
                buttons=["fullscreen"],
                webcam_options=gr.WebcamOptions(mirror=True),
            )
            with gr.Column(elem_id="results"):
                results = gr.HTML(handlers.answer(None, False, language).results, elem_id="results.view")
                whole_image_button = gr.Button(
                    translate(language, "photo.whole"), visible=False, variant="primary", elem_id="photo.whole"
                )
            with gr.Column(elem_id="details"):
                photo_view = gr.HTML(elem_id="photo.view")
                examples = gr.Examples(
                    example_paths,
                    photo,
                    label=translate(language, "photo.examples"),
                    elem_id="photo.examples",
                    api_visibility="private",
                )
        notice = gr.HTML(render_notice(language), elem_id="notice.view")

        no, yes = gr.State(False), gr.State(True)
        shown = [photo_view, results, whole_image_button]
        photo.change(show, [photo, no, language_switch], shown, show_progress="hidden", api_visibility="private")
        whole_image_button.click(
            show, [photo, yes, language_switch], shown, show_progress="hidden", api_visibility="private"
        )
        spoken = [header, language_switch, photo, whole_image_button, examples.dataset, notice]
        language_switch.change(speak, language_switch, spoken, show_progress="hidden", api_visibility="private").then(
            show, [photo, no, language_switch], shown, show_progress="hidden", api_visibility="private"
        )
        # Sets the switch, whose change then sets the words; nothing happens in the default language.
        demo.load(_language_of, None, language_switch, show_progress="hidden", api_visibility="private")

        # The same comparison for programs; these components are never shown.
        api_whole_image = gr.Checkbox(visible=False, label="whole_image")
        api_result = gr.JSON(visible=False)
        gr.Button(visible=False).click(
            compare_json, [photo, api_whole_image], api_result, api_name="compare", show_progress="hidden"
        )
    return demo


def _language_of(request: gr.Request) -> str:
    return choose_language(request.headers.get("accept-language"))
