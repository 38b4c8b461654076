"""Which crop the models do best with: `python -m training.evaluation.crop_rules`.

FER2013's validation images are set into larger pictures, found again by the detector and cut out by several rules. The
rule in `fer_models.faces` is to stay as long as none here is better by more than chance.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from fer_models.commands import at_least, command
from fer_models.faces import DetectedFace, FaceDetector, crop_box, crop_face
from fer_models.inference import LoadedModel, load_models
from fer_models.memory import keep_freed_memory
from fer_models.zoo import REPORT_MODELS

from ..runtime.measured import make_measuring_parser, write_measured
from .face_crop import PADDINGS, make_canvas
from .serving import SPLIT, describe_models, load_faces, measure_accuracies, predict_probabilities

# Sides of the square, in those of the present rule.
SIDES = (0.9, 1.0, 1.1, 1.2)
# Of its side a frame loses so much at an edge of the picture, where crops that leave the picture are compared.
CUT_FRACTION = 0.15
NUM_RESAMPLES = 2000

Crop = Callable[[Image.Image, DetectedFace], Image.Image]


def crop_square(picture: Image.Image, face: DetectedFace, side: float = 1, is_aligned: bool = False) -> Image.Image:
    """Cut by the present rule, but for the size of the square, or a turn that makes the line of the eyes level.

    Args:
        picture: The picture.
        face: The face; an aligned one has landmarks.
        side: Side of the square, in those of the present rule.
        is_aligned: Whether the picture is turned first, around the centre of the face's box.
    """
    left, top, right, bottom = face.whole
    x, y = (left + right) / 2, (top + bottom) / 2
    if is_aligned and face.landmarks_xy:
        (x0, y0), (x1, y1) = face.landmarks_xy[:2]
        angle = math.degrees(math.atan2(y1 - y0, x1 - x0))
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, center=(x, y))
    dx, dy = side * (right - left) / 2, side * (bottom - top) / 2
    return crop_face(picture, replace(face, box_xyxy=(x - dx, y - dy, x + dx, y + dy), whole_xyxy=None))


def crop_clipped(picture: Image.Image, face: DetectedFace) -> Image.Image:
    """What the square and the picture share; no square any more, so that preprocessing stretches it."""
    x0, y0, x1, y1 = crop_box(face)
    return picture.crop((max(x0, 0), max(y0, 0), min(x1, picture.width), min(y1, picture.height)))


def crop_moved(picture: Image.Image, face: DetectedFace) -> Image.Image:
    """The square, moved until it lies inside the picture."""
    x0, y0, x1, y1 = crop_box(face)
    dx = max(0, -x0) - max(0, x1 - picture.width)
    dy = max(0, -y0) - max(0, y1 - picture.height)
    return picture.crop((x0 + dx, y0 + dy, x1 + dx, y1 + dy))


def cut_picture(picture: Image.Image, frame: tuple[float, ...], edge: int) -> Image.Image:
    """Let the picture end within the frame.

    Args:
        picture: The picture with the frame in it.
        frame: Left, top, right, bottom of the frame, in pixels.
        edge: 0 left, 1 top, 2 right, 3 bottom.
    """
    x0, y0, x1, y1 = frame
    loss = CUT_FRACTION * (x1 - x0)
    cut = (x0 + loss, y0 + loss, x1 - loss, y1 - loss)
    left, top, right, bottom = (
        round(cut[i]) if i == edge else whole for i, whole in enumerate((0, 0, picture.width, picture.height))
    )
    return picture.crop((left, top, right, bottom))


def compare_rules(
    models: list[LoadedModel],
    pictures: list[Image.Image],
    frames: list[Image.Image],
    labels: np.ndarray,
    rules: dict[str, Crop],
    seed: int,
) -> dict[str, Any]:
    """Find the faces again, crop them by each rule, and count right answers.

    Args:
        models: The models.
        pictures: The pictures, mode L, one face each.
        frames: The images of FER2013 that they were made of.
        labels: `(N,)`, their classes.
        rules: Name -> rule; the first is the present one.
        seed: Fixes the bootstrap.

    Returns:
        `detected`, how many faces were found; only these count below. `frame`: accuracies of FER2013's own images, as
        `serving.measure_accuracies` gives them. `rules`: for each `accuracy` of its crops, and
        `average_minus_first_95`, the 95 % bootstrap interval of the average's gain over the first rule, in [-1, 1].
    """
    detector = FaceDetector()
    found = [detector.detect(picture, turned=False)[:1] for picture in pictures]
    kept = [i for i, faces in enumerate(found) if faces]
    labels = labels[kept]

    def answer(crops: list[Image.Image]) -> tuple[dict[str, Any], np.ndarray]:
        probabilities = predict_probabilities(models, crops)
        return measure_accuracies(models, probabilities, labels), probabilities.mean(0).argmax(-1) == labels

    rows: dict[str, Any] = {}
    first = None
    for name, rule in rules.items():
        accuracy, right = answer([rule(pictures[i], found[i][0]) for i in kept])
        first = right if first is None else first
        rows[name] = {"accuracy": accuracy, "average_minus_first_95": bootstrap_difference(right, first, seed)}
        print(f"{name:<24}{accuracy['average']:.4f}  {rows[name]['average_minus_first_95']}", flush=True)
    return {
        "detected": len(kept),
        "frame": answer([frames[i] for i in kept])[0],
        "rules": rows,
    }


def bootstrap_difference(right: np.ndarray, other: np.ndarray, seed: int) -> list[float]:
    """The 95 % interval of the difference of two accuracies on the same images, as [low, high].

    Args:
        right: `(N,)`, bool, which images one way gets right.
        other: The same of the other way, whose accuracy is subtracted.
        seed: Fixes the resampling.
    """
    difference = right.astype(float) - other
    indices = np.random.default_rng(seed).integers(len(difference), size=(NUM_RESAMPLES, len(difference)))
    return [round(float(x), 4) for x in np.percentile(difference[indices].mean(1), [2.5, 97.5])]


def measure_crop_rules(source: str, sample_size: int, seed: int, padding: str) -> dict[str, Any]:
    """Compare crop rules on a random sample of FER2013's official validation images.

    Args:
        source: FER2013, as `training.data` takes it.
        sample_size: How many images.
        seed: Fixes the sample, the edges and the bootstrap.
        padding: What surrounds the image in the picture, one of `PADDINGS`.

    Returns:
        The settings; `whole`, sizes with and without alignment, and `cut`, what is done where the picture ends within
        the face, both as `compare_rules` gives them.

    Raises:
        DataError: The data is not FER2013.
    """
    keep_freed_memory()
    models = load_models(REPORT_MODELS)  # the four that the page shows until a visitor chooses
    frames, labels = load_faces(source, sample_size, seed)
    canvases = [make_canvas(frame, padding) for frame in frames]
    pictures = [picture for picture, _ in canvases]
    rules: dict[str, Crop] = {"present": crop_face}
    for side in SIDES:
        for is_aligned in (False, True):
            if (side, is_aligned) != (1, False):
                name = f"side {side}{', aligned' if is_aligned else ''}"
                rules[name] = partial(crop_square, side=side, is_aligned=is_aligned)
    edges = np.random.default_rng(seed).integers(4, size=len(frames))
    cut = [cut_picture(*canvas, edge) for canvas, edge in zip(canvases, edges.tolist(), strict=True)]
    at_the_edge: dict[str, Crop] = {"present (edge repeated)": crop_face, "clipped": crop_clipped, "moved": crop_moved}
    return {
        "models": describe_models(models),
        "split": SPLIT,
        "n": sample_size,
        "seed": seed,
        "padding": padding,
        "cut_fraction": CUT_FRACTION,
        "whole": compare_rules(models, pictures, frames, labels, rules, seed),
        "cut": compare_rules(models, cut, frames, labels, at_the_edge, seed),
    }


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("evaluation.crop_rules", __doc__, "crop_rules.json")
    parser.add_argument("--n", type=at_least(1), default=1000, help="number of validation images")
    parser.add_argument("--seed", type=int, default=0, help="fixes all that is random")
    parser.add_argument("--padding", default="edge", choices=PADDINGS, help="around the image")
    arguments = parser.parse_args(argv)
    measured = measure_crop_rules(arguments.data, arguments.n, arguments.seed, arguments.padding)
    write_measured(arguments.output, measured)


if __name__ == "__main__":
    main()
