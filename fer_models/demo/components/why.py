"""Where the models looked: what in the face is evidence for a label to each of them, as HTML."""

from collections.abc import Sequence
from html import escape

from PIL import Image

from ...explain import Explanation, overlay
from ..locales import translate
from .html import say, to_data_uri

# Up to this share of the common scale a map is almost blank, and said to be weak.
WEAK = 0.3


def render_explanations(crop: Image.Image, explanations: Sequence[Explanation], language: str) -> str:
    """One picture for each model, all on one scale.

    Args:
        crop: The face that was explained.
        explanations: On one scale, as `explain.share_scale` puts them.
        language: Of the words.
    """
    figures = "".join(_render_explanation(crop, explanation, language) for explanation in explanations)
    scale = "".join(f"<span>{say(language, f'why.{end}')}</span>" for end in ("little", "much"))
    return (
        f'<ol class="fer-cards fer-why">{figures}</ol><div class="fer-heat-scale">{scale}</div>'
        f'<p class="fer-small">{say(language, "why.text")}</p>'
    )


def _render_explanation(crop: Image.Image, explanation: Explanation, language: str) -> str:
    label, heat = translate(language, f"label.{explanation.label}"), float(explanation.heat.max())
    if heat > 0:
        name = translate(
            language, "why.picture", model=explanation.model, label=label, where=_describe(explanation, language)
        )
        strength = translate(language, "why.weak" if heat <= WEAK else "why.strength")
    else:
        name = strength = translate(language, "why.nothing")
    picture = to_data_uri(overlay(crop, explanation.heat), "JPEG")
    return (
        f'<li><figure><img src="{picture}" alt="{escape(name)}" width="240" height="240"><figcaption>'
        f'<span class="fer-name">{escape(explanation.model)}</span>: {escape(label)}'
        f'<span class="fer-small">{escape(strength)}</span></figcaption></figure></li>'
    )


def _describe(explanation: Explanation, language: str) -> str:
    """Where the heat is greatest, as a screen reader may say it: one of nine parts of the crop."""
    height, width = explanation.heat.shape
    y, x = divmod(int(explanation.heat.argmax()), width)
    row, column = ("top", "middle", "bottom")[3 * y // height], ("left", "middle", "right")[3 * x // width]
    return translate(language, f"why.{row}_{column}")
