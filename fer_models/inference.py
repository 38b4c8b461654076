"""One face, several networks: what each of them makes of it, and whether they agree."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers import PreTrainedModel

from .faces import DetectedFace, FaceDetector, crop_face
from .image_processing_fer import FerImageProcessor
from .zoo import checkpoint_dir, get_entry, list_models, load


@dataclass(frozen=True)
class LoadedModel:
    """A network that is ready to use.

    Attributes:
        name: Its name in the zoo.
        tag: How it was trained.
        model: The network, in evaluation mode.
        image_processor: Its preprocessing.
        test_accuracy: Share of the test images that it gets right, in [0, 1], from its `results.json`.
        test_images: How many test images that were.
    """

    name: str
    tag: str
    model: PreTrainedModel
    image_processor: FerImageProcessor
    test_accuracy: float
    test_images: int

    @property
    def labels(self) -> list[str]:
        """The names of its classes, in the order of its logits."""
        return list((self.model.config.id2label or {}).values())


@dataclass(frozen=True)
class Prediction:
    """What one network makes of one face.

    Attributes:
        model: The network's name.
        probabilities: Each label's probability, in [0, 1], in the order of the network's labels; they sum to 1.
        latency_ms: Time for preprocessing and network, in milliseconds.
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
    """What all networks make of one picture.

    Attributes:
        faces: The faces found in the picture, largest first.
        face: The one that was looked at; None if the whole picture was taken, or none was found.
        crop: What was cut out for the networks, RGB; None if no face was found.
        predictions: One for each network; empty if no face was found.
    """

    faces: list[DetectedFace]
    face: DetectedFace | None
    crop: Image.Image | None
    predictions: list[Prediction]

    @property
    def votes(self) -> list[tuple[str, list[str]]]:
        """Winning labels with the networks that chose them; most votes first, ties in the order of the networks."""
        counts = Counter(prediction.winner for prediction in self.predictions)
        return [
            (label, [prediction.model for prediction in self.predictions if prediction.winner == label])
            for label, _ in counts.most_common()
        ]


def load_models(names: Sequence[str] | None = None, tag: str | None = None) -> list[LoadedModel]:
    """Load networks and run each once, so that the first visitor does not wait.

    Args:
        names: Names in the zoo; by default all.
        tag: The way of training; by default each network's best one.

    Raises:
        ValueError: There is no such model or tag.
        OSError: Weights or results are missing or damaged.
    """
    models = []
    for name in names or list_models():
        model, image_processor = load(name, tag)
        results = json.loads((checkpoint_dir(name, tag) / "results.json").read_text())
        test = results["splits"]["report_test"]
        models.append(
            LoadedModel(name, tag or get_entry(name).default_tag, model, image_processor, test["accuracy"], test["n"])
        )
        predict(models[-1], Image.new("RGB", (48, 48)))
    return models


@torch.inference_mode()
def predict(model: LoadedModel, face: Image.Image) -> Prediction:
    """Classify one face.

    Args:
        model: The network.
        face: The cropped face, any PIL mode and size.

    Raises:
        ValueError: The picture is empty.
    """
    start = time.perf_counter()
    pixel_values = model.image_processor(face, return_tensors="pt")["pixel_values"]
    logits = model.model(pixel_values.to(model.model.device)).logits[0]
    probabilities = logits.float().softmax(-1).tolist()
    latency_ms = 1000 * (time.perf_counter() - start)
    return Prediction(model.name, dict(zip(model.labels, probabilities, strict=True)), latency_ms)


def compare(
    image: Image.Image, models: Sequence[LoadedModel], detector: FaceDetector, whole_image: bool = False
) -> Comparison:
    """Find the largest face and classify it with every network.

    Args:
        image: The picture, RGB, upright.
        models: The networks.
        detector: Finds the faces.
        whole_image: Take the whole picture for the face, as for one that is cropped already.
    """
    if whole_image:
        faces, face, crop = [], None, image
    else:
        faces = detector.detect(image)
        if not faces:
            return Comparison([], None, None, [])
        face = faces[0]
        crop = crop_face(image, face)
    return Comparison(faces, face, crop, [predict(model, crop) for model in models])


def to_json(comparison: Comparison, models: Sequence[LoadedModel]) -> dict[str, Any]:
    """A comparison as the JSON that the API, the command line and the page share.

    Returns:
        `faces`: number of faces found. `face`: `box_xyxy`, four pixel coordinates in the picture, and `score` in
        [0, 1], or null. `models`: for each network `model`, `tag`, `winner`, `probabilities` (label -> [0, 1]),
        `latency_ms`, `test_accuracy` and `test_images`. `votes`: `label` and the `models` that chose it, most first.
    """
    face = comparison.face
    return {
        "faces": len(comparison.faces),
        "face": face and {"box_xyxy": [round(x, 1) for x in face.box_xyxy], "score": round(face.score, 4)},
        "models": [
            {
                "model": model.name,
                "tag": model.tag,
                "winner": prediction.winner,
                "probabilities": prediction.probabilities,
                "latency_ms": round(prediction.latency_ms, 2),
                "test_accuracy": model.test_accuracy,
                "test_images": model.test_images,
            }
            for model, prediction in zip(models, comparison.predictions, strict=False)
        ],
        "votes": [{"label": label, "models": names} for label, names in comparison.votes],
    }
