"""Models: how often the models are right, and what that means."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from ...inference import choose_shown_split
from ...results import Checkpoint
from ..components.model import render_model
from ..components.models import (
    TEST_SPLITS,
    describe_model,
    render_cost,
    render_heading,
    render_meaning,
    render_report_comparison,
    render_test_sets,
)
from ..components.overview import render_overview
from ..components.peers import render_peers
from ..components.votes import render_votes
from ..locales import DEFAULT_LANGUAGE, translate
from ..words import PRIVATE, Describe, Words, labelled, saying


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

    def show_overview(language: str) -> str:
        return render_overview(summary, checkpoints, language)

    folds: dict[str, Callable[[str], str]] = {
        "sets": lambda language: render_test_sets(checkpoints, language),
        "report": lambda language: render_report_comparison(summary, language),
        "peers": lambda language: render_peers(summary, checkpoints, language),
        "votes": lambda language: render_votes(summary, checkpoints, language),
        "cost": lambda language: render_cost(summary, checkpoints, language),
        "meaning": lambda language: render_meaning(summary, language),
    }

    def fold(part: str) -> gr.Accordion:
        return words.make(gr.Accordion, labelled(f"models.{part}.title"), open=False, elem_id=f"models.{part}.fold")

    def choose(describe: Describe, value: str | None, id: str) -> gr.Dropdown:
        return words.make(gr.Dropdown, describe, value=value, filterable=False, min_width=280, elem_id=id)

    by_key = {one.key: one for one in checkpoints}

    def show(key: str | None, language: str, split: str) -> str:
        return render_model(by_key.get(key or ""), language, split)

    language, first = DEFAULT_LANGUAGE, next(iter(by_key), None)
    first_split = choose_shown_split(checkpoints[0].results if checkpoints else {})
    with gr.Column(elem_id="models"):
        words.make(gr.HTML, saying(show_overview), elem_id="models.overview")
        with fold("choose"):
            words.make(gr.HTML, saying(partial(render_heading, "choose")))
            with gr.Row():
                choice = choose(partial(_describe_choice, checkpoints), first, "models.choice")
                split = choose(_describe_split, first_split, "models.split")
            model = gr.HTML(show(first, language, first_split), elem_id="models.one")
        for part, render in folds.items():
            if render(language):
                with fold(part):
                    words.make(gr.HTML, saying(render))
    changes = [choice.change, split.change, language_switch.change]
    gr.on(changes, show, [choice, language_switch, split], model, **PRIVATE)


def _describe_choice(checkpoints: Sequence[Checkpoint], language: str) -> dict[str, Any]:
    choices = [(describe_model(one, language), one.key) for one in checkpoints]
    return {"label": translate(language, "models.choose.label"), "choices": choices}


def _describe_split(language: str) -> dict[str, Any]:
    choices = [(translate(language, f"models.sets.{split}"), split) for split in TEST_SPLITS]
    return {"label": translate(language, "models.choose.set"), "choices": choices}
