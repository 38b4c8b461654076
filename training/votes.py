"""FER+'s votes (Barsoum et al. 2016, arXiv:1608.01041): ten people's answers to each face, as targets and as labels."""

from collections.abc import Sequence

import torch
from datasets import Dataset

from fer_models.configuration_fer import FER_LABELS

from .data import DataError

# FER+'s ten columns, under our names.
FERPLUS_COLUMNS = (
    *("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear"),
    *("contempt", "unknown", "no_face"),
)
# What votes are cast for, in our order: the seven labels, then contempt.
VOTE_LABELS = (*FER_LABELS, "contempt")
# Of a face without a majority, or whose majority is none of the labels; what torch's cross-entropy passes over.
NO_MAJORITY = -100
NO_VOTES = "This source has no FER+ votes. The parquet files with the column ferplus_votes have them."


def read_votes(rows: Dataset) -> list[list[int] | None]:
    """Ten numbers of votes a face, in the order of `FERPLUS_COLUMNS`, or None.

    Raises:
        DataError: The source has no votes.
    """
    if "ferplus_votes" not in rows.column_names:
        raise DataError(NO_VOTES)
    return rows["ferplus_votes"][:]


def count_votes(rows: Sequence[Sequence[int] | None]) -> torch.Tensor:
    """Votes without outliers, as FER+ counts them: a column with a single vote counts for nothing.

    Args:
        rows: Ten numbers of votes a face, or None where there are none.

    Returns:
        `(N, 10)`, float32, in the order of `FERPLUS_COLUMNS`.
    """
    votes = torch.tensor([row or [0] * len(FERPLUS_COLUMNS) for row in rows], dtype=torch.float32)
    return votes.view(-1, len(FERPLUS_COLUMNS)) * (votes > 1).view(-1, len(FERPLUS_COLUMNS))


def make_targets(rows: Sequence[Sequence[int] | None]) -> torch.Tensor:
    """The distribution of the votes over `VOTE_LABELS`.

    Returns:
        `(N, 8)`, float32; rows sum to 1, or are all zero where there is nothing to learn from: no votes, or the most
        votes for "unknown" or "no face".
    """
    votes = count_votes(rows)
    shares = votes[:, [FERPLUS_COLUMNS.index(label) for label in VOTE_LABELS]]
    others = votes[:, len(VOTE_LABELS) :].amax(1)
    is_a_face = shares.amax(1) > others
    return torch.where(is_a_face[:, None], shares / shares.sum(1, keepdim=True).clamp(min=1), torch.zeros(()))


def make_label_targets(rows: Sequence[Sequence[int] | None]) -> torch.Tensor:
    """The distribution of the votes over the seven labels, `(N, 7)`: `make_targets` without contempt."""
    targets = make_targets(rows)[:, : len(FER_LABELS)]
    return targets / targets.sum(1, keepdim=True).clamp(min=1e-6)


def find_majority(rows: Sequence[Sequence[int] | None], labels: Sequence[str] = FER_LABELS) -> torch.Tensor:
    """The label that has more than half of the votes: FER+'s official rule for its test split.

    Args:
        rows: Ten numbers of votes a face, or None.
        labels: What is asked for: the seven labels, or `VOTE_LABELS` with contempt.

    Returns:
        `(N,)`, int64, indices of `labels`; `NO_MAJORITY` where no label has more than half, or another column has.
    """
    votes = count_votes(rows)
    most, winner = votes.max(1)
    index_of = torch.tensor([labels.index(name) if name in labels else NO_MAJORITY for name in FERPLUS_COLUMNS])
    return torch.where(2 * most > votes.sum(1), index_of[winner], NO_MAJORITY)


def count_distances(rows: Sequence[Sequence[int] | None]) -> float:
    """How far one annotator is from the others, over all faces: the mean total variation distance, in [0, 1].

    As a model is measured: each annotator who says one of the seven labels is compared with what `make_label_targets`
    makes of the others' votes.

    Args:
        rows: Ten numbers of votes a face, or None; faces of which a model could learn nothing are left out.
    """
    known = make_label_targets(rows).any(1).tolist()
    votes = torch.tensor([row for row, is_known in zip(rows, known, strict=True) if is_known])
    distances, annotators = torch.zeros(2, len(votes))
    for index, label in enumerate(FER_LABELS):
        others = votes.clone()
        others[:, FERPLUS_COLUMNS.index(label)] -= 1
        targets = make_label_targets(others.tolist())
        own = votes[:, FERPLUS_COLUMNS.index(label)] * targets.any(1)
        # From an answer that is all for one label, total variation is 1 less that label's share.
        distances += own * (1 - targets[:, index])
        annotators += own
    return (distances / annotators)[annotators > 0].mean().item()
