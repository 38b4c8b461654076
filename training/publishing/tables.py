"""The tables of the measured figures, as Markdown."""

import json
from collections.abc import Sequence
from typing import Any

from fer_models import zoo
from fer_models.inference import PEOPLE_SPLIT, SHOWN_SPLIT, choose_shown_split
from fer_models.results import (
    METRICS,
    TEST_SPLITS,
    find_ranks,
    group_statistics,
    list_trainings,
    order_models,
    rank_printed,
    read_checkpoints,
    shorten_commit,
)
from fer_models.zoo import list_models

from .markdown import MISSING, fill_template, format_metrics, format_share, list_bundled, render_table
from .people import describe_accuracy
from .records import (
    SPLITS,
    describe_spread,
    find_cost,
    list_measured_tags,
    load_published,
    load_runs,
    load_seeds,
)

# The expected calibration error that is asked of every model.
MAX_CALIBRATION_ERROR = 0.03


def _percents(runs: list[dict[str, Any]], split: str, figure: str = "accuracy") -> list[float]:
    return [run["splits"][split][figure] for run in runs if split in run["splits"]]


def render_reproduction() -> str:
    """The models trained by the report's recipe beside the report's own figures (its Table 7)."""
    published = load_published()
    runs = {name: load_runs(name, "report") for name in list_models()}
    runs = {name: some for name, some in runs.items() if some and name in published}
    ranks = find_ranks({name: _percents(some, "report_test") for name, some in runs.items()})
    their_ranks = rank_printed({name: published[name]["report_test"] for name in runs})
    rows = []
    for name, some in runs.items():
        theirs = published[name]
        train = [run["last_epoch"]["train_accuracy"] for run in some]
        validation = _percents(some, "validation")
        gaps = [a - b for a, b in zip(train, validation, strict=True)]
        rows.append(
            [
                f"`{name}`",
                *(describe_spread(train), f"{theirs['report_train']:.1%}"),
                *(describe_spread(validation), f"{theirs['report_validation']:.1%}"),
                *(describe_spread(gaps), f"{theirs['report_train'] - theirs['report_validation']:.1%}"),
                *(describe_spread(_percents(some, "report_test")), f"{theirs['report_test']:.1%}"),
                *(ranks[name], their_ranks[name]),
            ]
        )
    figures = ("train", "validation", "gap", "test", "rank")
    header = ["model", *(f"{figure}, {whose}" for figure in figures for whose in ("ours", "report"))]
    return render_table(header, rows)


def render_statistics(measured: dict[str, Any]) -> str:
    """What lagging statistics of batch normalisation cost, as `training.evaluation.batch_norm` wrote it."""
    models = group_statistics(measured)
    orders = {when: order_models(models, when) for when in ("before", "after")}
    rows, changes = [], []
    for one in models:
        places = (str(orders[when].index(one.name) + 1) for when in ("before", "after"))
        cells = [
            describe_spread(shares[when])
            for shares in (one.shares, one.shares_without_copies)
            for when in ("before", "after")
        ]
        rows.append([f"`{one.name}`", *cells, *places])
        if one.shares["after"]:
            changes.append(
                f"`{one.name}` from {describe_spread(one.shares['before'])} to {describe_spread(one.shares['after'])}"
            )
    split, copies = (f"{SPLITS[name]}, n = {measured['rows'][0]['splits'][name]['n']:,}"
                     for name in ("official_test", "official_test_without_copies"))  # fmt: skip
    header = ["model", f"{split}, before", "after", f"{copies}, before", "after", "place before", "place after"]
    images = max(row["images"] for row in measured["rows"])
    intervals = [row["splits"]["official_test"]["before_interval_95"] for row in measured["rows"]]
    width = max(high - low for low, high in intervals) / 2
    seeds = ", ".join(str(seed) for seed in sorted({row["seed"] for row in measured["rows"]}))
    return (
        "With the bundled seed, the two models with batch normalisation rank last because their running statistics lag "
        f"behind the weights after ten epochs. Estimated anew from {images:,} training images, without labels and "
        f"without changing a weight, they raise accuracy on PrivateTest: {' and '.join(changes)}. The order there was "
        f"{_join(orders['before'])}; it becomes {_join(orders['after'])}. The 95 % intervals are "
        f"± {100 * width:.1f} points, so the first place stays open.{_order_other_seeds()}\n\n"
        f"{render_table(header, rows)}\n\n"
        f"Seeds: {seeds}; the weights of other seeds are not kept. `python -m training.evaluation.batch_norm`, "
        f"{measured['hardware']}, commit {shorten_commit(measured['commit'])}."
    )


