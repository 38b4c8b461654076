"""The photo with its box, and the networks' answers, as HTML."""

from collections.abc import Sequence
from html import escape

from PIL import Image

from ...faces import DetectedFace
from ...inference import Comparison, LoadedModel, Prediction
from ..locales import format_count, format_decimal, format_percent, translate
from .html import render_message, to_data_uri

# Longer side, in pixels, of the photo that is sent back with the box.
PREVIEW_SIDE = 640


def render_photo(image: Image.Image, comparison: Comparison, crop_48: Image.Image, language: str) -> str:
    """The photo with the box of the face, and beside it what the networks see.

    Pictures are part of the HTML, so that nothing is written to the disk for them.

    Args:
        image: The photo, RGB.
        comparison: What was found in it; it has a crop.
        crop_48: The crop as the networks see it, grey.
        language: Of the captions.
    """
    preview = image.copy()
    preview.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    scale = preview.width / image.width
    boxes = "".join(_render_box(face, scale, face is comparison.face) for face in comparison.faces)
    with_box, crop = translate(language, "photo.with_box"), translate(language, "photo.crop")
    return (
        '<div class="fer-photo">'
        f'<figure><svg viewBox="0 0 {preview.width} {preview.height}" role="img" aria-label="{escape(with_box)}">'
        f'<image href="{to_data_uri(preview, "JPEG")}" width="{preview.width}" height="{preview.height}"/>{boxes}</svg>'
        "</figure>"
        f'<figure class="fer-crop"><img src="{to_data_uri(crop_48, "PNG")}" alt="{escape(crop)}" width="144" '
        f'height="144"><figcaption>{escape(crop)}</figcaption></figure></div>'
    )


def render_results(comparison: Comparison | None, models: Sequence[LoadedModel], language: str) -> str:
    """The verdict and one column per network; without a comparison, the same shape with nothing in it."""
    predictions: Sequence[Prediction | None] = comparison.predictions if comparison else [None] * len(models)
    favourite = comparison.votes[0][0] if comparison and len(comparison.votes[0][1]) > 1 else None
    cards = "".join(
        _render_card(model, prediction, favourite, language)
        for model, prediction in zip(models, predictions, strict=True)
    )
    return f'{_render_verdict(comparison, len(models), language)}<ol class="fer-cards">{cards}</ol>'


def _render_verdict(comparison: Comparison | None, total: int, language: str) -> str:
    if comparison is None:
        return render_message(translate(language, "verdict.empty"))
    (label, names), *others = comparison.votes
    word = translate(language, f"label.{label}")
    if not others:
        headline = translate(language, "verdict.all", total=total, label=word)
    elif len(names) > len(others[0][1]):
        headline = translate(language, "verdict.most", count=len(names), total=total, label=word)
    else:
        headline, others = translate(language, "verdict.split"), comparison.votes
    notes = [_describe_vote(other, voters, language) for other, voters in others]
    if comparison.face is None:
        notes.append(translate(language, "faces.whole").rstrip("."))
    elif len(comparison.faces) > 1:
        notes.append(translate(language, "faces.many", count=len(comparison.faces)).rstrip("."))
    return (
        f'<div class="fer-verdict" role="status"><p class="fer-headline">{escape(headline)}</p>'
        f"<p>{escape(' '.join(f'{note}.' for note in notes))}</p>"
        f'<p class="fer-disclaimer">{escape(translate(language, "verdict.disclaimer"))}</p></div>'
    )


def _describe_vote(label: str, names: list[str], language: str) -> str:
    conjunction = f" {translate(language, 'verdict.and')} "
    models = conjunction.join(filter(None, [", ".join(names[:-1]), names[-1]]))
    key = "verdict.others" if len(names) == 1 else "verdict.others_many"
    return translate(language, key, models=models, label=translate(language, f"label.{label}"))


def _render_card(model: LoadedModel, prediction: Prediction | None, favourite: str | None, language: str) -> str:
    winner = prediction.winner if prediction else None
    bars = "".join(
        _render_bar(label, prediction.probabilities[label] if prediction else None, label == winner, language)
        for label in model.labels
    )
    differs = bool(winner and favourite and winner != favourite)
    badge = f'<span class="fer-badge">{escape(translate(language, "card.differs"))}</span>' if differs else ""
    answer = (
        f"{escape(translate(language, f'label.{winner}'))} "
        f"<small>{format_percent(language, prediction.probabilities[winner], 0)}</small>"
        if prediction and winner
        else "–"
    )
    accuracy = translate(
        language,
        "card.accuracy",
        accuracy=format_percent(language, model.test_accuracy),
        n=format_count(language, model.test_images),
    )
    latency = prediction and translate(
        language, "card.latency", latency=format_decimal(language, prediction.latency_ms)
    )
    return (
        f'<li class="fer-card{" fer-differs" if differs else ""}" data-model="{escape(model.name)}" '
        f'data-winner="{winner or ""}">'
        f"<h3>{escape(model.name)}{badge}</h3>"
        f'<p class="fer-winner">{answer}</p>'
        f'<dl aria-label="{escape(translate(language, "card.probabilities", model=model.name))}">{bars}</dl>'
        f'<p class="fer-facts">{escape(accuracy)}{f" · {latency}" if latency else ""}</p></li>'
    )


def _render_bar(label: str, probability: float | None, is_winner: bool, language: str) -> str:
    share = probability or 0.0
    number = format_percent(language, share, 0) if probability is not None else ""
    return (
        f'<div class="fer-bar{" fer-best" if is_winner else ""}">'
        f"<dt>{escape(translate(language, f'label.{label}'))}</dt>"
        f'<dd><span style="width:{100 * share:.1f}%"></span><b>{number}</b></dd></div>'
    )


def _render_box(face: DetectedFace, scale: float, is_selected: bool) -> str:
    x0, y0, x1, y1 = (scale * x for x in face.box_xyxy)
    kind = "fer-box" if is_selected else "fer-box fer-other"
    return f'<rect class="{kind}" x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" rx="4"/>'
