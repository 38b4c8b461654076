"""The report's Figures 1 to 4, a confusion matrix and a reliability plot of a checkpoint, from its JSON.

They are drawn when a model is pushed. `python -m training.publishing.plots` draws the ablations' figures.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_models.commands import CommandParser, command
from fer_models.inference import PEOPLE_SPLIT, SHOWN_SPLIT, SHOWN_SPLIT_ELSE, choose_shown_split
from fer_models.results import join_history, list_trainings

from .. import RESULTS_DIR

SPLIT_COLORS = {"train": "#2b6cb0", "validation": "#c05621"}
SPLIT_STYLES = {"train": "-", "validation": "--"}  # colour is never the only sign
PLOTTED_SPLITS = {
    SHOWN_SPLIT: "PrivateTest without copies",
    SHOWN_SPLIT_ELSE: "PrivateTest",
    PEOPLE_SPLIT: "PrivateTest, by what most people saw",
}


def plot_curves(
    history: list[dict[str, float]], title: str, ends: Sequence[int] = (), is_taught: bool = False
) -> Figure:
    """Accuracy and loss by epoch, train and validation, as in the report's Figures 1 to 4.

    Args:
        history: One row an epoch, as `history.json` holds them.
        title: Shown above.
        ends: After which epochs another training began.
        is_taught: Whether training's loss is one by teachers, too, and so no match for validation's.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        for split, color in SPLIT_COLORS.items():
            axes.plot(
                [row["epoch"] for row in history],
                [row[f"{split}_{quantity}"] for row in history],
                SPLIT_STYLES[split],
                color=color,
                label="train, by teachers too" if is_taught and (split, quantity) == ("train", "loss") else split,
            )
        for index, end in enumerate(ends):
            label = "another training" if index == 0 else None
            axes.axvline(end + 0.5, linestyle=":", color="grey", label=label)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return figure


def plot_confusion_matrix(counts: list[list[int]], labels: list[str], title: str) -> Figure:
    """Confusion matrix: each row, a true class, as shares of that class; counts are written into the cells.

    Args:
        counts: `(num_labels, num_labels)`; rows are true classes, columns predicted ones.
        labels: Class names in that order.
        title: Shown above.
    """
    matrix = np.asarray(counts)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.6, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels, rotation=45, ha="right")
    axes.set_yticks(ticks, labels)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for row in ticks:
        for column in ticks:
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{matrix[row, column]}", ha="center", va="center", color=color, fontsize=8)
    return figure


def plot_reliability(before: dict[str, Any], after: dict[str, Any], title: str) -> Figure:
    """How right a model is where it is so sure, before and after the temperature; on the diagonal it is honest.

    Args:
        before: What `metrics.expected_calibration_error` gives without the temperature.
        after: The same with it.
        title: Shown above.
    """
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color="grey", label="as sure as right")
    for calibration, style, color, words in ((before, "s--", "#c05621", "before"), (after, "o-", "#2b6cb0", "after")):
        bins = calibration["bins"]
        axes.plot(
            [row["confidence"] for row in bins],
            [row["accuracy"] for row in bins],
            style,
            color=color,
            label=f"{words} the temperature: error {calibration['ece']:.3f}",
        )
    axes.set(xlabel="probability of the winner", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1), title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")
    return figure


def plot_ablation(rows: list[dict[str, Any]], title: str) -> Figure:
    """Validation accuracy with each technique: a dot for each seed, a bar for their mean, a line where none leads to.

    Args:
        rows: What `ablation.describe_run` gives.
        title: Shown above.
    """
    scores: dict[str, list[float]] = {}
    for row in rows:
        scores.setdefault(row["technique"], []).append(100 * row["validation"])
    figure = Figure(figsize=(7.5, 0.42 * len(scores) + 1.3), layout="constrained")
    axes = figure.subplots()
    means = [float(np.mean(some)) for some in scores.values()]
    for position, (some, mean) in enumerate(zip(scores.values(), means, strict=True)):
        axes.plot(some, [position] * len(some), "o", color="#2b6cb0", alpha=0.75)
        axes.plot([mean, mean], [position - 0.3, position + 0.3], "-", color="#c05621", linewidth=2)
        axes.annotate(f"{mean:.1f}", (mean, position - 0.34), ha="center", va="bottom", fontsize=8)
    axes.axvline(means[0], linestyle=":", color="grey")
    axes.set_yticks(range(len(scores)), list(scores))
    axes.invert_yaxis()
    axes.margins(x=0.08, y=0.12)
    axes.set(xlabel="validation accuracy, %; dots: seeds, bars: their mean", title=title)
    axes.grid(alpha=0.3, axis="x")
    return figure


def to_png(figure: Figure) -> bytes:
    """A PNG without the date and the version of Matplotlib, so that equal figures are equal files."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def draw_checkpoint(directory: Path) -> dict[str, bytes]:
    """`curves.png`, `confusion_matrix.png` and `reliability.png` of a checkpoint.

    Args:
        directory: Folder with `results.json` and `history.json`, named `<name>.<tag>`.
    """
    name = directory.name
    results = json.loads((directory / "results.json").read_text())
    history = json.loads((directory / "history.json").read_text())
    trained_with = results.get("trained_with", {})
    history, ends = join_history(history, trained_with)
    is_taught = any(one.get("teachers") or one.get("views") for one in list_trainings(trained_with))
    split = choose_shown_split(results)
    test = results["splits"][split]
    images = f"{test['n']:,} images, {PLOTTED_SPLITS[split]}"
    figures = {
        "reliability": plot_reliability(test["calibration_before"], test["calibration"], f"{name}\n{images}"),
        "curves": plot_curves(history, f"{name}, seed {results['seed']}", ends, is_taught),
        "confusion_matrix": plot_confusion_matrix(
            test["confusion_matrix"],
            results["labels"],
            f"{name}: {test['accuracy']:.1%} of\n{images}",
        ),
    }
    return {f"{kind}.png": to_png(figure) for kind, figure in figures.items()}


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(prog="python -m training.publishing.plots", description=__doc__)
    parser.parse_args(argv)
    for path in sorted(RESULTS_DIR.glob("ablation.*.json")):
        ablation = json.loads(path.read_text())
        title = f"{ablation['recipe'].partition('.')[0]}, {ablation['rows'][0]['n']:,} images"
        path.with_suffix(".png").write_bytes(to_png(plot_ablation(ablation["rows"], title)))


if __name__ == "__main__":
    main()
