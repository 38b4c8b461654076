"""The progress of a long job, and the table of all faces, as HTML."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from ..disagreement import measure_disagreement
from ..locales import format_count, format_percent, translate
from .compare import describe_hint
from .html import render_download, say

# More rows than anybody reads make the page slow; the CSV has all of them.
MAX_SHOWN_ROWS = 200


def render_progress(done: float, total: float | None, words: str, seconds_left: float | None, language: str) -> str:
    """A bar, with what was done in words, and how long the rest will take; what is not known is None."""
    share = "" if total is None else f' max="{total:g}" value="{done:g}"'
    left = "" if seconds_left is None else f" · {_render_time_left(seconds_left, language)}"
    return (
        f'<div class="fer-progress"><progress{share} '
        f'aria-label="{say(language, "many.progress")}"></progress>'
        f"<p>{escape(words)}{escape(left)}</p></div>"
    )


def render_csv(content: bytes, file_name: str, language: str) -> str:
    """A link to a table as CSV."""
    words = translate(language, "many.csv")
    return render_download(content, "text/csv;charset=utf-8", file_name, words, 'class="fer-download"')


def render_faces(
    rows: Sequence[dict[str, Any]],
    thumbnails: Sequence[str | None],
    models: Sequence[str],
    language: str,
    can_open: bool,
) -> str:
    """A table with a row for each face; on a phone each row is a card.

    Args:
        rows: As `batch.to_rows` gives them, `message` in the language.
        thumbnails: The face of each row as a data URI, as far as rows are shown.
        models: The names of the models, one column each.
        language: Of the words.
        can_open: Whether each face is a button that opens it in Compare.
    """
    columns = [*(translate(language, f"many.column.{name}") for name in ("file", "face", "together")), *models]
    header = "".join(f'<th role="columnheader" scope="col">{escape(column)}</th>' for column in columns)
    shown = enumerate(zip(rows[:MAX_SHOWN_ROWS], thumbnails, strict=False))
    body = "".join(_render_row(index, row, thumbnail, columns, language, can_open) for index, (row, thumbnail) in shown)
    caption = " ".join(say(language, key) for key in ("many.caption", *(["many.choose"] if can_open else [])))
    # The roles say again what the elements are: on a phone their layout is no table's, and browsers go by the layout.
    return (
        f'<table class="fer-faces" role="table"><caption>{caption}</caption>'
        f'<thead role="rowgroup"><tr role="row">{header}</tr></thead><tbody role="rowgroup">{body}</tbody></table>'
    )


def render_summary(rows: Sequence[dict[str, Any]], language: str) -> str:
    """How many files and faces there were, and what was said how often."""
    failures = sum(row["face"] is None for row in rows)
    files = sum(row["face_index"] in (None, 0) for row in rows)  # each begins with such a row; two may share a name
    counts = [
        (translate(language, "many.files"), files),
        (translate(language, "many.faces"), len(rows) - failures),
        (translate(language, "many.failures"), failures),
    ]
    return render_counts(counts, language) + render_counts(count_answers(rows, language), language)


def count_answers(rows: Sequence[dict[str, Any]], language: str) -> list[tuple[str, int]]:
    """How often each label was the favourite, and how often none was for sure; most often first."""
    answers = Counter(f"label.{row['favourite']}" if row["sure"] else "many.unsure" for row in rows if row["face"])
    return [(translate(language, key), count) for key, count in answers.most_common()]


def render_counts(counts: Sequence[tuple[str, int]], language: str) -> str:
    """Names with their numbers, side by side."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{format_count(language, count)}</dd></div>" for name, count in counts
    )
    return f'<dl class="fer-counts">{items}</dl>' if counts else ""


def render_sort(language: str) -> str:
    """A switch that puts the faces on which the models are furthest apart on top; `scripts/many.js` does it."""
    return f'<label class="fer-sort"><input type="checkbox"> {say(language, "many.sort")}</label>'


def _render_row(
    index: int, row: dict[str, Any], thumbnail: str | None, columns: Sequence[str], language: str, can_open: bool
) -> str:
    hints = " ".join(describe_hint(hint["id"], hint["value"], language) for hint in row["hints"])
    note = f"<small>{escape(hints)}</small>" if hints else ""
    file = _render_cell(f"<span>{escape(row['file'])}</span>{note}", columns[0], header=True)
    if row["face"] is None:
        message = f'<td role="cell" class="fer-row-message" colspan="{len(columns) - 1}">{escape(row["message"])}</td>'
        return f'<tr role="row" class="fer-no-face" data-row="{index}" data-split="-1">{file}{message}</tr>'
    number = row["face_index"] + 1
    face = f'<img src="{thumbnail}" alt="" width="48" height="48">' if thumbnail else str(number)
    name = say(language, "many.open", number=number, file=row["file"])
    button = f'<button type="button" data-open="{index}" aria-label="{name}" title="{name}">{face}</button>'
    cells = [
        button if can_open else face,
        _render_together(row, language),
        *(_render_answer(model["winner"], model["probabilities"], row, language) for model in row["models"]),
    ]
    split = measure_disagreement([model["probabilities"] for model in row["models"]])
    rest = "".join(map(_render_cell, cells, columns[1:]))
    return f'<tr role="row" data-row="{index}" data-split="{split:.3f}">{file}{rest}</tr>'


def _render_cell(content: str, label: str, header: bool = False) -> str:
    tag, attributes = ("th", 'role="rowheader" scope="row"') if header else ("td", 'role="cell"')
    return f'<{tag} {attributes} data-label="{escape(label)}">{content}</{tag}>'


def _render_answer(winner: str, probabilities: dict[str, float], row: dict[str, Any], language: str) -> str:
    word = say(language, f"label.{winner}")
    share = format_percent(language, probabilities[winner], 0)
    return (
        f'<span class="{"" if winner == row["favourite"] else "fer-other-answer"}">{word}</span> <small>{share}</small>'
    )


def _render_together(row: dict[str, Any], language: str) -> str:
    agreement = translate(language, "many.agreement", count=row["agreement"], total=len(row["models"]))
    unsure = "" if row["sure"] else f"<i>{say(language, 'many.unsure')}</i>"
    answer = _render_answer(row["favourite"], row["average"], row, language)
    return f"<b>{answer}</b><small>{escape(agreement)}</small>{unsure}"


def _render_time_left(seconds: float, language: str) -> str:
    unit, count = ("seconds", seconds) if seconds < 60 else ("minutes", seconds / 60)
    return translate(language, f"many.left_{unit}", count=max(1, round(count)))
