"""What models say of a face: whether they agree, and whether to believe them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from PIL import Image

from .faces import DetectedFace
from .quality import DOUBTS, Hint

# Below this average probability of the favourite the answer is "not sure": the lowest one from which on the average is
# right at least as often as wrong, on FER2013's validation split by what most people saw (`python -m
# training.evaluation.abstention` writes `training/results/unsure.json`). It covers most of the disagreement, too, which
# flattens the average.
SURE_PROBABILITY = 0.6
# And below this share of models that chose it, or where as many chose another. Above the probability fewer agree too
# rarely to measure; that two of four may differ is by the same measurement.
SURE_AGREEMENT = 0.5


@dataclass(frozen=True)
class Prediction:
    """What one model makes of one face.

    Attributes:
        model: The model's name.
        probabilities: Each label's probability, in [0, 1], in the order of the model's labels; they sum to 1.
        latency_ms: Time for preprocessing and model, in milliseconds; of a batch this face's share. Preprocessing
            that several models share counts for each.
    """

    model: str
    probabilities: dict[str, float]
    latency_ms: float

    @property
    def winner(self) -> str:
        """The most probable label."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class Comparison:
    """What all models make of one face of a picture.

    Attributes:
        faces: The faces found in the picture, largest first.
        face: The one that was looked at; None if the whole picture was taken, or none was found.
        crop: What was cut out for the models, RGB; of a large one the means of blocks, less than 1,920 by 1,920 of
            them, once the models have answered. None if no face was found, or if it is not kept.
        predictions: One for each model, all with the same labels; empty if none was asked.
        hints: What about the face, or the file, may explain a bad answer.
    """

    faces: list[DetectedFace]
    face: DetectedFace | None
    crop: Image.Image | None
    predictions: list[Prediction]
    hints: Sequence[Hint] = ()

    @property
    def face_index(self) -> int | None:
        """Which of `faces` was looked at, counted from 0; None if the whole picture was taken, or none was found."""
        return None if self.face is None else self.faces.index(self.face)

    @property
    def average(self) -> dict[str, float]:
        """Each label's probability, in [0, 1], the models' mean; they sum to 1. Empty if no face was found."""
        labels = self.predictions[0].probabilities if self.predictions else ()
        return {label: fmean(one.probabilities[label] for one in self.predictions) for label in labels}

    @property
    def favourite(self) -> str | None:
        """The label most probable on average; None if no face was found."""
        average = self.average
        return max(average, key=average.__getitem__, default=None)

    @property
    def agreement(self) -> int:
        """How many models chose the favourite."""
        return sum(prediction.winner == self.favourite for prediction in self.predictions)

    @property
    def doubts(self) -> list[Hint]:
        """Those of the hints with which no answer is sure, because there may be no face."""
        return [hint for hint in self.hints if hint.id in DOUBTS]

    @property
    def is_sure(self) -> bool:
        """Whether the favourite is probable enough and enough models chose it, and more than any other label.

        False if no face was found, or if what was found may be none.
        """
        return (
            bool(self.predictions)
            and not self.doubts
            and max(self.average.values()) >= SURE_PROBABILITY
            and self.agreement >= SURE_AGREEMENT * len(self.predictions)
            and (len(self.predictions) == 1 or self.majority is not None)
        )

    @property
    def votes(self) -> list[tuple[str, list[str]]]:
        """Winning labels with the models that chose them; most votes first, ties in the order of the models."""
        counts = Counter(prediction.winner for prediction in self.predictions)
        return [
            (label, [prediction.model for prediction in self.predictions if prediction.winner == label])
            for label, _ in counts.most_common()
        ]

    @property
    def majority(self) -> str | None:
        """The label that at least two models chose, and more than any other; None if there is no such label."""
        first, second = (*(len(names) for _, names in self.votes), 0, 0)[:2]
        return self.votes[0][0] if first > max(second, 1) else None

    def scaled(self, factor: float) -> "Comparison":
        """The same in a picture that is so many times as large along each side."""
        scaled = {face: face.scaled(factor) for face in self.faces}
        return replace(self, faces=list(scaled.values()), face=self.face and scaled[self.face])
