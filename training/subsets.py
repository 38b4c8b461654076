"""Parts of FER2013's splits on which its known faults weigh less."""

import hashlib

from datasets import Dataset
from datasets import Image as ImageFeature

from fer_models.configuration_fer import FER_LABELS

from .data import open_image

# The first seven of FER+'s ten columns of votes (Barsoum et al. 2016, arXiv:1608.01041); the others are contempt,
# unknown and no face.
FERPLUS_LABELS = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear")


def drop_copies(rows: Dataset, originals: Dataset) -> Dataset:
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
    column_of = [FERPLUS_LABELS.index(label) for label in FER_LABELS]
    return rows.select(
        [
            index
            for index, (votes, label) in enumerate(zip(rows["ferplus_votes"][:], rows["label"][:], strict=True))
            if votes and 2 * votes[column_of[label]] > sum(votes)
        ]
    )


def _digest_pixels(rows: Dataset) -> list[bytes]:
    raw = rows.cast_column("image", ImageFeature(decode=False))
    pairs = zip(raw["image"][:], raw["file_name"][:], strict=True)
    return [hashlib.sha256(open_image(*pair).convert("L").tobytes()).digest() for pair in pairs]
