"""Models: how often the networks are right, and what that means."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ..figures.models import (
    TEST_SPLIT,
    TEST_SPLITS,
    render_cost,
    render_heading,
    render_lead,
    render_links,
    render_meaning,
    render_report_comparison,
    render_test_sets,
)
from ..figures.peers import render_peers
from ..figures.votes import render_votes
from ..handlers.models import choose_first, show_network
from ..locales import DEFAULT_LANGUAGE, translate
from ..measurements import Checkpoint
from ..words import Words


def build_models_tab(
    checkpoints: Sequence[Checkpoint], summary: dict[str, Any], words: Words, language_switch: gr.Radio
) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Args:
        checkpoints: What `measurements.read_checkpoints` gives.
        summary: What `measurements.read_summary` gives.
        words: Takes the components whose words follow the language.
        language_switch: Holds the language.
    """

    def render_overview(language: str) -> str:
        return (
            f"{render_lead(checkpoints, language)}{render_links(summary, language)}"
            f"{render_report_comparison(summary, language)}{render_test_sets(checkpoints, language)}"
            f"{render_peers(summary, checkpoints, language)}{render_votes(summary, checkpoints, language)}"
        )

    def render_rest(language: str) -> str:
        return f"{render_cost(summary, checkpoints, language)}{render_meaning(summary, language)}"

    def render_choice(language: str) -> str:
        return render_heading("choose", language)

    def show(key: str | None, split: str | None, language: str) -> str:
        return show_network(checkpoints, key, language, split)

    def describe_split(language: str) -> dict[str, Any]:
        return {
            "label": translate(language, "models.choose.set"),
            "choices": [(translate(language, f"models.sets.{split}"), split) for split in TEST_SPLITS],
        }

    language, first = DEFAULT_LANGUAGE, choose_first(checkpoints)
    with gr.Column(elem_id="models"):
        words.add(gr.HTML(render_overview(language), elem_id="models.overview"), render_overview)
        words.add(gr.HTML(render_choice(language)), render_choice)
        choice = gr.Radio(
            [one.key for one in checkpoints],
            value=first,
            label=translate(language, "models.choose.label"),
            elem_id="models.choice",
        )
        words.add(choice, lambda language: gr.update(label=translate(language, "models.choose.label")))
        split = gr.Radio(**describe_split(language), value=TEST_SPLIT, elem_id="models.split")
        words.add(split, lambda language: gr.update(**describe_split(language)))
        network = gr.HTML(show(first, TEST_SPLIT, language), elem_id="models.network")
        words.add(gr.HTML(render_rest(language), elem_id="models.rest"), render_rest)
    gr.on(
        [choice.change, split.change, language_switch.change],
        show,
        [choice, split, language_switch],
        network,
        show_progress="hidden",
        api_visibility="private",
    )