def _order_other_seeds() -> str:
    """A sentence about the order of the report's recipes on PrivateTest with other seeds than the bundled."""
    shares: dict[int, dict[str, float]] = {}
    for name in list_models():
        for run in load_seeds(name, "report"):
            shares.setdefault(run["seed"], {})[name] = run["splits"]["official_test"]["accuracy"]
    orders = [f"with seed {seed} {_join(sorted(one, key=lambda name: -one[name]))}" for seed, one in shares.items()]
    return f" Trained with other seeds, the order is another one: {'; '.join(orders)}." if orders else ""


def _join(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def render_quality() -> str:
    """How good every bundled model is, by FER2013's labels and by what most people saw, and what it costs."""
    bundled = [one for one in read_checkpoints(zoo.CHECKPOINTS_DIR) if one.results]
    rows = []
    for one in bundled:
        people = one.get_split(PEOPLE_SPLIT)
        rows.append(
            [
                f"`{one.key}`",
                format_share(one.get_split(SHOWN_SPLIT), "accuracy"),
                format_share(one.get_split("official_test"), "accuracy"),
                format_share(people, "accuracy"),
                format_share(people, "macro_recall"),
                f"{people['calibration']['ece']:.3f}" if people else MISSING,
                *describe_cost(one.name, one.tag),
            ]
        )

    def head(words: str, split: str) -> str:
        n = next((figures["n"] for one in bundled if (figures := one.get_split(split))), None)
        return f"{words}, n = {n:,}" if n else words

    header = [
        "model",
        head("PrivateTest, no copies", SHOWN_SPLIT),
        head("PrivateTest", "official_test"),
        head("agrees with most people", PEOPLE_SPLIT),
        "macro recall, by people",
        "calibration error, by people",
        "file",
        "one face",
    ]
    return render_table(header, rows)


def describe_cost(name: str, tag: str) -> list[str]:
    """Size of the file, and the time for one face."""
    weights = zoo.CHECKPOINTS_DIR / f"{name}.{tag}" / "model.safetensors"
    if not weights.is_file():
        return [MISSING, MISSING]
    size = weights.stat().st_size
    cost = find_cost(name, size)
    return [f"{size / 1e6:.1f} MB", f"{cost['latency_ms']:.1f} ms" if cost else MISSING]


def render_notebook() -> str:
    """The variants of the author's notebook, where it differs from the report's printed tables."""
    published = load_published()
    rows = []
    for name in list_models():
        for run in load_runs(name, "notebook"):
            overrides = json.loads(run["config_overrides"])
            what = ", ".join(f"`{field}: {value}`" for field, value in overrides.items())
            splits = run["splits"]
            rows.append(
                [
                    f"`{name}`, {what}",
                    f"{run['last_epoch']['train_accuracy']:.1%}",
                    f"{splits['validation']['accuracy']:.1%}",
                    f"{splits['report_test']['accuracy']:.1%}",
                    f"{published[name]['report_test']:.1%}",
                ]
            )
    return render_table(["model", "train", "validation", "test", "report, test"], rows)


def render_accuracy() -> str:
    """Accuracy of every bundled checkpoint on every split, with its 95 % interval."""
    rows = []
    sizes: dict[str, str] = {}
    for one in list_bundled():
        splits = one.results["splits"]
        rows.append([f"`{one.key}`", *(describe_accuracy(splits.get(split)) for split in TEST_SPLITS)])
        for split in splits:
            sizes.setdefault(split, f", n = {splits[split]['n']:,}")
    return render_table(["model", *(f"{SPLITS[split]}{sizes.get(split, '')}" for split in TEST_SPLITS)], rows)


def render_flip(flip: dict[str, Any]) -> str:
    """Accuracy in one view and averaged over the mirror image, as `training.evaluation.flip_tta` wrote it."""
    by_checkpoint: dict[str, list[dict[str, Any]]] = {}
    for row in flip["rows"]:
        by_checkpoint.setdefault(f"`{row['model']}.{row['tag']}`", []).append(row)
    rows = []
    for name, some in by_checkpoint.items():
        cells = []
        for row in some:
            low, high = row["two_views_interval_95"]
            cells += [f"{row['one_view']:.1%}", f"{row['two_views']:.1%} ({100 * low:.1f}–{100 * high:.1f})"]
        rows.append([name, *cells])
    heads = [
        f"{SPLITS[row['split']]}, n = {row['n']:,}, {views}"
        for row in next(iter(by_checkpoint.values()))
        for views in ("one view", "two")
    ]
    return f"{render_table(['model', *heads], rows)}\n\n{flip['hardware']}, commit {shorten_commit(flip['commit'])}."


def render_classes() -> str:
    """`METRICS` and the recall of each class, a table for each split."""
    bundled = list_bundled()
    labels = bundled[0].results["labels"] if bundled else []
    tables = []
    for split in TEST_SPLITS:
        measured = [(f"`{one.key}`", one.get_split(split)) for one in bundled]
        n = next((one["n"] for _, one in measured if one), None)
        if n is None:
            continue
        rows = [
            [
                key,
                *format_metrics(one),
                *(f"{share:.1%}" for share in (one["recall"] if one else [])),
                *[MISSING] * (0 if one else len(labels)),
            ]
            for key, one in measured
        ]
        heading = f"On {SPLITS[split]}, n = {n:,}:"
        heads = ["model", *(metric.words for metric in METRICS.values()), *labels]
        tables.append(f"{heading}\n\n{render_table(heads, rows)}")
    return "\n\n".join(tables) or "Not measured yet."


def render_calibration() -> str:
    """Expected calibration error before and after the temperature, and who misses the target."""
    splits, moments = (SHOWN_SPLIT, PEOPLE_SPLIT), ("calibration_before", "calibration")
    rows, missed, worse = [], [], []
    for checkpoint in list_bundled():
        key, run = f"`{checkpoint.key}`", checkpoint.results
        measured = [checkpoint.get_split(split) for split in splits]
        errors = [f"{one[when]['ece']:.3f}" if one else MISSING for one in measured for when in moments]
        rows.append([key, f"{run['temperature']:.2f}", *errors])
        if shown := run["splits"].get(choose_shown_split(run)):
            before, after = (shown[when]["ece"] for when in moments)
            missed += [key] if after >= MAX_CALIBRATION_ERROR else []
            worse += [key] if after > before else []
    header = ["model", "temperature", *(f"{SPLITS[split]}, {when}" for split in splits for when in ("before", "after"))]
    return (
        f"{render_table(header, rows)}\n\nThe target is an error below {MAX_CALIBRATION_ERROR}, by the labels that a "
        "model learnt: FER2013's, or for `ferplus` people's majority. It "
        f"is missed by {', '.join(missed) or 'none'}. There, the temperature makes the error larger for "
        f"{', '.join(worse) or 'none'}."
    )


def render_runs() -> str:
    """Where every measured run comes from, bundled or not."""
    rows = []
    for name in list_models():
        for tag in list_measured_tags(name):
            for run in load_runs(name, tag):
                parts, measured = list_trainings(run["trained_with"]), run["measured_with"]
                rows.append(
                    [
                        f"`{name}.{tag}`",
                        str(run["seed"]),
                        " + ".join(f"{part['seconds'] / 60:.0f}" for part in parts),
                        ", ".join(dict.fromkeys(shorten_commit(part["commit"]) for part in parts)),
                        "; ".join(dict.fromkeys(part["hardware"] for part in parts)),
                        ", ".join(dict.fromkeys(str(part.get("threads", MISSING)) for part in parts)),
                        shorten_commit(measured["commit"]),
                        measured["hardware"],
                    ]
                )
    header = ["recipe", "seed", "minutes", "trained at commit", "on", "threads", "measured at commit", "on"]
    return render_table(header, rows)


def render_robustness() -> str:
    """Accuracy on the official test split under each change, one row each."""
    bundled = [(one.key, one.results) for one in list_bundled() if one.results.get("robustness", {}).get("rows")]
    if not bundled:
        return "Not measured yet."
    rows = [["unchanged", *(f"{run['splits']['official_test']['accuracy']:.1%}" for _, run in bundled)]]
    for index, row in enumerate(bundled[0][1]["robustness"]["rows"]):
        shares = [run["robustness"]["rows"][index]["accuracy"] for _, run in bundled]
        rows.append([f"{row['change']}, {row['level']}", *(f"{share:.1%}" for share in shares)])
    return render_table(["change", *(f"`{key}`" for key, _ in bundled)], rows)


def render_cost(cost: dict[str, Any]) -> str:
    """What each model costs, as `training.benchmarks.cost` wrote it."""
    rows = [
        [
            f"`{row['model']}`",
            f"{row['parameters']:,}",
            f"{row['file_bytes'] / 1e6:.1f} MB",
            f"{row['multiply_adds'] / 1e6:,.0f} million",
            f"{row['latency_ms']:.1f} ms ({row['latency_ratio']:.2f})",
            f"{row['images_per_second']:,.0f} ({row['throughput_ratio']:.2f})",
        ]
        for row in cost["models"]
    ]
    header = ["model", "parameters", "file", "multiply-adds", "one face (ratio)", "faces a second (ratio)"]
    return (
        f"{render_table(header, rows)}\n\nMedians of {cost['rounds']} rounds in which the models take turns; one "
        f"face with preprocessing, batches of {cost['batch_size']} without. {cost['hardware']}, threads: "
        f"{cost['threads']}, commit {shorten_commit(cost['commit'])}."
    )


def render_ablation(name: str, ablation: dict[str, Any]) -> str:
    """What each technique brings, as `training.ablation` wrote it of `training/ablations/<name>.yaml`."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for run in ablation["rows"]:
        runs.setdefault(run["technique"], []).append(run)
    rows = [
        [
            technique,
            ", ".join(str(run["seed"]) for run in some),
            ", ".join(f"{run['kept_epoch']} of {run['epochs']}" for run in some),
            describe_spread([run["train"] for run in some]),
            describe_spread([run["validation"] for run in some]),
            describe_spread([run["train"] - run["validation"] for run in some]),
        ]
        for technique, some in runs.items()
    ]
    header = ["technique", "seeds", "epoch kept", "train", "validation", "gap"]
    first = ablation["rows"][0]
    commits = ", ".join(sorted({shorten_commit(run["commit"]) for run in ablation["rows"]}))
    return (
        f"![Validation accuracy of each technique, a dot for each seed](../training/results/ablation.{name}.png)\n\n"
        f"{render_table(header, rows)}\n\nPublicTest, n = {first['n']:,}. {first['hardware']}, commits {commits}."
    )


def render_app(app: dict[str, Any]) -> str:
    """How the page behaves, as `training.benchmarks.app` wrote it."""
    load, refusals = app["load"], app["refusals"]
    words = {
        "p95_s": load["p95_ms"] / 1000,
        "slowest_s": load["max_ms"] / 1000,
        "oversized_mb": refusals["oversized_upload"]["bytes"] / 1e6,
        "answers": "answers" if refusals["answers_afterwards"] else "no answers",
        "commit": shorten_commit(app["commit"]),
    }
    return fill_template("app", app | words)
