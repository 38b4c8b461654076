"""All models side by side: beside the report's figures, on five test sets, what they cost, and what it means."""

from collections.abc import Sequence
from html import escape
from statistics import fmean, stdev
from typing import Any

from ...inference import PEOPLE_SPLIT, SHOWN_SPLIT
from ...results import TEST_SPLITS, Checkpoint, find_ranks, group_by_tag, group_statistics, order_models, rank_printed
from ..locales import (
    LOCALES,
    format_count,
    format_decimal,
    format_hardware,
    format_percent,
    translate,
    translate_tag,
)
from .html import render_message, say
from .tables import Row, Scale, render_column, render_table

# Which sentences state a figure, by its name in the summary.
MEANINGS = {"models.meaning.labels": "agreed", "models.meaning.copies": "copies"}


def render_lead(checkpoints: Sequence[Checkpoint], language: str) -> str:
    """One paragraph: what guessing would reach by what most people saw, and the best model by FER2013's labels."""
    sentences = []
    for split_name in (PEOPLE_SPLIT, SHOWN_SPLIT):
        measured = [(split["accuracy"], one, split) for one in checkpoints if (split := one.get_split(split_name))]
        if not measured:
            continue
        accuracy, best, split = max(measured, key=lambda row: row[0])
        images_of = [sum(row) for row in split["confusion_matrix"]]
        most = max(range(len(images_of)), key=images_of.__getitem__)
        sentences.append(
            translate(
                language,
                f"models.lead.{split_name}",
                model=describe_model(best, language),
                accuracy=format_percent(language, accuracy),
                n=format_count(language, split["n"]),
                chance=format_percent(language, 1 / len(images_of)),
                label=translate(language, f"label.{best.results['labels'][most]}"),
                majority=format_percent(language, images_of[most] / split["n"]),
            )
        )
    if not sentences:
        return render_message(translate(language, "models.unmeasured"))
    return f'<p class="fer-small">{escape(" ".join(sentences))}</p>'


def render_heading(part: str, language: str) -> str:
    """The heading of a section, which its fold says to those who see it, and its first paragraph if it has one."""
    heading = f'<h2 class="fer-hidden" id="models.{part}">{say(language, f"models.{part}.title")}</h2>'
    key = f"models.{part}.text"
    return heading + (f"<p>{say(language, key)}</p>" if key in LOCALES[language] else "")


def render_report_comparison(summary: dict[str, Any], language: str) -> str:
    """The models trained here beside the report's own figures, with the spread over the seeds.

    Args:
        summary: What `results.read_summary` gives.
        language: One of `locales.LOCALES`.
    """
    published, runs_of = summary.get("published", {}), summary.get("runs", {})
    opening = render_heading("report", language)
    if not published or not runs_of:
        return opening + render_message(translate(language, "models.unmeasured"))
    scale = Scale(
        [run["report_test"] for runs in runs_of.values() for run in runs]
        + [figures["report_test"] for figures in published.values()]
    )
    groups = []
    for tag, names in group_by_tag(runs_of):
        both = [name for name in names if name in published]
        ours = find_ranks({name: [run["report_test"] for run in runs_of[f"{name}.{tag}"]] for name in both})
        theirs = rank_printed({name: published[name]["report_test"] for name in both})
        rows = [
            _render_report_row(
                name,
                runs_of[f"{name}.{tag}"],
                published.get(name),
                f"{ours[name].replace('-', '–')} ({theirs[name]})" if name in both and len(both) > 1 else "–",
                scale,
                language,
            )
            for name in names
        ]
        groups.append((describe_tag(tag, language), rows))
    columns = [
        render_column(translate(language, f"models.report.{column}"), note)
        for column, note in (
            ("model", ""),
            ("test", ""),
            ("published", ""),
            ("difference", translate(language, "models.points")),
            ("runs", _describe_scale(scale, language)),
            ("rank", ""),
            ("gap", translate(language, "models.points")),
            ("revision", ""),
        )
    ]
    table = render_table(translate(language, "models.report.caption"), columns, groups, "fer-report")
    return opening + render_statistics(summary, language) + table


