"""What ten people saw in FER2013's faces: `python -m training.evaluation.ferplus_votes`.

Counts FER+'s votes (Barsoum et al. 2016, arXiv:1608.01041) on PublicTest and writes `training/results/votes.json`:
shares only, no picture and no single vote.
"""

from typing import Any

import numpy as np
from datasets import Dataset

from fer_models.commands import command
from fer_models.configuration_fer import FER_LABELS

from ..data import load_fer2013
from ..runtime.measured import make_measuring_parser, write_measured
from ..votes import FERPLUS_COLUMNS, read_votes

SPLIT = "official_validation"  # PublicTest


def count_votes(rows: Dataset) -> dict[str, Any]:
    """How the votes fall on the images of each label.

    Args:
        rows: With `label`, and with `ferplus_votes`, ten numbers of votes a row, or null.

    Returns:
        `n` images with votes and `n_unknown` without; `labels`: for each label of FER2013 its `n` images with votes,
        `votes`, the mean share of an image's votes that each of the ten answers got, and `agreed`, the share of the
        images on which no answer got more votes than the label; none for a label without votes.

    Raises:
        DataError: The source has no votes.
    """
    answers = FERPLUS_COLUMNS
    pairs = [pair for pair in zip(rows["label"][:], read_votes(rows), strict=True) if pair[1] and sum(pair[1])]
    described = {}
    for index, label in enumerate(FER_LABELS):
        votes = np.array([votes for one, votes in pairs if one == index], dtype=float)
        if len(votes):
            shares = votes / votes.sum(1, keepdims=True)
            described[label] = {
                "n": len(votes),
                "votes": dict(zip(answers, shares.mean(0).round(4).tolist(), strict=True)),
                "agreed": round(float((votes[:, answers.index(label)] == votes.max(1)).mean()), 4),
            }
    return {"n": len(pairs), "n_unknown": len(rows) - len(pairs), "labels": described}


@command
def main(argv: list[str] | None = None) -> None:
    arguments = make_measuring_parser("evaluation.ferplus_votes", __doc__, "votes.json").parse_args(argv)
    result = {"split": SPLIT, **count_votes(load_fer2013(arguments.data)["validation"])}
    write_measured(arguments.output, result)
    for label, row in result["labels"].items():
        print(f"{label:<10}{row['n']:>6}{row['votes'][label]:>8.1%} of the votes{row['agreed']:>8.1%} agreed on")


if __name__ == "__main__":
    main()
