"""What lies over the camera's picture, and the answers beside it, as HTML."""

from collections.abc import Sequence
from html import escape

from ...comparison import Comparison, Prediction
from ...inference import LoadedModel
from ...tracking import TIMELINE_S, Timeline
from ..locales import format_decimal, format_percent, translate
from .compare import describe_average, describe_verdict
from .html import say

# The page's camera. Its words are filled in by `scripts/live.js`, so that they follow the language while it runs.
STAGE = """
<div class="fer-live" data-state="idle">
  <div class="fer-live-picture">
    <div class="fer-live-stage">
      <video playsinline muted data-label="live.video"></video>
      <div class="fer-live-overlay" aria-hidden="true"></div>
      <p class="fer-live-message" role="status"></p>
      <p class="fer-live-hunt" role="status"></p>
      <div class="fer-problem-slot"></div>
    </div>
    <div class="fer-live-controls">
      <button type="button" class="fer-live-start" data-word="live.start"></button>
      <label><span data-word="live.models"></span><select class="fer-live-models"></select></label>
      <label class="fer-live-cameras"><span data-word="live.camera"></span><select>
        <option value="user" data-word="live.front"></option>
        <option value="environment" data-word="live.back"></option>
      </select></label>
    </div>
    <p class="fer-small" data-word="live.privacy"></p>
  </div>
  <div class="fer-live-answers"></div>
  <div class="fer-split">
    <button type="button" class="fer-button" data-word="split.start"></button>
    <div class="fer-split-card" hidden></div>
  </div>
  <p class="fer-live-spoken fer-hidden" role="status"></p>
</div>
"""

# Height of a line of the timeline, in units of its width's percent.
LINE_HEIGHT = 20


def render_overlay(
    comparisons: Sequence[Comparison],
    followed: Comparison | None,
    size: tuple[int, int],
    mirrored: bool,
    frame_rate: float,
    language: str,
) -> str:
    """Boxes and winners, to be laid over the camera's picture.

    Args:
        comparisons: One for each face of the picture.
        followed: That of the face which the answers beside the picture are about.
        size: Width and height of the picture in pixels.
        mirrored: Whether the picture is shown mirrored.
        frame_rate: In frames per second.
        language: Of the words.
    """
    boxes = "".join(_render_face(one, one is followed, size, mirrored, language) for one in comparisons)
    note = "" if comparisons else f'<p class="fer-live-note">{say(language, "live.no_face")}</p>'
    rate = say(language, "live.fps", fps=format_decimal(language, frame_rate, 0))
    return f'{boxes}{note}<p class="fer-live-fps">{rate}</p>'


def render_answers(
    comparison: Comparison | None, models: Sequence[LoadedModel], timeline: Timeline, now_s: float, language: str
) -> str:
    """What the models say about the followed face, and its timeline; without a face, the same shape, empty.

    Args:
        comparison: That of the followed face, smoothed; None if there is none.
        models: The models that are shown.
        timeline: Their average of late.
        now_s: The time at the timeline's right end.
        language: Of the words.
    """
    predictions: Sequence[Prediction | None] = comparison.predictions if comparison else [None] * len(models)
    rows = "".join(_render_model(*pair, language) for pair in zip(models, predictions, strict=True))
    if len(models) == 1:
        caption = translate(language, "live.timeline_one", model=models[0].name, seconds=round(TIMELINE_S))
    else:
        caption = translate(language, "live.timeline", seconds=round(TIMELINE_S))
    average = comparison.average if comparison else {}
    lines = "".join(_render_line(label, average.get(label), timeline, now_s, language) for label in models[0].labels)
    return (
        f"{_render_verdict(comparison, language)}"
        f'<ul class="fer-live-rows">{rows}</ul>'
        f'<figure class="fer-live-timeline"><figcaption class="fer-small">{escape(caption)}</figcaption>'
        f"<dl>{lines}</dl></figure>"
    )


def say_aloud(comparison: Comparison | None, language: str) -> str:
    """What a screen reader says: the answer, and how many agree; or that there is no face."""
    return " ".join(describe_verdict(comparison, language)) if comparison else translate(language, "live.no_face")


def _render_verdict(comparison: Comparison | None, language: str) -> str:
    """The answer, and how many agree; always two lines, so that nothing moves."""
    if comparison is None:
        words = say(language, "live.empty")
        return f'<h2 class="fer-live-headline fer-live-empty">{words}</h2><p class="fer-live-agreement"></p>'
    headline, sentence = map(escape, describe_verdict(comparison, language))
    return f'<h2 class="fer-live-headline">{headline}</h2><p class="fer-live-agreement">{sentence}</p>'


def _render_face(
    comparison: Comparison, is_followed: bool, size: tuple[int, int], mirrored: bool, language: str
) -> str:
    assert comparison.face is not None
    (left, top, right, bottom), (width, height) = comparison.face.box_xyxy, size
    if mirrored:
        left, right = width - right, width - left
    # The words go above the box where there is room, else below; and they begin where they will not leave the picture.
    kinds = ["fer-live-face"]
    kinds += ["fer-live-followed"] * is_followed
    kinds += ["fer-live-below"] * (top < 0.2 * height)
    kinds += ["fer-live-right"] * (left + right > width)
    return (
        f'<div class="{" ".join(kinds)}" style="left:{100 * left / width:.2f}%;top:{100 * top / height:.2f}%;'
        f'width:{100 * (right - left) / width:.2f}%;height:{100 * (bottom - top) / height:.2f}%">'
        f"<p>{'<br>'.join(escape(line) for line in _say_winners(comparison, language))}</p></div>"
    )


def _say_winners(comparison: Comparison, language: str) -> list[str]:
    """One line for each label that won, short enough for a face in a crowd, and one if they are not sure."""
    unsure = [] if comparison.is_sure else [translate(language, "many.unsure")]
    total = len(comparison.predictions)
    if total == 1:
        return [describe_average(comparison, language), *unsure]
    lines = [f"{translate(language, f'label.{label}')} {len(names)}/{total}" for label, names in comparison.votes]
    return lines + unsure


def _render_model(model: LoadedModel, prediction: Prediction | None, language: str) -> str:
    winner, word, number, style = "", "–", "", ""
    if prediction:
        winner = prediction.winner
        share = prediction.probabilities[winner]
        word, number = translate(language, f"label.{winner}"), format_percent(language, share, 0)
        style = f' style="--share:{100 * share:.1f}%"'
    return (
        f'<li data-model="{escape(model.name)}" data-winner="{winner}">'
        f'<span class="fer-name">{escape(model.name)}</span><b>{escape(word)}</b>'
        f'<span class="fer-live-bar"{style}></span><span class="fer-live-share">{number}</span></li>'
    )


def _render_line(label: str, probability: float | None, timeline: Timeline, now_s: float, language: str) -> str:
    points = [
        f"{100 + 100 * (time_s - now_s) / TIMELINE_S:.1f},{LINE_HEIGHT * (1 - probabilities[label]):.1f}"
        for time_s, probabilities in timeline.points
    ]
    shape = ""
    if points:
        first, last = points[0].split(",")[0], points[-1].split(",")[0]
        line = " ".join(points)
        shape = f'<polygon points="{first},{LINE_HEIGHT} {line} {last},{LINE_HEIGHT}"/><polyline points="{line}"/>'
    number = "" if probability is None else format_percent(language, probability, 0)
    return (
        f"<div><dt>{say(language, f'label.{label}')}</dt><dd>"
        f'<svg viewBox="0 0 100 {LINE_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{shape}</svg>'
        f'<span class="fer-live-share">{number}</span></dd></div>'
    )
