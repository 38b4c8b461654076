"""One model: its training, where it errs, how sure it may be, and what it bears."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ...inference import choose_shown_split
from ...results import METRICS, Checkpoint, join_history, list_trainings, shorten_commit
from ..locales import LOCALES, format_count, format_decimal, format_hardware, format_level, format_percent, translate
from .charts import Axis, Series, render_chart
from .html import render_download, render_message, say
from .models import format_points
from .tables import Row, render_table

SPLIT_KINDS = {"train": "a", "validation": "b"}


def render_model(checkpoint: Checkpoint | None, language: str, split: str | None = None) -> str:
    """Everything that is known of a model; what was not measured says so.

    Args:
        checkpoint: The model, or None if none is bundled.
        language: One of `locales.LOCALES`.
        split: One of `TEST_SPLITS`, on which its errors and its calibration are shown; None for the one whose accuracy
            is shown beside its answers.
    """
    if checkpoint is None:
        return render_message(translate(language, "models.unmeasured"))
    split = split or choose_shown_split(checkpoint.results)
    figures, labels = checkpoint.get_split(split), checkpoint.results.get("labels", [])
    name = translate(language, f"models.sets.{split}")
    robustness = checkpoint.results.get("robustness")
    parts = [
        render_curves(checkpoint, language),
        _render_pair(
            render_confusion_matrix(figures, name, labels, language), render_recall(figures, name, labels, language)
        ),
        _render_pair(
            render_robustness(robustness, checkpoint.get_split((robustness or {}).get("split", "")), language),
            render_reliability(figures, name, language),
        ),
        render_provenance(checkpoint, language),
    ]
    return f'<div class="fer-model" data-model="{escape(checkpoint.key)}">{"".join(parts)}</div>'


def render_curves(checkpoint: Checkpoint, language: str) -> str:
    """Accuracy and loss by epoch, training and validation."""
    trained_with = checkpoint.results.get("trained_with", {})
    history, ends = join_history(checkpoint.history, trained_with)
    if not history:
        return _render_missing("models.curves.accuracy", language)
    last = history[-1]["epoch"]
    epochs = Axis(
        translate(language, "models.curves.epoch"), 0, last, lambda tick: format_decimal(language, tick, None)
    )
    charts = []
    for quantity in ("accuracy", "loss"):
        is_share = quantity == "accuracy"
        rows = [row for row in history if f"validation_{quantity}" in row]

        def write(value: float, is_share: bool = is_share) -> str:
            return format_percent(language, value, 0) if is_share else format_decimal(language, value)

        values = [row[f"{split}_{quantity}"] for row in rows for split in SPLIT_KINDS]
        description = "; ".join(
            translate(
                language,
                "models.curves.alt",
                split=translate(language, f"models.curves.{split}"),
                first=write(rows[0][f"{split}_{quantity}"]),
                last=write(rows[-1][f"{split}_{quantity}"]),
                epochs=len(rows),
            )
            for split in SPLIT_KINDS
        )
        title = translate(language, f"models.curves.{quantity}")
        if ends:
            told = ", ".join(format_decimal(language, end, None) for end in ends)
            title += f" ({translate(language, 'models.curves.another', epochs=told)})"
        # What is learnt from teachers, or their answers to views, is no loss by the labels, as validation's is.
        names = {split: f"models.curves.{split}" for split in SPLIT_KINDS}
        taught = any(one.get("teachers") or one.get("views") for one in list_trainings(trained_with))
        if quantity == "loss" and taught:
            names["train"] = "models.curves.taught"
        charts.append(
            render_chart(
                title,
                f"{title}. {description}.",
                epochs,
                Axis("", 0, 1 if is_share else 1.05 * max(values), write),
                [
                    Series(
                        translate(language, names[split]),
                        [(row["epoch"], row[f"{split}_{quantity}"]) for row in rows],
                        kind,
                        has_marks=len(rows) <= 20,
                    )
                    for split, kind in SPLIT_KINDS.items()
                ],
            )
        )
    return _render_pair(*charts)


def render_confusion_matrix(split: dict[str, Any] | None, name: str, labels: Sequence[str], language: str) -> str:
    """What each expression was taken for: a table whose cells are shaded by their share of the row."""
    if split is None:
        return _render_missing("models.confusion.title", language)
    words = [say(language, f"label.{label}") for label in labels]
    rows: list[Row] = []
    for index, (word, counts) in enumerate(zip(words, split["confusion_matrix"], strict=True)):
        total = max(sum(counts), 1)
        cells = [
            f'<td class="fer-shade{" fer-right" if index == column else ""}" style="--share:{count / total:.3f}">'
            f"{format_percent(language, count / total, 0)}<small>{format_count(language, count)}</small></td>"
            for column, count in enumerate(counts)
        ]
        rows.append([f"{word}<small>{format_count(language, sum(counts))}</small>", *cells])
    caption = translate(language, "models.confusion.caption", split=name, n=format_count(language, split["n"]))
    columns = [say(language, "models.confusion.corner"), *words]
    table = render_table(caption, columns, [("", rows)], "fer-confusion")
    return _render_part("models.confusion.title", table, language)


def render_recall(split: dict[str, Any] | None, name: str, labels: Sequence[str], language: str) -> str:
    """How many of each expression's faces are recognised, the best first."""
    if split is None:
        return _render_missing("models.recall.title", language)
    counts = [sum(row) for row in split["confusion_matrix"]]
    rows = [
        [
            say(language, f"label.{label}"),
            f'<td class="fer-meter"><i style="width:{recall:.1%}"></i><b>{format_percent(language, recall)}</b></td>',
            format_count(language, count),
        ]
        for recall, label, count in sorted(zip(split["recall"], labels, counts, strict=True), reverse=True)
    ]
    columns = [say(language, f"models.recall.{column}") for column in ("label", "share", "images")]
    metrics = "; ".join(
        f"{LOCALES[language].get(f'metric.{key}', metric.words)} "
        f"{format_percent(language, value) if metric.is_share else format_decimal(language, value, 2)}"
        for key, metric in METRICS.items()
        if (value := metric.read(key, split)) is not None
    )
    caption = translate(language, "models.recall.caption", split=name, metrics=metrics)
    return _render_part("models.recall.title", render_table(caption, columns, [("", rows)]), language)


