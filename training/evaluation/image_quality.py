"""Which flaws of a picture cost answers: `python -m training.evaluation.image_quality`.

`fer_models.quality` takes its limits from what this prints: the mildest value from which on the models' average is
right clearly less often than on FER2013's validation images as they are. Right is what most of ten people saw.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from fer_models.commands import at_least, command
from fer_models.faces import FaceDetector, crop_face
from fer_models.image_processing_fer import FerImageProcessor
from fer_models.inference import LoadedModel, load_models
from fer_models.memory import keep_freed_memory
from fer_models.quality import RULES, measure_quality
from fer_models.zoo import REPORT_MODELS

from ..runtime.measured import make_measuring_parser, write_measured
from .corruptions import SEED, Change, add_noise, blur, change_brightness, change_contrast, cut, shrink
from .face_crop import make_canvas
from .serving import SPLIT, describe_models, load_faces, predict_probabilities

# So much less of the images, in [0, 1], must be right to speak of a flaw: about three standard errors of a bin.
CLEAR_FALL = 0.1

# Hint -> the change that causes the flaw, and its levels.
FLAWS: dict[str, tuple[Change, tuple[float, ...]]] = {
    "small": (shrink, (32, 24, 20, 16)),
    "dark": (change_brightness, (0.5, 0.25, 0.12)),
    "bright": (change_brightness, (1.5, 2.0, 3.0)),
    "flat": (change_contrast, (0.5, 0.25, 0.12)),
    "blurred": (blur, (0.5, 1.0, 1.5, 2.0)),
    "noisy": (add_noise, (0.05, 0.1, 0.2)),
    "cut": (cut, (0.1, 0.2, 0.3, 0.4)),
}
# Hints whose level is what `measure_quality` would find in a photo; the others are measured in the changed faces.
LEVEL_IS_VALUE = ("small", "cut")
# Hints from what the detector finds, and the angles in degrees by which the faces for them are turned, in this order.
FOUND = ("turned", "tilted", "doubtful")
ANGLES = (0, 15, 0, 30)


def sort_into_bins(values: np.ndarray, right: np.ndarray, is_floor: bool, size: int) -> list[dict[str, Any]]:
    """How often the average is right, by the size of the flaw.

    Args:
        values: `(N,)`, what was measured in each picture.
        right: `(N,)`, bool.
        is_floor: Whether lower values are worse.
        size: Pictures in a bin; the mildest bin may hold fewer. Equal values share a bin.

    Returns:
        For each bin, the worst first, its mildest `value`, `n` and `accuracy`.
    """
    order = np.argsort(values if is_floor else -values, kind="stable")
    values, right = values[order], right[order]
    bins, start = [], 0
    while start < len(values):
        end = min(start + size, len(values))
        while end < len(values) and values[end] == values[end - 1]:
            end += 1
        bins.append(
            {
                "value": round(float(values[end - 1]), 4),
                "n": end - start,
                "accuracy": round(float(right[start:end].mean()), 4),
            }
        )
        start = end
    return bins


def choose_limit(bins: Sequence[dict[str, Any]], accuracy: float) -> float | None:
    """The mildest value of the bins, counted from the worst, that all fall clearly below an accuracy; None without.

    Args:
        bins: As `sort_into_bins` gives them.
        accuracy: Of faces without flaw, in [0, 1].
    """
    limit = None
    for one in bins:
        if one["accuracy"] > accuracy - CLEAR_FALL:
            break
        limit = one["value"]
    return limit


def to_faces(pixel_values: torch.Tensor) -> list[Image.Image]:
    """Pictures, mode L, of `(N, 1, H, W)` in [0, 1]."""
    return [Image.fromarray(pixels) for pixels in (pixel_values[:, 0] * 255).round().to(torch.uint8).numpy()]


def is_right(models: Sequence[LoadedModel], faces: Sequence[Image.Image], labels: np.ndarray) -> np.ndarray:
    """Which faces the models' average gets right, `(N,)`, bool."""
    return predict_probabilities(models, faces).mean(0).argmax(-1) == labels


