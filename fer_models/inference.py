"""Faces and networks: what each network makes of a face, whether they agree, and whether to believe them."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

import torch
from PIL import Image
from transformers import PreTrainedModel

from .faces import DetectedFace, FaceDetector, crop_face
from .image_processing_fer import FerImageProcessor
from .images import get_scale
from .quality import DOUBTS, Hint, find_file_hints, find_hints, find_whole_hints
from .zoo import find_checkpoint, get_default_tag, list_models, load_checkpoint

# Below this average probability of the favourite the answer is "not sure": the lowest one from which on the average is
# right at least as often as wrong, on FER2013's validation split (`python -m training.evaluation.abstention` writes
# `training/results/unsure.json`). It covers most of the disagreement, too, which flattens the average.
SURE_PROBABILITY = 0.5
# And below this share of networks that chose it, or where as many chose another. Above the probability fewer agree too
# rarely to measure; that two of four may differ is by the same measurement.
SURE_AGREEMENT = 0.5
# On what the one accuracy that is shown of a model was measured. Of one that learnt from votes, FER+'s test split, the
# labels of which are what most people saw. Of others PrivateTest without its copies of training images, else all of it.
# Not the report's test set, a half of which, PublicTest, chose the epochs.
PEOPLE_SPLIT = "ferplus_test"
SHOWN_SPLIT, SHOWN_SPLIT_ELSE = "official_test_without_copies", "official_test"


@dataclass(frozen=True)
class LoadedModel:
    """A network that is ready to use.

    Attributes:
        name: Its name in the zoo.
        tag: How it was trained.
        model: The network, in evaluation mode.
        image_processor: Its preprocessing.
        test_accuracy: Share of the test images that it gets right, in [0, 1], from its `results.json`, on the split
            that `choose_shown_split` names.
        test_images: How many test images that were.
        test_labels: Whose labels they have: `people`, what most of FER+'s annotators saw, or `fer2013`.
    """

    name: str
    tag: str
    model: PreTrainedModel
    image_processor: FerImageProcessor
    test_accuracy: float
    test_images: int
    test_labels: str = "fer2013"

    @property
    def labels(self) -> list[str]:
        """The names of its classes, in the order of its logits."""
        return list((self.model.config.id2label or {}).values())

    @cached_property
    def size_mb(self) -> float:
        """Size of its weights in megabytes (millions of bytes)."""
        return sum(weights.nbytes for weights in self.model.state_dict().values()) / 1e6

    @cached_property
    def preprocessing(self) -> str:
        """What its image processor does, as JSON: two models with the same see the same pixels."""
        return self.image_processor.to_json_string()


@dataclass(frozen=True)
class Prediction:
    """What one network makes of one face.

    Attributes:
        model: The network's name.
        probabilities: Each label's probability, in [0, 1], in the order of the network's labels; they sum to 1.
        latency_ms: Time for preprocessing and network, in milliseconds; of a batch this face's share. Preprocessing
            that several networks share counts for each.
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
    """What all networks make of one face of a picture.

    Attributes:
        faces: The faces found in the picture, largest first.
        face: The one that was looked at; None if the whole picture was taken, or none was found.
        crop: What was cut out for the networks, RGB; None if no face was found.
        predictions: One for each network, all with the same labels; empty if no face was found.
        hints: What about the face, or the file, may explain a bad answer.
        scale: How many pixels of its file one pixel of the picture is, along a side.
    """

    faces: list[DetectedFace]
    face: DetectedFace | None
    crop: Image.Image | None
    predictions: list[Prediction]
    hints: Sequence[Hint] = ()
    scale: float = 1.0

    @property
    def face_index(self) -> int | None:
        """Which of `faces` was looked at, counted from 0; None if the whole picture was taken, or none was found."""
        return None if self.face is None else self.faces.index(self.face)

    @property
    def average(self) -> dict[str, float]:
        """Each label's probability, in [0, 1], the networks' mean; they sum to 1. Empty if no face was found."""
        labels = self.predictions[0].probabilities if self.predictions else ()
        return {label: fmean(one.probabilities[label] for one in self.predictions) for label in labels}

    @property
    def favourite(self) -> str | None:
        """The label most probable on average; None if no face was found."""
        average = self.average
        return max(average, key=average.__getitem__, default=None)

    @property
    def agreement(self) -> int:
        """How many networks chose the favourite."""
        return sum(prediction.winner == self.favourite for prediction in self.predictions)

    @property
    def doubts(self) -> list[Hint]:
        """Those of the hints with which no answer is sure, because there may be no face."""
        return [hint for hint in self.hints if hint.id in DOUBTS]

    @property
    def is_sure(self) -> bool:
        """Whether the favourite is probable enough and enough networks chose it, and more than any other label.

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
        """Winning labels with the networks that chose them; most votes first, ties in the order of the networks."""
        counts = Counter(prediction.winner for prediction in self.predictions)
        return [
            (label, [prediction.model for prediction in self.predictions if prediction.winner == label])
            for label, _ in counts.most_common()
        ]

    @property
    def majority(self) -> str | None:
        """The label that at least two networks chose, and more than any other; None if there is no such label."""
        first, second = (*(len(names) for _, names in self.votes), 0, 0)[:2]
        return self.votes[0][0] if first > max(second, 1) else None


def load_models(
    names: Sequence[str] | None = None, tag: str | None = None, namespace: str | None = None
) -> list[LoadedModel]:
    """Load networks and run each once, so that the first visitor does not wait.

    Args:
        names: Names in the zoo; by default all that are bundled, with a tag all that are bundled so.
        tag: The way of training; by default the one that `zoo.TAGS` prefers.
        namespace: User or organization of the Hub to load them from, as `zoo.load` takes it.

    Raises:
        ValueError: There is no such model, tag or namespace.
        OSError: Weights or results are missing or damaged, or the Hub refuses them.
    """
    models = []
    for name in names or list_models(tag) or list_models():  # the last for the error that names the tags
        directory = find_checkpoint(name, tag, namespace)
        model, image_processor = load_checkpoint(name, directory)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-arg]  # faster on a CPU
        results = json.loads((directory / "results.json").read_text())
        split = choose_shown_split(results)
        test, labels = results["splits"][split], "people" if split == PEOPLE_SPLIT else "fer2013"
        models.append(
            LoadedModel(name, tag or get_default_tag(name), model, image_processor, test["accuracy"], test["n"], labels)
        )
        predict(models[-1], Image.new("RGB", (48, 48)))
    return models


def choose_shown_split(results: Mapping[str, Any]) -> str:
    """The split of a `results.json` whose accuracy is shown where there is room for one; see `SHOWN_SPLIT`."""
    wanted = [PEOPLE_SPLIT] if results.get("target", "label") != "label" else []
    splits = results.get("splits", {})
    return next((split for split in (*wanted, SHOWN_SPLIT) if split in splits), SHOWN_SPLIT_ELSE)


def predict(model: LoadedModel, face: Image.Image) -> Prediction:
    """Classify one face.

    Args:
        model: The network.
        face: The cropped face, any PIL mode and size.

    Raises:
        ValueError: The picture is empty.
    """
    return predict_batch(model, [face])[0]


def predict_batch(model: LoadedModel, faces: Sequence[Image.Image]) -> list[Prediction]:
    """Classify several faces at once.

    Args:
        model: The network.
        faces: The cropped faces, any PIL mode and size.

    Returns:
        One for each face, in their order.

    Raises:
        ValueError: A picture is empty.
    """
    return predict_all([model], faces)[0]


@torch.inference_mode()
def predict_all(models: Sequence[LoadedModel], faces: Sequence[Image.Image]) -> list[list[Prediction]]:
    """Classify several faces with several networks; those with the same preprocessing share its result.

    Args:
        models: The networks.
        faces: The cropped faces, any PIL mode and size.

    Returns:
        For each network one for each face, in their orders.

    Raises:
        ValueError: A picture is empty.
    """
    if not faces:
        return [[] for _ in models]
    prepared: dict[str, tuple[torch.Tensor, float]] = {}  # (N, 1, 48, 48), and the seconds that it took
    predictions = []
    for model in models:
        if model.preprocessing not in prepared:
            start = time.perf_counter()
            pixel_values = model.image_processor(list(faces), return_tensors="pt")["pixel_values"]
            prepared[model.preprocessing] = pixel_values, time.perf_counter() - start
        pixel_values, seconds = prepared[model.preprocessing]
        start = time.perf_counter()
        logits = model.model(pixel_values.to(model.model.device)).logits
        rows = logits.float().softmax(-1).tolist()
        latency_ms = 1000 * (seconds + time.perf_counter() - start) / len(faces)
        predictions.append(
            [Prediction(model.name, dict(zip(model.labels, row, strict=True)), latency_ms) for row in rows]
        )
    return predictions


def compare(
    image: Image.Image,
    models: Sequence[LoadedModel],
    detector: FaceDetector,
    whole_image: bool = False,
    face_index: int = 0,
) -> Comparison:
    """Find the faces and classify one of them with every network.

    Args:
        image: The picture, RGB, upright.
        models: The networks.
        detector: Finds the faces.
        whole_image: Take the whole picture for the face, as for one that is cropped already.
        face_index: Which face, counted from 0, largest first; of no meaning where none is found or looked for.

    Raises:
        ValueError: There are faces, but not that one.
    """
    if whole_image:
        faces, face, crop = [], None, image
        hints = find_whole_hints(image, detector)
    else:
        faces = detector.detect(image)
        if not faces:
            return Comparison([], None, None, [], find_file_hints(image))
        if not 0 <= face_index < len(faces):
            raise ValueError(
                f"There is no face {face_index}: {len(faces)} found, numbered from 0 (the largest) to {len(faces) - 1}."
            )
        face = faces[face_index]
        crop = crop_face(image, face)
        hints = find_hints(image, face)
    predictions = [ones[0] for ones in predict_all(models, [crop])]
    return Comparison(faces, face, crop, predictions, hints, get_scale(image))


def to_json(comparison: Comparison, models: Sequence[LoadedModel]) -> dict[str, Any]:
    """A comparison as the JSON that the API, the command line and the page share.

    Returns:
        `faces`: the faces found, largest first, each with `box_xyxy`, four pixel coordinates in the file's picture,
        inside it; `score` in [0, 1]; `turned_degrees`, how far the picture was turned counterclockwise for this face to
        be upright, in (-180, 180], usually 0; and `tiled`, whether it is so small in a large picture that it was only
        found by looking part by part. `face_index`: which of them was looked at, or null. `face`: that one again, or
        null.
        `models`: for each network `model`, `tag`, `winner`, `probabilities` (label -> [0, 1]), `latency_ms`,
        `size_mb`, `test_accuracy`, `test_images` and `test_labels`, as `LoadedModel` has them. `votes`: `label` and the
        `models` that chose it, most first. `average`: label -> [0, 1], the mean of the models' probabilities; empty
        without a face.
        `favourite`: its most probable label, or null. `agreement`: how many networks chose the favourite. `sure`: false
        where the favourite is too improbable, or too few networks chose it, or as many chose another label, for it to
        be believed, or where it is not certain that there is a face. `hints`: what may explain a bad answer, each with
        `id`, `value` and `limit` of a `quality.Hint`; usually none.
    """
    faces = [
        {
            "box_xyxy": [round(comparison.scale * x, 1) for x in face.box_xyxy],
            "score": round(face.score, 4),
            "turned_degrees": round(face.turned_degrees, 1),
            "tiled": face.tiled,
        }
        for face in comparison.faces
    ]
    index = comparison.face_index
    return {
        "faces": faces,
        "face_index": index,
        "face": None if index is None else faces[index],
        "models": [
            {
                "model": model.name,
                "tag": model.tag,
                "winner": prediction.winner,
                "probabilities": prediction.probabilities,
                "latency_ms": round(prediction.latency_ms, 2),
                "size_mb": round(model.size_mb, 2),
                "test_accuracy": model.test_accuracy,
                "test_images": model.test_images,
                "test_labels": model.test_labels,
            }
            for model, prediction in zip(models, comparison.predictions, strict=False)
        ],
        "votes": [{"label": label, "models": names} for label, names in comparison.votes],
        "average": comparison.average,
        "favourite": comparison.favourite,
        "agreement": comparison.agreement,
        "sure": comparison.is_sure,
        "hints": [{"id": hint.id, "value": round(hint.value, 3), "limit": hint.limit} for hint in comparison.hints],
    }