def render_reliability(split: dict[str, Any] | None, name: str, language: str) -> str:
    """How often a model is right where it is so sure, before and after its temperature."""
    if split is None or "calibration" not in split:
        return _render_missing("models.reliability.title", language)
    series = [Series(translate(language, "models.reliability.honest"), [(0, 0), (1, 1)], "reference", has_marks=False)]
    described = []
    for key, kind, word in (("calibration_before", "b", "before"), ("calibration", "a", "after")):
        if key not in split:
            continue
        error = format_percent(language, split[key]["ece"])
        words = translate(language, f"models.reliability.{word}", error=error)
        described.append(words)
        series.append(Series(words, [(row["confidence"], row["accuracy"]) for row in split[key]["bins"]], kind))

    def write(value: float) -> str:
        return format_percent(language, value, 0)

    title = f"{translate(language, 'models.reliability.title')} ({name})"
    return render_chart(
        title,
        f"{title}. {'; '.join(described)}.",
        Axis(translate(language, "models.reliability.x"), 0, 1, write),
        Axis(translate(language, "models.reliability.y"), 0, 1, write),
        series,
    )


def render_robustness(robustness: dict[str, Any] | None, split: dict[str, Any] | None, language: str) -> str:
    """Accuracy on changed faces, one row a change, from weak to strong, and what is lost to the faces as they are."""
    if not robustness or not robustness.get("rows") or split is None:
        return _render_missing("models.robustness.title", language)
    cells_of: dict[str, list[str]] = {}
    for row in robustness["rows"]:
        loss = row["accuracy"] - split["accuracy"]
        level = format_level(language, f"models.level.{row['change']}", row["level"])
        cells_of.setdefault(row["change"], []).append(
            f'<td class="fer-shade fer-loss" style="--share:{min(max(-loss, 0) / 0.4, 1):.3f}">'
            f"<small>{escape(level)}</small>"
            f"{format_percent(language, row['accuracy'])}<small>{format_points(language, loss, sign=True)}</small></td>"
        )
    width = max(map(len, cells_of.values()))
    rows = [
        [_name_change(change, language), *cells, *[""] * (width - len(cells))] for change, cells in cells_of.items()
    ]
    caption = translate(language, "models.robustness.caption", accuracy=format_percent(language, split["accuracy"]))
    columns = [say(language, "models.robustness.change")]
    columns += [say(language, "models.robustness.level", number=index + 1) for index in range(width)]
    table = render_table(caption, columns, [("", rows)], "fer-robustness")
    return _render_part("models.robustness.title", table, language)


