"""Which faces are found, and what is taken for one: `python -m training.evaluation.face_recall`.

Faces of FER2013's training images and of two portraits are set into pictures without people: upright, turned, and small
in large photos.
"""

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from fer_models.commands import at_least, command
from fer_models.face_search import SECOND_SCORE
from fer_models.faces import DetectedFace, FaceDetector, crop_face
from fer_models.inference import LoadedModel, load_models, predict_all
from fer_models.memory import keep_freed_memory
from fer_models.zoo import REPORT_MODELS

from ..data import load_fer2013
from ..runtime.measured import make_measuring_parser, write_measured
from .made_photos import Placed, load_pictures, load_portraits, make_background, make_noise, set_in

SPLIT = "train"
PHOTO_SIZE = (640, 480)
# Turns in degrees to either side, from one to the next.
TURNS = (0, 20, 45, 90, 135, 180)
# A turn that is no more wrong than this, in degrees, is right.
RIGHT_TURN = 25
MEGAPIXELS = (1, 3, 6, 12, 24, 48)
SIDES = (24, 32, 48, 64, 100, 150, 250, 400)
DOUBTS = (0.7, 0.75, 0.8, 0.85, 0.9)
NUM_THREADS = 2


class Photos:
    """Makes photos with faces in them, at random.

    Args:
        source: FER2013, as `training.data` takes it.
        n: How many of its training images are drawn; the two portraits come on top.
        seed: Fixes all that is random.
    """

    def __init__(self, source: str, n: int, seed: int):
        rows = load_fer2013(source)[SPLIT]
        self.random = np.random.default_rng(seed)
        chosen = np.sort(self.random.choice(len(rows), n, replace=False))
        self.faces = [row["image"].convert("RGB") for row in rows.select(chosen)]
        self.portraits = load_portraits()
        self.pictures = list(load_pictures().values())

    def make(self, size: tuple[int, int], faces: Sequence[Image.Image], places: Sequence[Placed]) -> Image.Image:
        """A photo of a size, in pixels, with faces at their places."""
        photo = make_background(self.pictures[self.random.integers(len(self.pictures))], size)
        for face, place in zip(faces, places, strict=True):
            set_in(photo, face, place)
        return photo


def measure_turned(photos: Photos, detector: FaceDetector, models: Sequence[LoadedModel]) -> list[dict[str, Any]]:
    """Faces turned by each range of `TURNS`, in the middle of a photo of `PHOTO_SIZE`.

    Returns:
        For each range its `degrees`, `n` photos; of these the shares `found`; `upright`, those found and cut out as
        upright as `RIGHT_TURN`; `same`, those of which the models' average says what it says of the same face upright;
        and `turned`, how many were.
    """
    faces = [*photos.faces, *photos.portraits * 5]
    rows = []
    for low, high in [(0, 0), *pairwise(TURNS)]:
        counts: dict[str, list[bool]] = {}
        for face in faces:
            angle = float(photos.random.uniform(low, high) * photos.random.choice([-1, 1]))
            side = float(photos.random.uniform(60, 200))
            state = photos.random.bit_generator.state
            place = Placed(PHOTO_SIZE[0] / 2, PHOTO_SIZE[1] / 2, side, angle)
            photo = photos.make(PHOTO_SIZE, [face], [place])
            photos.random.bit_generator.state = state  # the same background
            straight = Placed(place.x, place.y, side)
            wanted = _answer(models, photos.make(PHOTO_SIZE, [face], [straight]), _as_face(straight))
            found = place.find(detector.detect(photo))
            shares = {
                "found": found is not None,
                "upright": found is not None and place.measure_turn_error(found) <= RIGHT_TURN,
                "same": found is not None and _answer(models, photo, found) == wanted,
                "turned": found is not None and found.turned_degrees != 0,
            }
            for key, value in shares.items():
                counts.setdefault(key, []).append(value)
        rows.append({"degrees": [low, high], "n": len(faces)} | {key: _mean(values) for key, values in counts.items()})
        print(rows[-1], flush=True)
    return rows