def render_statistics(summary: dict[str, Any], language: str) -> str:
    """One paragraph: what the report's ranking becomes without lagging statistics; empty if it was not measured."""
    measured = summary.get("batch_norm")
    if not measured:
        return ""
    models = group_statistics(measured)
    changes = [
        translate(
            language,
            "models.statistics.change",
            model=one.name,
            before=format_percent(language, fmean(one.shares["before"])),
            after=format_percent(language, one.get_mean("after")),
        )
        for one in models
        if one.shares["after"]
    ]
    text = translate(
        language,
        "models.statistics.text",
        images=format_count(language, max(row["images"] for row in measured["rows"])),
        changes="; ".join(changes),
        before=", ".join(order_models(models, "before")),
        after=", ".join(order_models(models, "after")),
        seeds=", ".join(str(seed) for seed in sorted({row["seed"] for row in measured["rows"]})),
    )
    return f"<p>{escape(text)}</p>"


def _render_report_row(
    name: str,
    runs: Sequence[dict[str, Any]],
    published: dict[str, float] | None,
    rank: str,
    scale: Scale,
    language: str,
) -> Row:
    tests = [run["report_test"] for run in runs]
    mean = fmean(tests)
    gaps = [run["train"] - run["validation"] for run in runs if run["train"] is not None]
    gap = format_points(language, fmean(gaps)) if gaps else "–"
    count = translate(language, "models.report.seeds" if len(runs) > 1 else "models.report.seed", count=len(runs))
    accuracy = f"{_format_spread(tests, language)}<small>{escape(count)}</small>"
    marks = [("fer-dot", test) for test in tests]
    if published is None:
        return [escape(name), accuracy, "–", "–", scale.render(marks), rank, gap, "–"]
    their_gap = published["report_train"] - published["report_validation"]
    return [
        escape(name),
        accuracy,
        format_percent(language, published["report_test"]),
        format_points(language, mean - published["report_test"], sign=True),
        scale.render([*marks, ("fer-diamond", published["report_test"])]),
        rank,
        f"{gap} ({format_points(language, their_gap)})",
        format_percent(language, published["revision_test"]),
    ]


def render_test_sets(checkpoints: Sequence[Checkpoint], language: str) -> str:
    """Every bundled model on five test sets, with 95 % intervals."""
    measured = [split for one in checkpoints for name in TEST_SPLITS if (split := one.get_split(name))]
    opening = render_heading("sets", language)
    if not measured:
        return opening + render_message(translate(language, "models.unmeasured"))
    scale = Scale([bound for split in measured for bound in split["accuracy_interval_95"]])
    counts = {name: next((s["n"] for one in checkpoints if (s := one.get_split(name))), None) for name in TEST_SPLITS}
    columns = [say(language, "models.report.model")]
    columns += [
        render_column(
            translate(language, f"models.sets.{name}"),
            translate(language, "models.images", n=format_count(language, count)) if count else "",
        )
        for name, count in counts.items()
    ]
    of_key = {one.key: one for one in checkpoints}
    groups = []
    for tag, names in group_by_tag(of_key):
        rows = []
        for name in names:
            splits = map(of_key[f"{name}.{tag}"].get_split, counts)
            rows.append([escape(name), *(render_accuracy(split, scale, language) for split in splits)])
        groups.append((describe_tag(tag, language), rows))
    caption = f"{translate(language, 'models.sets.caption')} {_describe_scale(scale, language)}."
    return opening + render_table(caption, columns, groups, "fer-sets")


def render_accuracy(split: dict[str, Any] | None, scale: Scale, language: str) -> str:
    """A cell: the accuracy on a split, where it lies on the table's scale, and its interval."""
    if split is None:
        return f"<small>{say(language, 'models.unmeasured')}</small>"
    low, high = split["accuracy_interval_95"]
    interval = translate(
        language,
        "models.interval",
        low=format_percent(language, low),
        high=format_percent(language, high),
    )
    return (
        f"<b>{format_percent(language, split['accuracy'])}</b>"
        f"{scale.render([('fer-dot', split['accuracy'])], (low, high))}<small>{escape(interval)}</small>"
    )


