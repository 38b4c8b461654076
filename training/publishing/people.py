"""The tables of how far the models say what people saw: FER+'s majority, its votes, and the balance between classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fer_models.configuration_fer import FER_LABELS
from fer_models.inference import PEOPLE_SPLIT

from .markdown import MISSING, format_share, list_bundled, render_table
from .records import SPLITS

BALANCE_SPLIT = "ferplus_validation"


def render_people() -> str:
    """Agreement with most people on FER+'s test split, and with all of their votes.

    `eight classes` counts the faces that most people call contempt, too, for which the models have no label, as wrong:
    the accuracy of those who train eight classes stands beside it.
    """
    rows, baselines = [], set()
    for one in list_bundled():
        split, votes = one.get_split(PEOPLE_SPLIT), one.results.get("votes")
        if votes:
            baselines.add(f"{votes['annotator_distance']:.3f}")
        rows.append(
            [
                f"`{one.key}`",
                describe_accuracy(split),
                format_share(split, "macro_recall"),
                f"{share_of_eight(split, votes):.1%}" if split and votes else MISSING,
                f"{split['calibration']['ece']:.3f}" if split else MISSING,
                f"{votes['distance']:.3f}" if votes else MISSING,
            ]
        )
    header = ["model", "agrees with most people", "macro recall", "eight classes", "calibration error",
              "distance from the votes"]  # fmt: skip
    splits = [split for one in list_bundled() if (split := one.get_split(PEOPLE_SPLIT))]
    annotator = f" One annotator is {', '.join(sorted(baselines))} from the nine others." if baselines else ""
    return (
        f"{render_table(header, rows)}\n\nOn {SPLITS[PEOPLE_SPLIT]}. Distance: mean total variation, from 0 to 1, "
        "between a model's probabilities and the shares of the votes, over faces of PrivateTest that have some."
        f"{annotator}{describe_chance(splits)}"
    )


def describe_chance(splits: Sequence[dict[str, Any]]) -> str:
    """A sentence about how far chance moves macro recall, in which the few faces of the rarest class weigh most."""
    if not splits:
        return ""
    counts = np.array([split["confusion_matrix"] for split in splits]).sum(2)  # (models, labels)
    recall = np.array([split["recall"] for split in splits])
    widths = 1.96 * np.sqrt((recall * (1 - recall) / counts).sum(1)) / counts.shape[1]
    return (
        f" Macro recall hangs on {counts.min()} faces of {FER_LABELS[counts[0].argmin()]}: its 95 % intervals are "
        f"± {100 * widths.min():.1f} to {100 * widths.max():.1f} points."
    )


def render_balance() -> str:
    """What each strength of the class prior costs and brings, of the models that learnt from votes."""
    balanced = [(f"`{one.key}`", one.results) for one in list_bundled() if one.results.get("balance")]
    if not balanced:
        return "Not measured yet."
    strengths = [row["strength"] for row in balanced[0][1]["balance"]["rows"]]
    rows = []
    for index, strength in enumerate(strengths):
        cells = [run["balance"]["rows"][index] for _, run in balanced]
        rows.append([f"{strength:g}", *(f"{cell['accuracy']:.1%}, {cell['macro_recall']:.1%}" for cell in cells)])
    rows.append(["chosen", *(f"{run['prior_strength']:g}" for _, run in balanced)])
    table = render_table(["strength", *(f"{key}, accuracy, macro recall" for key, _ in balanced)], rows)
    return f"{table}\n\nOn {SPLITS[BALANCE_SPLIT]}, which chose the strength."


def describe_accuracy(split: dict[str, Any] | None) -> str:
    """Accuracy and its 95 % interval, such as `64.6% (63.1 to 66.2)`; a dash if the split was not measured."""
    if not split:
        return MISSING
    low, high = split["accuracy_interval_95"]
    return f"{split['accuracy']:.1%} ({100 * low:.1f}–{100 * high:.1f})"


def share_of_eight(split: dict[str, Any], votes: dict[str, Any]) -> float:
    """Accuracy on FER+'s test split where contempt is an eighth class that is never right."""
    return split["accuracy"] * split["n"] / (split["n"] + votes["n_contempt"])
