"""From a picture to what each model makes of its faces."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import PreTrainedModel

from .comparison import Comparison, Prediction
from .faces import DetectedFace, FaceDetector, crop_face
from .image_processing_fer import FerImageProcessor
from .images import NoFaceError, reduce_crop
from .quality import find_file_hints, find_hints, find_whole_hints
from .zoo import find_checkpoint, get_default_tag, list_models, load_checkpoint, make_remedy

# On what the one accuracy that is shown of a model was measured. Beside an answer, and of a model that learnt from
# votes, FER+'s test split, the labels of which are what most people saw. Of others PrivateTest without its copies of
# training images, else all of it. Not the report's test set, a half of which, PublicTest, chose the epochs.
PEOPLE_SPLIT = "ferplus_test"
SHOWN_SPLIT, SHOWN_SPLIT_ELSE = "official_test_without_copies", "official_test"
# Faces that a model gets at once: more would ask for gigabytes of memory.
MAX_BATCH = 256


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to use.

    Attributes:
        name: Its name in the zoo.
        tag: How it was trained.
        model: The model, in evaluation mode.
        image_processor: Its preprocessing.
        test_accuracy: Share of the test images that it gets right, in [0, 1], from its `results.json`, on the split
            that `choose_answer_split` names.
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


def load_models(
    names: Sequence[str] | None = None, tag: str | None = None, namespace: str | None = None
) -> list[LoadedModel]:
    """Load models and run each once, so that the first visitor does not wait.

    Args:
        names: Names in the zoo; by default all that are bundled, with a tag all that are bundled so.
        tag: The tag; by default the one that `zoo.TAGS` prefers.
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
        measured = read_accuracy(directory)
        models.append(LoadedModel(name, tag or get_default_tag(name), model, image_processor, *measured))
        predict(models[-1], Image.new("RGB", (48, 48)))
    return models


def read_accuracy(directory: Path) -> tuple[float, int, str]:
    """Accuracy, number of images and whose labels, as `LoadedModel` has them."""
    path = directory / "results.json"
    if not path.is_file():
        raise OSError(f"{directory} has no results.json. Measure it with training.evaluation.evaluate.")
    try:
        results = json.loads(path.read_text())
        split = choose_answer_split(results)
        test = results["splits"][split]
        return test["accuracy"], test["n"], "people" if split == PEOPLE_SPLIT else "fer2013"
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # no JSON, or another one
        raise OSError(f"{path} is damaged or cut short: {error!r}. {make_remedy(directory)}") from error


def choose_shown_split(results: Mapping[str, Any]) -> str:
    """The split of a `results.json` whose accuracy is shown where there is room for one; see `SHOWN_SPLIT`."""
    wanted = [PEOPLE_SPLIT] if results.get("target", "label") != "label" else []
    splits = results.get("splits", {})
    return next((split for split in (*wanted, SHOWN_SPLIT) if split in splits), SHOWN_SPLIT_ELSE)


def choose_answer_split(results: Mapping[str, Any]) -> str:
    """The split whose accuracy stands beside an answer: what most people saw, by which all can be compared."""
    return PEOPLE_SPLIT if PEOPLE_SPLIT in results.get("splits", {}) else choose_shown_split(results)


def predict(model: LoadedModel, face: Image.Image) -> Prediction:
    """Classify one face.

    Args:
        model: The model.
        face: The cropped face, any PIL mode and size.

    Raises:
        ValueError: The picture is empty.
    """
    return predict_all([model], [face])[0][0]


def predict_all(models: Sequence[LoadedModel], faces: Sequence[Image.Image]) -> list[list[Prediction]]:
    """Classify several faces with several models; those with the same preprocessing share its result.

    Args:
        models: The models.
        faces: The cropped faces, any PIL mode and size.

    Returns:
        For each model one for each face, in their orders.

    Raises:
        ValueError: A picture is empty.
    """
    chunks = [_predict_some(models, faces[start : start + MAX_BATCH]) for start in range(0, len(faces), MAX_BATCH)]
    return [[prediction for chunk in chunks for prediction in chunk[number]] for number in range(len(models))]


