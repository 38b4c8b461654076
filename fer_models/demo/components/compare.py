"""What the models say of a face, as HTML: the verdict, a card for each model, and a table of all the numbers."""

import math
from collections.abc import Sequence
from html import escape

from ...comparison import SURE_AGREEMENT, SURE_PROBABILITY, Comparison, Prediction
from ...inference import LoadedModel
from ..locales import LOCALES, format_count, format_decimal, format_percent, translate, translate_tag
from .html import say


def render_results(comparison: Comparison | None, models: Sequence[LoadedModel], language: str, id: str = "") -> str:
    """The verdict and one card per model; without a comparison, the same shape with nothing in it.

    Args:
        comparison: What they said.
        models: The models.
        language: Of the words.
        id: Of what was asked: the page brings the verdict into view once for each.
    """
    predictions: Sequence[Prediction | None] = comparison.predictions if comparison else [None] * len(models)
    majority = comparison.majority if comparison and not _is_split(comparison) else None
    is_mixed = len({model.tag for model in models}) > 1
    cards = "".join(
        _render_card(model, prediction, majority, is_mixed, language)
        for model, prediction in zip(models, predictions, strict=True)
    )
    verdict = (
        render_verdict(comparison, language, id)
        if comparison
        else f'<div class="fer-message" role="status"><h2>{say(language, "verdict.empty")}</h2></div>'
    )
    return f'{verdict}<ol class="fer-cards"{"" if comparison else " aria-hidden=true"}>{cards}</ol>'


def render_no_face(is_animated: bool, language: str, id: str = "") -> str:
    """That there is no face, with another photo as the first way out, and the whole picture as the second."""
    words = [translate(language, "faces.none")] + [translate(language, "hint.animated")] * is_animated
    other, whole = (say(language, f"photo.{name}") for name in ("other", "whole"))
    return (
        f'<div class="fer-message fer-no-face-found" role="alert" data-look="{escape(id)}" tabindex="-1">'
        f"<h2>{say(language, 'error.no_face')}</h2><p>{escape(' '.join(words))}</p>"
        f'<p><button type="button" class="fer-button fer-primary" data-do="choose">{other}</button>'
        f'<button type="button" class="fer-button" data-do="whole" id="photo.whole">{whole}</button></p></div>'
    )


def describe_verdict(comparison: Comparison, language: str) -> tuple[str, str]:
    """The answer in two sentences: the label with its mean probability, and how far the models agree on it."""
    top = comparison.favourite or ""
    total, share = len(comparison.predictions), _round_down(comparison.average[top])
    words = {"label": translate(language, f"label.{top}"), "share": format_percent(language, share, 0)}
    (_, voters), *others = comparison.votes
    count = {"count": _count(len(voters), language), "total": _count(total, language)}
    is_split = _is_split(comparison)
    if is_split:
        key, sentence, others = "split", translate(language, "verdict.average", **words), comparison.votes
    elif total == 1:
        key, sentence = "sure", translate(language, "verdict.one", model=voters[0])
    else:
        key, sentence = "sure", translate(language, "verdict.most" if others else "verdict.all", **count)
    if not is_split and share < SURE_PROBABILITY:
        sentence = translate(language, "verdict.weakly", sentence=sentence)
    said = [_describe_vote(label, names, language) for label, names in others]
    if not is_split and not comparison.is_sure:
        key = "probably"
    if comparison.doubts:
        key = comparison.doubts[0].id
    headline = _capitalize(translate(language, f"verdict.{key}", **words))
    return headline, f"{_capitalize('; '.join([sentence, *said]))}."


def _is_split(comparison: Comparison) -> bool:
    """Whether no label has more than half of the models, or another is more probable on average."""
    total, voters = len(comparison.predictions), comparison.votes[0][1]
    if total == 1 or comparison.is_sure:
        return False
    return comparison.majority != comparison.favourite or 2 * len(voters) <= total


def _round_down(share: float) -> float:
    """A share that is just below the threshold as it is told: not rounded up to the threshold."""
    return share if share >= SURE_PROBABILITY else min(share, SURE_PROBABILITY - 0.01)


