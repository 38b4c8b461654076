"""The frame of the page: title, language, tabs and notice."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from ..faces import FaceDetector
from ..inference import LoadedModel
from .handlers.compare import CompareHandlers
from .locales import DEFAULT_LANGUAGE, LOCALES, choose_language, translate
from .tabs.compare import build_compare_tab
from .words import Words

CSS_PATHS = sorted((Path(__file__).parent / "styles").glob("*.css"))  # `base` comes first

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
    language = DEFAULT_LANGUAGE
    words = Words()

    def open_tab(name: str) -> gr.Tab:
        tab = gr.Tab(translate(language, f"tab.{name}"), id=name, elem_id=f"tab.{name}")
        return words.add(tab, lambda language: gr.update(label=translate(language, f"tab.{name}")))

    with gr.Blocks(title=translate(language, "app.title"), delete_cache=DELETE_CACHE_S) as demo:
        with gr.Row(elem_id="header"):
            words.add(gr.HTML(render_header(language), elem_id="header.title"), render_header)
            language_switch = gr.Radio(
                [(entry["language.name"], code) for code, entry in LOCALES.items()],
                value=language,
                label=translate(language, "app.language"),
                show_label=False,
                container=False,
                elem_id="header.language",
            )
            words.add(language_switch, lambda language: gr.update(label=translate(language, "app.language")))
        with gr.Tabs(elem_id="tabs"), open_tab("compare"):
            build_compare_tab(CompareHandlers(models, detector), words, language_switch)
        words.add(gr.HTML(render_notice(language), elem_id="notice.view"), render_notice)

        language_switch.change(
            words.say, language_switch, words.components, show_progress="hidden", api_visibility="private"
        )
        # Sets the switch, whose change then sets the words; nothing happens in the default language.
        demo.load(_language_of, None, language_switch, show_progress="hidden", api_visibility="private")
    return demo


def _language_of(request: gr.Request) -> str:
    return choose_language(request.headers.get("accept-language"))