def render_cost(summary: dict[str, Any], checkpoints: Sequence[Checkpoint], language: str) -> str:
    """Cost beside accuracy, as a table; empty if it was not measured. Trained in any way, a model costs the same."""
    cost = summary.get("cost")
    if not cost:
        return ""
    costs = {row["model"]: row for row in cost["models"]}
    shown = [one for one in checkpoints if one.name in costs]
    rows = []
    for one in shown:
        row = costs[one.name]
        rows.append(
            [
                f"{escape(one.name)}<small>{escape(translate_tag(one.tag, language))}</small>",
                *(
                    format_percent(language, measured["accuracy"]) if (measured := one.get_split(name)) else "–"
                    for name in (SHOWN_SPLIT, PEOPLE_SPLIT)
                ),
                f"{format_decimal(language, row['latency_ms'])} ms",
                format_count(language, round(row["images_per_second"])),
                format_count(language, row["parameters"]),
                f"{format_decimal(language, row['file_bytes'] / 1e6)} MB",
                f"{format_decimal(language, row['multiply_adds'] / 1e6)} M",
            ]
        )
    columns = [say(language, "models.report.model")]
    columns += [say(language, f"accuracy.{name}") for name in (SHOWN_SPLIT, PEOPLE_SPLIT)]
    columns += [
        say(language, f"models.cost.{column}")
        for column in ("latency", "throughput", "parameters", "file", "multiply_adds")
    ]
    caption = translate(
        language,
        "models.cost.caption",
        hardware=format_hardware(language, cost.get("hardware", "?")),
        threads=cost.get("threads", "?"),
    )
    table = render_table(caption, columns, [("", rows)], "fer-costs")
    return f"{render_heading('cost', language)}{table}"


def render_meaning(summary: dict[str, Any], language: str) -> str:
    """What the figures mean, how they came about, and what the models cannot do.

    Args:
        summary: What `results.read_summary` gives; a sentence whose figure it lacks is left out.
        language: One of `locales.LOCALES`.
    """
    figures = {name: format_percent(language, share, 0) for name, share in summary.get("labels", {}).items()}
    missing = {key for key, name in MEANINGS.items() if name not in figures}
    parts = []
    for part in ("meaning", "protocol", "limits", "uses"):
        items = "".join(
            f"<li>{say(language, key, **figures)}</li>"
            for key in LOCALES[language]
            if key.startswith(f"models.{part}.") and not key.endswith(".title") and key not in missing
        )
        parts.append(f"<section>{render_heading(part, language)}<ul>{items}</ul></section>")
    sources = say(language, "models.sources")
    return f'<div class="fer-words">{"".join(parts)}</div><p class="fer-small fer-sources">{sources}</p>'


def describe_tag(tag: str, language: str) -> str:
    """A way of training, and what it is if there are words for it, as HTML."""
    words = translate_tag(tag, language)
    return f"<b>{escape(tag)}</b>{f' {escape(words)}' if words != tag else ''}"


def describe_model(checkpoint: Checkpoint, language: str) -> str:
    """A model and how it was trained, in words: `dense (what ten people saw)`."""
    return f"{checkpoint.name} ({translate_tag(checkpoint.tag, language)})"


def format_points(language: str, share: float, sign: bool = False) -> str:
    """A difference of shares in points, with a real minus sign."""
    text = format_decimal(language, abs(100 * share))
    if not any(digit in text for digit in "123456789"):
        return text
    return f"{'−' if share < 0 else '+' if sign else ''}{text}"


def _format_spread(shares: Sequence[float], language: str) -> str:
    mean = f"<b>{format_percent(language, fmean(shares))}</b>"
    return mean if len(shares) < 2 else f"{mean} ± {format_decimal(language, 100 * stdev(shares))}"


def _describe_scale(scale: Scale, language: str) -> str:
    low, high = (format_percent(language, bound / 100, 0) for bound in (scale.low, scale.high))
    return translate(language, "models.scale", low=low, high=high)
