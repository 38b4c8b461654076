"""You first: the visitor's own guess before the verdict, as HTML. Nothing of it leaves the browser."""

from ...configuration_fer import FER_LABELS
from .html import say

WORDS = ("agree", "tally", "next")  # with places that `scripts/guess.js` fills


def render_guess(language: str) -> str:
    """A switch, and a button for each label, which `scripts/guess.js` shows in the place of the verdict."""
    buttons = "".join(
        f'<button type="button" class="fer-button" data-guess="{label}">{say(language, f"label.{label}")}</button>'
        for label in FER_LABELS
    )
    places = {name: f"{{{name}}}" for name in ("label", "count", "total")}
    words = " ".join(f'data-{name}="{say(language, f"guess.{name}", **places)}"' for name in WORDS)
    switch, question = (say(language, f"guess.{part}") for part in ("switch", "question"))
    return (
        f'<div class="fer-guess" {words}><label><input type="checkbox"> <span>{switch}</span></label>'
        f'<p role="status"></p><fieldset><legend>{question}</legend><div>{buttons}</div></fieldset></div>'
    )
