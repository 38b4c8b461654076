"""Break it, as HTML: a slider, the face at each of its steps, and what each model says there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from ...comparison import Prediction
from ..locales import format_level, format_percent, translate
from .html import say, to_data_uri


@dataclass(frozen=True)
class Step:
    """A face at one level.

    Attributes:
        level: How far it was made worse.
        view: What the first model sees of it.
        predictions: What each model makes of it.
    """

    level: float
    view: Image.Image
    predictions: list[Prediction]


def find_flip(steps: Sequence[Step], index: int) -> Step | None:
    """The first step at which the model of that number says something else than at the start; None if it never does."""
    return next((step for step in steps if step.predictions[index].winner != steps[0].predictions[index].winner), None)


def render_steps(steps: Sequence[Step], way: str, language: str) -> str:
    """All steps, of which `scripts/breaking.js` shows the one at which the slider stands.

    Args:
        steps: What `break_face` gives.
        way: Which one it was.
        language: Of the words.
    """

    def describe(level: float) -> str:
        return format_level(language, f"break.level.{way}", level)

    figures = "".join(
        _render_step(step, steps[0], index, describe(step.level), language) for index, step in enumerate(steps)
    )
    name = say(language, f"break.{way}")
    return (
        f'<div class="fer-break"><label><span>{name}</span><input type="range" min="0" max="{len(steps) - 1}" '
        f'value="0" step="1" aria-valuetext="{escape(describe(steps[0].level))}"></label>'
        f"{figures}{_render_flips(steps, describe, language)}</div>"
    )


def _render_step(step: Step, start: Step, index: int, level: str, language: str) -> str:
    rows = ""
    for prediction, before in zip(step.predictions, start.predictions, strict=True):
        share = prediction.probabilities[prediction.winner]
        flipped = " fer-flipped" if prediction.winner != before.winner else ""
        rows += (
            f'<li class="{flipped}"><span class="fer-name">{escape(prediction.model)}</span>'
            f"<b>{say(language, f'label.{prediction.winner}')}</b>"
            f'<span class="fer-live-bar" style="--share:{100 * share:.0f}%"></span>'
            f"<span>{format_percent(language, share, 0)}</span></li>"
        )
    return (
        f'<div class="fer-step" data-level="{escape(level)}"{"" if index == 0 else " hidden"}>'
        f'<p class="fer-small">{escape(level)}</p>'
        f'<img src="{to_data_uri(step.view, "PNG")}" alt="{escape(level)}" width="144" height="144">'
        f'<ul class="fer-live-rows">{rows}</ul></div>'
    )


def _render_flips(steps: Sequence[Step], describe: Callable[[float], str], language: str) -> str:
    lines = []
    for index, prediction in enumerate(steps[0].predictions):
        flip = find_flip(steps, index)
        label = flip and translate(language, f"label.{flip.predictions[index].winner}")
        key = "break.fell" if flip else "break.held"
        level = describe(flip.level) if flip else ""
        text = translate(language, key, model=prediction.model, level=level, label=label or "")
        lines.append(f'<li data-model="{escape(prediction.model)}">{escape(text)}</li>')
    return f'<ul class="fer-flips">{"".join(lines)}</ul>'