def measure_large(photos: Photos, detector: FaceDetector, num_photos: int) -> list[dict[str, Any]]:
    """Small faces in large photos.

    Returns:
        For each of `MEGAPIXELS` the processor's seconds for all cores together, `cpu_s`, the least of the photos; and
        for each of `SIDES` the share `found` of `n` faces.
    """
    rows = []
    for megapixels in MEGAPIXELS:
        size = round(math.sqrt(megapixels * 4e6 / 3)), round(math.sqrt(megapixels * 3e6 / 4))
        sides = [side for side in SIDES if 4 * side <= size[0]]
        found: dict[int, list[bool]] = {side: [] for side in sides}
        seconds = []
        for i in range(num_photos):
            cells = photos.random.permutation(12)[: len(sides)]
            places = [
                Placed((cell % 4 + 0.5) * size[0] / 4, (cell // 4 + 0.5) * size[1] / 3, side)
                for cell, side in zip(cells, sides, strict=True)
            ]
            pool = photos.portraits if i % 2 else photos.faces
            faces = [pool[k] for k in photos.random.integers(len(pool), size=len(sides))]
            photo = photos.make(size, faces, places)
            start = time.process_time()
            faces_found = detector.detect(photo)
            seconds.append(time.process_time() - start)
            for place in places:
                found[int(place.side)].append(place.find(faces_found) is not None)
        by_side = [{"side": side, "n": len(some), "found": _mean(some)} for side, some in found.items()]
        rows.append({"megapixels": megapixels, "cpu_s": round(min(seconds), 3), "faces": by_side})
        print(rows[-1], flush=True)
    return rows


def measure_none(photos: Photos, detector: FaceDetector, seed: int) -> tuple[dict[str, Any], list[float]]:
    """Pictures that hold no face: as they are, turned, of half and of twice the size, large, and noise.

    Returns:
        `n` pictures, how many false faces in how many of them, and how many of those are not even doubtful; and how
        certain the detector was of each.
    """
    pictures = []
    for picture in photos.pictures:
        pictures += [picture, *(picture.rotate(angle, expand=True) for angle in (90, 180))]
        pictures += [ImageOps.scale(picture, 0.5), ImageOps.scale(picture, 2), make_background(picture, (2400, 1800))]
    pictures += make_noise(seed)
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        found = list(pool.map(detector.detect, pictures))
    certainties = [face.certainty for faces in found for face in faces]
    row = {
        "n": len(pictures),
        "false": sum(map(len, found)),
        "pictures": sum(map(bool, found)),
        "false_not_doubtful": sum(certainty > SECOND_SCORE for certainty in certainties),
    }
    print(row, flush=True)
    return row, certainties


def measure_upright(photos: Photos, detector: FaceDetector, false_certainties: Sequence[float]) -> dict[str, Any]:
    """Upright faces in photos of `PHOTO_SIZE`.

    Returns:
        `n` photos, in how many of them the face was `found`; `doubts`: for each threshold the shares of the `faces` and
        of the `false_faces` that are no more certain.
    """
    certainties = []
    for face in photos.faces:
        place = Placed(PHOTO_SIZE[0] / 2, PHOTO_SIZE[1] / 2, float(photos.random.uniform(60, 200)))
        photo = photos.make(PHOTO_SIZE, [face], [place])
        if found := place.find(detector.detect(photo)):
            certainties.append(found.certainty)
    row = {
        "n": len(photos.faces),
        "found": len(certainties),
        "doubts": [
            {
                "threshold": threshold,
                "faces": _mean([value <= threshold for value in certainties]),
                "false_faces": _mean([value <= threshold for value in false_certainties]),
            }
            for threshold in DOUBTS
        ],
    }
    print(row, flush=True)
    return row


def _answer(models: Sequence[LoadedModel], photo: Image.Image, face: DetectedFace) -> str:
    predictions = [one.probabilities for (one,) in predict_all(models, [crop_face(photo, face)])]
    return max(predictions[0], key=lambda label: sum(one[label] for one in predictions))


def _as_face(place: Placed) -> DetectedFace:
    half = place.side / 2
    return DetectedFace((place.x - half, place.y - half, place.x + half, place.y + half), 1.0)


def _mean(values: Sequence[bool]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("evaluation.face_recall", __doc__, "faces.json")
    parser.add_argument("--n", type=at_least(1), default=100, help="number of training images")
    parser.add_argument("--large", type=at_least(1), default=6, help="photos of each size")
    parser.add_argument("--seed", type=int, default=0, help="fixes all that is random")
    arguments = parser.parse_args(argv)
    keep_freed_memory()
    photos = Photos(arguments.data, arguments.n, arguments.seed)
    detector, models = FaceDetector(), load_models(REPORT_MODELS)
    none, false_certainties = measure_none(photos, detector, arguments.seed)
    result = {
        "split": SPLIT,
        "n": arguments.n,
        "portraits": len(photos.portraits),
        "seed": arguments.seed,
        "photo_size": PHOTO_SIZE,
        "none": none,
        "upright": measure_upright(photos, detector, false_certainties),
        "turned": measure_turned(photos, detector, models),
        "large": measure_large(photos, detector, arguments.large),
    }
    write_measured(arguments.output, result)


if __name__ == "__main__":
    main()
