"""How FER2013 frames its faces, in terms of the detector's boxes: `python -m training.evaluation.face_crop`.

`fer_models.faces` takes its crop rule from the medians printed here, so that what the demo cuts out of a photo looks
like what the models were trained on.
"""

import json
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image

from fer_models.commands import CommandParser, at_least, command
from fer_models.faces import WEIGHTS_FILE, WEIGHTS_PACKAGE, Box, DetectedFace, FaceDetector

from ..data import add_data_option, load_fer2013
from ..runtime.provenance import describe_environment

# A detector expects a face in the middle of a picture, not one that is cut off on all sides: the frame is enlarged and
# set into a canvas of twice its side.
ENLARGEMENT = 4
MARGIN_FRACTION = 0.5
PADDINGS = ("grey", "edge")
GREY = 128


def make_canvas(frame: Image.Image, padding: str = "grey") -> tuple[Image.Image, Box]:
    """Set an image of FER2013 into a larger picture.

    Args:
        frame: The image, mode L.
        padding: What surrounds it: `grey`, or `edge` for its outermost pixels, repeated.

    Returns:
        The picture, mode L, and where in it the frame lies (left, top, right, bottom, in pixels).
    """
    side = frame.width * ENLARGEMENT
    margin = round(side * MARGIN_FRACTION)
    pixels = np.asarray(frame.resize((side, side), Image.Resampling.BICUBIC))
    pixels = np.pad(pixels, margin, mode="edge") if padding == "edge" else np.pad(pixels, margin, constant_values=GREY)
    return Image.fromarray(pixels), (margin, margin, margin + side, margin + side)


def describe_in_frame(face: DetectedFace, frame: Box) -> dict[str, float]:
    """Where a face lies in its frame, as fractions of the frame's side, and what follows for the crop rule.

    Returns:
        `x0`, `y0`, `x1`, `y1` of the box; the coordinates of the eyes (left and right as seen) and of the middle of the
        mouth; `crop_side` and the shifts of the frame's centre from the box's, in heights of the box.
    """
    if face.landmarks_xy is None:
        raise ValueError("The detector finds no landmarks.")
    side = frame[2] - frame[0]
    x0, y0, x1, y1 = ((value - origin) / side for value, origin in zip(face.box_xyxy, frame[:2] * 2, strict=True))
    points = (np.array(face.landmarks_xy) - frame[:2]) / side
    mouth = (points[3] + points[4]) / 2
    height = y1 - y0
    return {
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "left_eye_x": points[0][0],
        "left_eye_y": points[0][1],
        "right_eye_x": points[1][0],
        "right_eye_y": points[1][1],
        "mouth_x": mouth[0],
        "mouth_y": mouth[1],
        "crop_side": 1 / height,
        "crop_shift_right": (0.5 - (x0 + x1) / 2) / height,
        "crop_shift_down": (0.5 - (y0 + y1) / 2) / height,
    }


def measure_crop(source: str, sample_size: int, seed: int, padding: str) -> dict[str, Any]:
    """Measure how a random sample of FER2013's training images frames its faces.

    Args:
        source: FER2013, as `training.data` takes it.
        sample_size: How many images.
        seed: Fixes the sample.
        padding: What surrounds the frame, one of `PADDINGS`.

    Returns:
        The settings, versions, how many faces were `detected`, and `measured`: for each figure of
        `describe_in_frame` its `q25`, `median`, `q75` and `mean`. Of several faces in an image the largest counts.

    Raises:
        DataError: The data is not FER2013.
    """
    rows = load_fer2013(source)["train"]
    indices = np.random.default_rng(seed).choice(len(rows), sample_size, replace=False)
    detector = FaceDetector()
    described = []
    for row in rows.select(np.sort(indices)):
        picture, frame = make_canvas(row["image"].convert("L"), padding)
        if faces := detector.detect(picture, turned=False):
            described.append(describe_in_frame(faces[0], frame))
    measured = {}
    for name in described[0] if described else ():
        values = [one[name] for one in described]
        figures = [*np.percentile(values, (25, 50, 75)), np.mean(values)]
        measured[name] = {
            key: round(float(value), 4) for key, value in zip(("q25", "median", "q75", "mean"), figures, strict=True)
        }
    return {
        "detector": WEIGHTS_FILE,
        "versions": {package: version(package) for package in (WEIGHTS_PACKAGE, "opencv-python-headless", "pillow")},
        "split": "train",
        "n": sample_size,
        "seed": seed,
        "padding": padding,
        "detected": len(described),
        "measured": measured,
    }


@command
def main(argv: list[str] | None = None) -> None:
    parser = CommandParser(
        prog="python -m training.evaluation.face_crop", description="Measure how FER2013 frames its faces; prints JSON."
    )
    add_data_option(parser)
    parser.add_argument("--n", type=at_least(1), default=1000, help="number of training images")
    parser.add_argument("--seed", type=int, default=0, help="fixes the sample")
    parser.add_argument("--padding", default="grey", choices=PADDINGS, help="around the frame")
    arguments = parser.parse_args(argv)
    measured = measure_crop(arguments.data, arguments.n, arguments.seed, arguments.padding)
    environment = describe_environment()
    versions = environment["versions"] | measured["versions"]
    print(json.dumps(environment | measured | {"versions": versions}, indent=2))


if __name__ == "__main__":
    main()