def describe_average(comparison: Comparison, language: str) -> str:
    """The label that is most probable on average, and how probable."""
    favourite = comparison.favourite or ""
    share = format_percent(language, _round_down(comparison.average[favourite]), 0)
    return f"{translate(language, f'label.{favourite}')} {share}"


def describe_doubt(comparison: Comparison, language: str) -> str:
    """Why an answer is not sure: there may be no face, or what it would take."""
    if comparison.doubts:
        return " ".join(describe_hint(hint.id, hint.value, language) for hint in comparison.doubts)
    total = len(comparison.predictions)
    return translate(
        language,
        "verdict.threshold_one" if total == 1 else "verdict.threshold",
        share=format_percent(language, SURE_PROBABILITY, 0),
        count=math.ceil(SURE_AGREEMENT * total),
        total=total,
    )


def describe_hint(id: str, value: float, language: str) -> str:
    """What may explain a bad answer, in a sentence; `id` and `value` are those of a `quality.Hint`."""
    return translate(language, f"hint.{id}", value=round(value))


def describe_accuracy(model: LoadedModel, language: str) -> str:
    """How often a model agrees with people, or with the labels if that is what was measured."""
    accuracy = format_percent(language, model.test_accuracy, 0)
    return translate(language, f"card.accuracy.{model.test_labels}", accuracy=accuracy)


def describe_face(comparison: Comparison, language: str) -> list[str]:
    """Which face it is about, where there are several, and how the photo was taken otherwise than it is."""
    notes = []
    if comparison.face_index is None:
        notes.append(translate(language, "faces.whole"))
    elif len(comparison.faces) > 1:
        number, count = comparison.face_index + 1, len(comparison.faces)
        notes.append(f"{translate(language, 'faces.number', number=number, count=count)}.")
    if comparison.face and comparison.face.turned_degrees:
        notes.append(translate(language, "faces.turned", degrees=abs(round(comparison.face.turned_degrees))))
    return notes


def render_verdict(comparison: Comparison, language: str, id: str = "") -> str:
    """The answer in words: the label, who agrees, which face, and what may explain a bad one."""
    headline, sentence = describe_verdict(comparison, language)
    hints = [describe_hint(hint.id, hint.value, language) for hint in comparison.hints]
    title = translate(language, "hint.title") if hints else ""
    sure = "" if comparison.is_sure else " fer-unsure"
    return (
        f'<div class="fer-verdict{sure}" role="status" tabindex="-1" data-look="{escape(id)}" '
        f'data-top="{comparison.favourite}"><h2 class="fer-headline">{escape(headline)}</h2>'
        f'<p class="fer-agreement">{escape(sentence)}</p>'
        f'<p class="fer-notes">{escape(" ".join(describe_face(comparison, language)))}</p>'
        f'<p class="fer-hints"><b>{escape(title)}</b> {escape(" ".join(hints))}</p>'
        f'<p class="fer-small">{say(language, "verdict.disclaimer")}</p></div>'
    )


