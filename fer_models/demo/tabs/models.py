"""Models: how often the networks are right, and what that means."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ...inference import choose_shown_split
from ...results import Checkpoint
from ..figures.models import (
    TEST_SPLITS,
    describe_model,
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
from ..words import Words


def build_models_tab(
    checkpoints: Sequence[Checkpoint], summary: dict[str, Any], words: Words, language_switch: gr.Radio
) -> None:
    """Lay the tab out and wire it, inside an open `gr.Tab`.

    Args:
        checkpoints: What `results.read_checkpoints` gives.
        summary: What `results.read_summary` gives.
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

    def describe_choice(language: str) -> dict[str, Any]:
        return {
            "label": translate(language, "models.choose.label"),
            "choices": [(describe_model(one, language), one.key) for one in checkpoints],
        }

    language, first = DEFAULT_LANGUAGE, choose_first(checkpoints)
    with gr.Column(elem_id="models"):
        words.add(gr.HTML(render_overview(language), elem_id="models.overview"), render_overview)
        words.add(gr.HTML(render_choice(language)), render_choice)
        choice = gr.Radio(**describe_choice(language), value=first, elem_id="models.choice")
        words.add(choice, lambda language: gr.update(**describe_choice(language)))
        first_split = choose_shown_split(next((one.results for one in checkpoints if one.key == first), {}))
        split = gr.Radio(**describe_split(language), value=first_split, elem_id="models.split")
        words.add(split, lambda language: gr.update(**describe_split(language)))
        network = gr.HTML(show(first, first_split, language), elem_id="models.network")
        words.add(gr.HTML(render_rest(language), elem_id="models.rest"), render_rest)
    gr.on(
        [choice.change, split.change, language_switch.change],
        show,
        [choice, split, language_switch],
        network,
        show_progress="hidden",
        api_visibility="private",
    )
