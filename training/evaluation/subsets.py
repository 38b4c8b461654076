"""Parts of FER2013's splits on which its known faults weigh less."""

import hashlib

from datasets import Dataset

from fer_models.configuration_fer import FER_LABELS

from ..data import iterate_grey
from ..votes import FERPLUS_COLUMNS, NO_MAJORITY, find_majority


def drop_duplicates(rows: Dataset, originals: Dataset) -> Dataset:
    """The rows whose picture is not, pixel for pixel, one of `originals`."""
    known = set(_digest_pixels(originals))
    return rows.select([index for index, digest in enumerate(_digest_pixels(rows)) if digest not in known])


def keep_agreed(rows: Dataset) -> Dataset:
    """The rows on whose label more than half of FER+'s annotators agree; none if the votes are not known.

    Args:
        rows: With or without the column `ferplus_votes`, ten numbers of votes a row, or null.
    """
    if "ferplus_votes" not in rows.column_names:
        return rows.select([])
    column_of = [FERPLUS_COLUMNS.index(label) for label in FER_LABELS]
    return rows.select(
        [
            index
            for index, (votes, label) in enumerate(zip(rows["ferplus_votes"][:], rows["label"][:], strict=True))
            if votes and 2 * votes[column_of[label]] > sum(votes)
        ]
    )


def take_majority(rows: Dataset) -> Dataset:
    """The rows on which one of the labels has more than half of FER+'s votes, with that label in place of FER2013's.

    Args:
        rows: With or without the column `ferplus_votes`, ten numbers of votes a row, or null; none are left without.
    """
    if "ferplus_votes" not in rows.column_names:
        return rows.select([])
    majority = find_majority(rows["ferplus_votes"][:])
    known = (majority != NO_MAJORITY).nonzero().flatten()
    kept = rows.select(known.tolist()).remove_columns("label")
    return kept.add_column("label", majority[known].tolist())


def _digest_pixels(rows: Dataset) -> list[bytes]:
    return [hashlib.sha256(grey).digest() for grey in iterate_grey(rows)]
