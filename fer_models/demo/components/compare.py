"""What the models say of a face, as HTML: the verdict, a column for each model, and one table of all."""

import math
from collections.abc import Sequence
from html import escape

from ...comparison import SURE_AGREEMENT, SURE_PROBABILITY, Comparison, Prediction
from ...inference import LoadedModel
from ..locales import format_count, format_decimal, format_percent, translate, translate_tag
from .html import render_message


def render_results(comparison: Comparison | None, models: Sequence[LoadedModel], language: str) -> str:
    """The verdict and one column per model; without a comparison, the same shape with nothing in it."""
    predictions: Sequence[Prediction | None] = comparison.predictions if comparison else [None] * len(models)
    majority = comparison.majority if comparison else None
    is_mixed = len({model.tag for model in models}) > 1
    cards = "".join(
        _render_card(model, prediction, majority, is_mixed, language)
        for model, prediction in zip(models, predictions, strict=True)
    )
    verdict = (
        render_verdict(comparison, language) if comparison else render_message(translate(language, "verdict.empty"))
    )
    return f'{verdict}<ol class="fer-cards">{cards}</ol>'


def describe_votes(comparison: Comparison, language: str) -> tuple[str, list[str]]:
    """How many agree, in a sentence, and who says what else, in one for each label."""
    total = len(comparison.predictions)
    (label, names), *others = comparison.votes
    word = translate(language, f"label.{label}")
    if total == 1:
        headline = translate(language, "verdict.one", model=names[0], label=word)
    elif not others:
        headline = translate(language, "verdict.all", total=total, label=word)
    elif comparison.majority:
        headline = translate(language, "verdict.most", count=len(names), total=total, label=word)
    else:
        headline, others = translate(language, "verdict.split"), comparison.votes
    return headline, [_describe_vote(other, voters, language) for other, voters in others]


def describe_average(comparison: Comparison, language: str) -> str:
    """The label that is most probable on average, and how probable."""
    favourite = comparison.favourite or ""
    share = format_percent(language, comparison.average[favourite], 0)
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


def render_verdict(comparison: Comparison, language: str) -> str:
    """The answer in words: who agrees, the average, whether to believe it, and what may explain a bad one."""
    headline, notes = describe_votes(comparison, language)
    if comparison.face_index is None:
        notes.append(translate(language, "faces.whole"))
    elif len(comparison.faces) > 1:
        number, count = comparison.face_index + 1, len(comparison.faces)
        notes.append(translate(language, "faces.which", number=number, count=count))
    unsure = (
        "" if comparison.is_sure else f'<span class="fer-chip">{escape(translate(language, "verdict.unsure"))}</span>'
    )
    if comparison.face and comparison.face.turned_degrees:
        notes.append(translate(language, "faces.turned", degrees=abs(round(comparison.face.turned_degrees))))
    small = [] if comparison.is_sure or comparison.doubts else [describe_doubt(comparison, language)]
    small.append(translate(language, "verdict.disclaimer"))
    hints = [describe_hint(hint.id, hint.value, language) for hint in comparison.hints]
    title = translate(language, "hint.title") if hints else ""
    average = translate(language, "verdict.average", total=len(comparison.predictions))
    return (
        f'<div class="fer-verdict" role="status"><p class="fer-headline">{escape(headline)}</p>'
        f'<p class="fer-notes">{escape(" ".join(notes))}</p>'
        f'<p class="fer-average"><span>{escape(average)}</span> '
        f"<strong>{escape(describe_average(comparison, language))}</strong> {unsure}</p>"
        f'<p class="fer-hints"><b>{escape(title)}</b> {escape(" ".join(hints))}</p>'
        f'<p class="fer-small">{escape(" ".join(small))}</p></div>'
    )


def render_table(comparison: Comparison, language: str) -> str:
    """Every label's probability by every model, and their average, as shaded cells: one picture of all."""
    shares = [(prediction.model, prediction.probabilities) for prediction in comparison.predictions]
    if len(shares) > 1:
        shares.append((translate(language, "table.average"), comparison.average))
    head = "".join(f'<th scope="col"><span class="fer-name">{escape(name)}</span></th>' for name, _ in shares)
    rows = "".join(
        f'<tr><th scope="row">{escape(translate(language, f"label.{label}"))}</th>'
        f"{''.join(_render_cell(row, label, language) for _, row in shares)}</tr>"
        for label in comparison.average
    )
    caption, corner = escape(translate(language, "table.caption")), escape(translate(language, "table.label"))
    return (
        f'<table class="fer-heat"><caption>{caption}</caption><thead><tr><th scope="col">{corner}</th>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _render_cell(row: dict[str, float], label: str, language: str) -> str:
    best = " class=fer-best" if label == max(row, key=row.__getitem__) else ""
    return f'<td{best} style="--share:{100 * row[label]:.0f}%">{format_percent(language, row[label], 0)}</td>'


def _describe_vote(label: str, names: list[str], language: str) -> str:
    conjunction = f" {translate(language, 'verdict.and')} "
    models = conjunction.join(filter(None, [", ".join(names[:-1]), names[-1]]))
    key = "verdict.others" if len(names) == 1 else "verdict.others_many"
    return translate(language, key, models=models, label=translate(language, f"label.{label}"))


def _render_card(
    model: LoadedModel, prediction: Prediction | None, majority: str | None, says_tag: bool, language: str
) -> str:
    winner = prediction.winner if prediction else None
    bars = "".join(
        _render_bar(label, prediction.probabilities[label] if prediction else None, label == winner, language)
        for label in model.labels
    )
    # The line is always there, so that nothing moves when it gets its words.
    vote = "" if not winner or not majority else "agrees" if winner == majority else "differs"
    word = translate(language, f"card.{vote}") if vote else ""
    answer = (
        f"{escape(translate(language, f'label.{winner}'))} "
        f"<small>{format_percent(language, prediction.probabilities[winner], 0)}</small>"
        if prediction and winner
        else "–"
    )
    facts = translate(
        language,
        f"card.accuracy.{model.test_labels}",
        accuracy=format_percent(language, model.test_accuracy),
        n=format_count(language, model.test_images),
    )
    size = translate(language, "card.size", size=format_decimal(language, model.size_mb))
    time = (
        translate(language, "card.latency", latency=format_decimal(language, prediction.latency_ms))
        if prediction
        else ""
    )
    way = translate(language, "card.tag", tag=translate_tag(model.tag, language)) if says_tag else ""
    return (
        f'<li class="fer-card{f" fer-{vote}" if vote else ""}" data-model="{escape(model.name)}" '
        f'data-winner="{winner or ""}">'
        f'<h3 class="fer-name">{escape(model.name)}</h3>'
        f'<p class="fer-winner">{answer}</p><p class="fer-vote">{escape(word)}</p>'
        f'<dl aria-label="{escape(translate(language, "card.probabilities", model=model.name))}">{bars}</dl>'
        f'<p class="fer-small">{escape(facts)}<br>{escape(" · ".join(filter(None, [time, size, way])))}</p></li>'
    )


def _render_bar(label: str, probability: float | None, is_winner: bool, language: str) -> str:
    share = probability or 0.0
    number = format_percent(language, share, 0) if probability is not None else ""
    return (
        f'<div class="fer-bar{" fer-best" if is_winner else ""}">'
        f"<dt>{escape(translate(language, f'label.{label}'))}</dt>"
        f'<dd><span style="width:{100 * share:.1f}%"></span><b>{number}</b></dd></div>'
    )
