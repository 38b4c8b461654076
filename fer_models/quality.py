"""What about a picture of a face may explain a bad answer."""

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

from .face_search import SECOND_SCORE, cut_reflected
from .faces import DetectedFace, FaceDetector, crop_box, crop_face
from .image_processing_fer import FerImageProcessor
from .images import has_more_frames, reduce_crop

_image_processor = FerImageProcessor()


@dataclass(frozen=True)
class Rule:
    """When a hint is given.

    Attributes:
        quality: What is measured, a key of `measure_quality`'s.
        limit: The mildest value with the hint.
        is_floor: Whether lower values are worse; else higher ones are.
    """

    quality: str
    limit: float
    is_floor: bool

    def breaks(self, value: float) -> bool:
        """Whether a value deserves the hint."""
        return value <= self.limit if self.is_floor else value >= self.limit


# Beyond these the average of the four models that the page shows is right clearly less often: `python -m
# training.evaluation.image_quality` writes `training/results/quality.json`, of which these are the limits, rounded.
RULES: dict[str, Rule] = {
    "small": Rule("side", 24, is_floor=True),
    "dark": Rule("brightness", 0.125, is_floor=True),
    "bright": Rule("brightness", 0.74, is_floor=False),
    "flat": Rule("contrast", 0.107, is_floor=True),
    "blurred": Rule("sharpness", 0.062, is_floor=True),
    "noisy": Rule("sharpness", 1.75, is_floor=False),
    "turned": Rule("turn", 0.29, is_floor=False),
    # Heads are levelled from 20 degrees on, and below nothing falls clearly. This is for those that could not be.
    "tilted": Rule("tilt", 24, is_floor=False),
    "cut": Rule("cut", 0.4, is_floor=False),
    # By another measurement: what the detector finds with less is a face too rarely (`face_search.SECOND_SCORE`).
    "doubtful": Rule("score", SECOND_SCORE, is_floor=True),
}
# With one of these no answer is sure, whatever the models say: it may be about something that is no face.
DOUBTS = ("no_face", "doubtful")
# A picture that is taken for a face is continued by its reflection before a face is looked for in it, on each side by
# this share: cut out as FER2013's are, a face fills the picture.
WHOLE_MARGIN = 0.1
# A small face is blurred because it is small.
IMPLIED = {"small": "blurred"}


@dataclass(frozen=True)
class Hint:
    """Something that may explain a bad answer.

    Attributes:
        id: One of `RULES`, or `animated`, or `no_face`.
        value: What was measured, as `measure_quality` gives it.
        limit: The mildest value that gets this hint.
    """

    id: str
    value: float
    limit: float


# Nothing is measured: the file holds more frames than the first, which was looked at.
ANIMATED = Hint("animated", 1, 1)
# The whole picture was taken for a face, and none was found in it; values are numbers of faces.
NO_FACE = Hint("no_face", 0, 0)


def find_hints(image: Image.Image, face: DetectedFace | None, crop: Image.Image | None = None) -> list[Hint]:
    """Say what about a face in a picture may explain a bad answer; usually nothing.

    Args:
        image: The picture, any PIL mode, upright.
        face: The face in it; None if the whole picture is taken for one.
        crop: What was cut out for the face; by default it is cut out here.

    Returns:
        The hints: `animated` first, then those of `RULES`, in their order.

    Raises:
        ValueError: The picture is empty.
    """
    hints = _break_rules(measure_quality(image, face, crop))
    implied = {IMPLIED.get(hint.id) for hint in hints}
    return find_file_hints(image) + [hint for hint in hints if hint.id not in implied]


def find_whole_hints(image: Image.Image, detector: FaceDetector) -> list[Hint]:
    """The same for a picture that is taken for a face as a whole, with what the detector makes of it.

    Returns:
        The hints: `animated` first, then `no_face` if none is found in the picture, or `doubtful`, and the others.
    """
    small = reduce_crop(image).convert("RGB")
    dx, dy = WHOLE_MARGIN * small.width, WHOLE_MARGIN * small.height
    wide = cut_reflected(small, (-dx, -dy, small.width + dx, small.height + dy))
    certainty = max((face.certainty for face in detector.detect(wide, turned=False, tiled=False)), default=None)
    doubt = [NO_FACE] if certainty is None else _break_rules({"score": certainty})
    hints = find_hints(image, None)
    at = len(find_file_hints(image))
    return hints[:at] + doubt + hints[at:]


def find_file_hints(image: Image.Image) -> list[Hint]:
    """The part of `find_hints` that needs no face: whether the file of a picture holds more of them."""
    return [ANIMATED] if has_more_frames(image) else []


def measure_quality(image: Image.Image, face: DetectedFace | None, crop: Image.Image | None = None) -> dict[str, float]:
    """Measure what hints are given by.

    Args:
        image: The picture, any PIL mode, upright.
        face: The face in it; None if the whole picture is taken for one.
        crop: What was cut out for the face; by default it is cut out here.

    Returns:
        Of what the models see, 48x48 grey pixels: `brightness`, the mean, in [0, 1]; `contrast`, the standard
        deviation in means; `sharpness`, the variance of the Laplacian in variances, 0 or more, which does not depend on
        brightness and contrast. `side` of the crop, in pixels of the picture. With a face: `cut`, the share of its crop
        that lies outside the picture, in [0, 1], and its `score`, how certain the detector is in the end, in [0, 1].
        With landmarks: `turn`, how far the nose lies beside the middle of the eyes, along their line and in their
        distance, and `tilt` of their line in the crop against the horizontal, in degrees, both 0 or more.

    Raises:
        ValueError: The picture is empty.
    """
    if crop is None:
        crop = image if face is None else crop_face(image, face)
    grey = _image_processor(crop, return_tensors="np")["pixel_values"][0, 0].astype(float)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    qualities = {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std() / max(grey.mean(), 1 / 255)),
        "sharpness": float(laplacian.var() / max(grey.var(), (0.5 / 255) ** 2)),
        "side": float(min(crop.size)),
    }
    if face is not None:
        qualities |= {"cut": _measure_cut(image, face), "score": face.certainty}
        if face.landmarks_xy is not None:
            qualities |= {"turn": face.aside or 0.0, "tilt": abs(face.tilt or 0.0)}
    return qualities


def _break_rules(qualities: Mapping[str, float]) -> list[Hint]:
    return [
        Hint(id, qualities[rule.quality], rule.limit)
        for id, rule in RULES.items()
        if rule.quality in qualities and rule.breaks(qualities[rule.quality])
    ]


def _measure_cut(image: Image.Image, face: DetectedFace) -> float:
    x0, y0, x1, y1 = crop_box(face)
    width, height = min(x1, image.width) - max(x0, 0), min(y1, image.height) - max(y0, 0)
    return 1 - max(0, width) * max(0, height) / ((x1 - x0) * (y1 - y0))