def render_provenance(checkpoint: Checkpoint, language: str) -> str:
    """What a reader needs to reproduce the figures: command, seed, images, commits, hardware."""
    results = checkpoint.results
    trained, measured = results.get("trained_with", {}), results.get("measured_with", {})
    # Views, and what has a head for each target, are made before; a smaller model to go on from `make` trains itself.
    parts = list_trainings(trained)
    goes_on = any(part.get("views") or part.get("recipe", {}).get("target") == "heads" for part in parts)
    facts = {
        "command": f"make {'train-all ' if goes_on else ''}train-{checkpoint.key}",
        "seed": results.get("seed"),
        "protocol": results.get("protocol"),
        "temperature": results.get("temperature") and format_decimal(language, results["temperature"], 3),
        "earlier": "; ".join(_describe_environment(part, language) for part in parts[:-1]),
        "trained": _describe_environment(trained, language),
        "measured": _describe_environment(measured, language),
    }
    items = "".join(
        f"<dt>{say(language, f'models.provenance.{key}')}</dt><dd><code>{escape(str(fact))}</code></dd>"
        for key, fact in facts.items()
        if fact not in (None, "")
    )
    return (
        f"<h3>{say(language, 'models.provenance.title')}</h3>"
        f'<dl class="fer-facts-list">{items}</dl>{_render_download(checkpoint, language)}'
    )


def _render_download(checkpoint: Checkpoint, language: str) -> str:
    if not checkpoint.results:
        return ""
    content = json.dumps(checkpoint.results).encode()
    words = translate(language, "models.provenance.download")
    return f"<p>{render_download(content, 'application/json', f'{checkpoint.key}.json', words)}</p>"


def _describe_environment(environment: Mapping[str, Any], language: str) -> str:
    hardware = format_hardware(language, environment.get("hardware", ""))
    facts = [hardware, environment.get("commit") and f"commit {shorten_commit(environment['commit'])}"]
    versions = environment.get("versions", {})
    facts += [f"{library} {versions[library]}" for library in ("torch", "transformers") if library in versions]
    return ", ".join(fact for fact in facts if fact)


def _name_change(change: str, language: str) -> str:
    name, unit = f"models.change.{change}", f"models.unit.{change}"
    if name not in LOCALES[language]:
        return escape(change)
    small = f"<small>{say(language, unit)}</small>" if unit in LOCALES[language] else ""
    return say(language, name) + small


def _render_pair(left: str, right: str) -> str:
    return f'<div class="fer-pair">{left}{right}</div>'


def _render_part(title_key: str, content: str, language: str) -> str:
    return f"<div><h3>{say(language, title_key)}</h3>{content}</div>"


def _render_missing(title_key: str, language: str) -> str:
    return _render_part(title_key, render_message(translate(language, "models.unmeasured")), language)