@torch.inference_mode()
def _predict_some(models: Sequence[LoadedModel], faces: Sequence[Image.Image]) -> list[list[Prediction]]:
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


def find_faces(
    image: Image.Image, detector: FaceDetector, whole_image: bool = False, face_index: int | None = None
) -> list[Comparison]:
    """Find what the models can be asked about in a picture; nobody is asked yet.

    Args:
        image: The picture, RGB, upright.
        detector: Finds the faces.
        whole_image: Take the whole picture for the face, as for one that is cropped already.
        face_index: Which face, counted from 0, largest first; by default all of them.

    Returns:
        One for each face, largest first.

    Raises:
        NoFaceError: There is none.
        ValueError: There are faces, but not that one.
    """
    if whole_image:
        return [Comparison([], None, image, [], find_whole_hints(image, detector))]
    faces = detector.detect(image)
    if not faces:
        raise NoFaceError(image)
    if face_index is None:
        return cut_out(image, faces, faces)
    if not 0 <= face_index < len(faces):
        raise ValueError(
            f"There is no face {face_index}: {len(faces)} found, numbered from 0 (the largest) to {len(faces) - 1}."
        )
    return cut_out(image, faces, [faces[face_index]])


def cut_out(image: Image.Image, faces: list[DetectedFace], chosen: Sequence[DetectedFace]) -> list[Comparison]:
    """The same for some of the faces that were found in a picture already."""
    crops = [crop_face(image, face) for face in chosen]
    return [
        Comparison(faces, face, crop, [], find_hints(image, face, crop))
        for face, crop in zip(chosen, crops, strict=True)
    ]


def classify(comparisons: Sequence[Comparison], models: Sequence[LoadedModel]) -> list[Comparison]:
    """Ask the models about what was found, in one picture or in several: all of it in one batch for each model.

    The crops are made smaller afterwards, if they are large.
    """
    by_model = predict_all(models, [one.crop for one in comparisons if one.crop])
    return [
        replace(one, crop=one.crop and reduce_crop(one.crop), predictions=list(predictions))
        for one, *predictions in zip(comparisons, *by_model, strict=True)
    ]


def compare(
    image: Image.Image,
    models: Sequence[LoadedModel],
    detector: FaceDetector,
    whole_image: bool = False,
    face_index: int = 0,
) -> Comparison:
    """Find the faces and classify one of them with every model; see `find_faces`.

    Without a face the answer is empty.

    Raises:
        ValueError: There are faces, but not that one.
    """
    try:
        return classify(find_faces(image, detector, whole_image, face_index), models)[0]
    except NoFaceError:
        return Comparison([], None, None, [], find_file_hints(image))


def to_json(comparison: Comparison, models: Sequence[LoadedModel]) -> dict[str, Any]:
    """A comparison as the JSON that the API, the command line and the page share.

    Returns:
        `faces`: the faces found, largest first, each with `box_xyxy`, four pixel coordinates in the file's picture,
        inside it; `score` in [0, 1]; `turned_degrees`, how far the picture was turned counterclockwise for this face to
        be upright, in (-180, 180], usually 0; and `tiled`, whether it is so small in a large picture that it was only
        found by looking part by part. `face_index`: which of them was looked at, or null. `face`: that one again, or
        null.
        `models`: for each model `model`, `tag`, `winner`, `probabilities` (label -> [0, 1]), `latency_ms`,
        `size_mb`, `test_accuracy`, `test_images` and `test_labels`, as `LoadedModel` has them. `votes`: `label` and the
        `models` that chose it, most first. `average`: label -> [0, 1], the mean of the models' probabilities; empty
        without a face.
        `favourite`: its most probable label, or null. `agreement`: how many models chose the favourite. `sure`: false
        where the favourite is too improbable, or too few models chose it, or as many chose another label, for it to
        be believed, or where it is not certain that there is a face. `hints`: what may explain a bad answer, each with
        `id`, `value` and `limit` of a `quality.Hint`; usually none.
    """
    faces = [
        {
            "box_xyxy": [round(x, 1) for x in face.box_xyxy],
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