def measure_flaws(models: Sequence[LoadedModel], faces: list[Image.Image], labels: np.ndarray) -> dict[str, Any]:
    """Measure the flaws that a change of the faces causes.

    Args:
        models: The models.
        faces: FER2013's images, 48x48, mode L.
        labels: `(N,)`, their classes.

    Returns:
        `accuracy` of the average on the faces as they are. `hints`: for each the accuracy at each of the `levels`; the
        `bins` of the faces of all levels and as they are; the `limit` that follows, or None; and `unchanged`, the share
        of the faces that reach it as they are.
    """
    pixel_values = FerImageProcessor()(faces, return_tensors="pt")["pixel_values"]
    qualities = [measure_quality(face, None) for face in faces]
    plain = is_right(models, faces, labels)
    hints: dict[str, Any] = {}
    for id, (change, levels) in FLAWS.items():
        rule = RULES[id]
        in_faces = id not in LEVEL_IS_VALUE
        own = np.array([one[rule.quality] for one in qualities]) if in_faces else np.full(len(faces), np.nan)
        values, right, rows = [own], [plain], []
        for level in levels:
            changed = to_faces(change(pixel_values, level, torch.Generator().manual_seed(SEED)))
            found = [measure_quality(face, None)[rule.quality] for face in changed] if in_faces else level
            values.append(np.broadcast_to(np.array(found, float), len(faces)))
            right.append(is_right(models, changed, labels))
            rows.append({"level": level, "accuracy": round(float(right[-1].mean()), 4)})
        first = 0 if in_faces else 1  # of the faces as they are there is no level
        size = len(faces) // 2 if in_faces else len(faces)
        bins = sort_into_bins(np.concatenate(values[first:]), np.concatenate(right[first:]), rule.is_floor, size)
        limit = choose_limit(bins, plain.mean())
        reached = float(np.mean(own <= limit if rule.is_floor else own >= limit)) if in_faces and limit else None
        hints[id] = {"levels": rows, "bins": bins, "limit": limit, "unchanged": reached and round(reached, 4)}
        print(f"{id:<10}{limit}  {rows}", flush=True)
    return {"accuracy": round(float(plain.mean()), 4), "hints": hints}


def measure_found(
    models: Sequence[LoadedModel], faces: list[Image.Image], labels: np.ndarray, seed: int
) -> dict[str, Any]:
    """Measure the flaws that the detector tells, in faces that it finds again, some of them turned.

    Args:
        models: The models.
        faces: FER2013's images, 48x48, mode L.
        labels: `(N,)`, their classes.
        seed: Fixes the direction in which faces are turned.

    Returns:
        `found`, how many faces were; `angles`: for each of `ANGLES` `n` of the found, the `accuracy` of the average and
        the median `tilt` that was measured, in degrees; `hints`: for each its `bins`, and the `limit` that follows from
        the accuracy of the upright faces.
    """
    detector = FaceDetector()
    angles = np.resize(ANGLES, len(faces))
    signs = np.random.default_rng(seed).choice([-1, 1], len(faces))
    kept, crops, qualities = [], [], []
    for i, face in enumerate(faces):
        picture = make_canvas(face, "edge")[0].rotate(float(signs[i] * angles[i]), Image.Resampling.BICUBIC)
        if found := detector.detect(picture, turned=False):  # as crops are that nobody levels
            kept.append(i)
            crops.append(crop_face(picture, found[0]))
            qualities.append(measure_quality(picture, found[0]))
    angles, right = angles[kept], is_right(models, crops, labels[kept])
    tilt = np.array([one["tilt"] for one in qualities])
    rows = [
        {
            "angle": int(angle),
            "n": int((angles == angle).sum()),
            "accuracy": round(float(right[angles == angle].mean()), 4),
            "tilt": round(float(np.median(tilt[angles == angle])), 2),
        }
        for angle in np.unique(angles)
    ]
    hints = {}
    for id in FOUND:
        values = np.array([one[RULES[id].quality] for one in qualities])
        bins = sort_into_bins(values, right, RULES[id].is_floor, max(1, len(kept) // 10))
        hints[id] = {"bins": bins, "limit": choose_limit(bins, right[angles == 0].mean())}
        print(f"{id:<10}{hints[id]['limit']}  {bins}", flush=True)
    return {"found": len(kept), "angles": rows, "hints": hints}


@command
def main(argv: list[str] | None = None) -> None:
    parser = make_measuring_parser("evaluation.image_quality", __doc__, "quality.json")
    parser.add_argument("--n", type=at_least(1), default=600, help="images that are changed")
    parser.add_argument("--found", type=at_least(1), default=1600, help="images that are found again")
    parser.add_argument("--seed", type=int, default=0, help="fixes the samples")
    arguments = parser.parse_args(argv)
    keep_freed_memory()
    models = load_models(REPORT_MODELS)  # the four that the page shows until a visitor chooses
    result = {
        "models": describe_models(models),
        "split": SPLIT,
        "seed": arguments.seed,
        "clear_fall": CLEAR_FALL,
        "changed": {"n": arguments.n} | measure_flaws(models, *load_faces(arguments.data, arguments.n, arguments.seed)),
        "found": {"n": arguments.found}
        | measure_found(models, *load_faces(arguments.data, arguments.found, arguments.seed), arguments.seed),
    }
    write_measured(arguments.output, result)


if __name__ == "__main__":
    main()