def render_table(comparison: Comparison, models: Sequence[LoadedModel], language: str) -> str:
    """Every label's probability by every model and their average, as shaded cells, then what is known of each model."""
    shares = [(prediction.model, prediction.probabilities) for prediction in comparison.predictions]
    if len(shares) > 1:
        shares.append((translate(language, "table.average"), comparison.average))
    head = "".join(f'<th scope="col"><span class="fer-name">{escape(name)}</span></th>' for name, _ in shares)
    rows = "".join(
        f'<tr><th scope="row">{say(language, f"label.{label}")}</th>'
        f"{''.join(_render_cell(row, label, language) for _, row in shares)}</tr>"
        for label in comparison.average
    )
    bases = [_describe_base(model, language) for model in models]
    is_one = len(set(bases)) == 1  # then it is said once, below
    facts = {
        "accuracy": [
            f"{format_percent(language, model.test_accuracy)}{'' if is_one else f'<small>{escape(base)}</small>'}"
            for model, base in zip(models, bases, strict=True)
        ],
        "time": [f"{format_decimal(language, one.latency_ms)} ms" for one in comparison.predictions],
        "size": [f"{format_decimal(language, model.size_mb)} MB" for model in models],
    }
    rows += "".join(
        f'<tr class="fer-fact"><th scope="row">{say(language, f"table.{key}")}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in [*cells, *[''] * (len(shares) - len(cells))])}</tr>"
        for key, cells in facts.items()
    )
    caption, corner = say(language, "table.caption"), say(language, "table.label")
    notes = [f"{_capitalize(translate(language, 'table.accuracy'))}: {bases[0]}."] if is_one else []
    notes += [] if comparison.is_sure else [describe_doubt(comparison, language)]
    small = "".join(f'<p class="fer-small">{escape(note)}</p>' for note in notes)
    return (
        f'<div class="fer-scroll" role="region" tabindex="0" aria-label="{caption}"><table class="fer-heat">'
        f'<thead><tr><th scope="col">{corner}</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>{small}'
    )


def _render_cell(row: dict[str, float], label: str, language: str) -> str:
    best = " class=fer-best" if label == max(row, key=row.__getitem__) else ""
    return f'<td{best} style="--share:{100 * row[label]:.0f}%">{format_percent(language, row[label], 0)}</td>'


def _count(number: int, language: str) -> str:
    """A small number as a word."""
    key = f"count.{number}"
    return translate(language, key) if key in LOCALES[language] else str(number)


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _describe_vote(label: str, names: list[str], language: str) -> str:
    conjunction = f" {translate(language, 'verdict.and')} "
    models = conjunction.join(filter(None, [", ".join(names[:-1]), names[-1]]))
    key = "verdict.others" if len(names) == 1 else "verdict.others_many"
    return translate(language, key, models=models, label=translate(language, f"label.{label}"))


def _describe_base(model: LoadedModel, language: str) -> str:
    """Of what its accuracy is a share."""
    return translate(language, f"table.faces.{model.test_labels}", n=format_count(language, model.test_images))


def _render_card(
    model: LoadedModel, prediction: Prediction | None, majority: str | None, says_tag: bool, language: str
) -> str:
    """A model's answer in a line, and its bars, which are read in the table: a screen reader passes them by here."""
    winner = prediction.winner if prediction else None
    bars = "".join(
        _render_bar(label, prediction.probabilities[label] if prediction else None, label == winner, language)
        for label in model.labels
    )
    # The line is always there, so that nothing moves when it gets its words.
    vote = "" if not winner or not majority else "agrees" if winner == majority else "differs"
    word = translate(language, f"card.{vote}") if vote else ""
    answer = (
        f"{say(language, f'label.{winner}')} "
        f"<small>{format_percent(language, prediction.probabilities[winner], 0)}</small>"
        if prediction and winner
        else "–"
    )
    facts = [describe_accuracy(model, language)]
    if says_tag:
        facts.append(translate(language, "card.tag", tag=translate_tag(model.tag, language)))
    return (
        f'<li class="fer-card{f" fer-{vote}" if vote else ""}" data-model="{escape(model.name)}" '
        f'data-winner="{winner or ""}">'
        f'<h3 class="fer-name">{escape(model.name)}</h3>'
        f'<p class="fer-winner">{answer}</p><p class="fer-vote">{escape(word)}</p>'
        f'<dl aria-hidden="true">{bars}</dl><p class="fer-small">{escape(" · ".join(facts))}</p></li>'
    )


def _render_bar(label: str, probability: float | None, is_winner: bool, language: str) -> str:
    share = probability or 0.0
    number = format_percent(language, share, 0) if probability is not None else ""
    return (
        f'<div class="fer-bar{" fer-best" if is_winner else ""}">'
        f"<dt>{say(language, f'label.{label}')}</dt>"
        f'<dd><span style="width:{100 * share:.1f}%"></span><b>{number}</b></dd></div>'
    )
