"""Photos made for measuring the detector: a face of known place, size and turn in a picture without people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from fer_models.faces import DetectedFace
from fer_models.packages import find_examples

# Pictures of scikit-image in which nobody is seen, not even on a coin.
PICTURES = (
    "brick.png",
    "cell.png",
    "chelsea.png",
    "chessboard_GRAY.png",
    "clock_motion.png",
    "coffee.png",
    "color.png",
    "grass.png",
    "gravel.png",
    "horse.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "logo.png",
    "microaneurysms.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "page.png",
    "phantom.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)
# A face's frame is set in with this much of its side around it, its own edge repeated and faded out.
FADE_FRACTION = 0.3
# A face was found if the box lies this close to its frame, in sides of it, and is as large within this factor.
MAX_DISTANCE, MAX_FACTOR = 0.35, 2.0


@dataclass(frozen=True)
class Placed:
    """Where a face was set into a photo.

    Attributes:
        x: Of its centre, in pixels.
        y: Of its centre, in pixels.
        side: Of its square frame, in pixels, as FER2013 frames faces.
        angle: By which it is turned counterclockwise, in degrees.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def find(self, faces: Sequence[DetectedFace]) -> DetectedFace | None:
        """The surest of the faces that is this one; None if it was not found."""
        same = [face for face in faces if self._is(face)]
        return max(same, key=lambda face: face.score, default=None)

    def _is(self, face: DetectedFace) -> bool:
        x, y = face.centre
        is_near = np.hypot(x - self.x, y - self.y) <= MAX_DISTANCE * self.side
        return bool(is_near) and 1 / MAX_FACTOR <= face.height / self.side <= MAX_FACTOR

    def measure_turn_error(self, face: DetectedFace) -> float:
        """How far the turn of a found face is wrong, in degrees, 0 to 180."""
        return abs((face.turned_degrees + self.angle + 180) % 360 - 180)


def load_pictures() -> dict[str, Image.Image]:
    """`PICTURES` by name, RGB."""
    folder = Path(skimage.data.__file__).parent
    return {name: Image.open(folder / name).convert("RGB") for name in PICTURES}


def load_portraits() -> list[Image.Image]:
    """The faces of the two public-domain portraits that the page offers, framed as FER2013 does, RGB."""

    hopper, astronaut = (Image.open(path).convert("RGB") for path in find_examples()[:2])
    return [hopper.crop((160, 120, 374, 334)), astronaut.crop((168, 63, 280, 175))]


def make_background(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A photo of a size, in pixels, filled with a picture and its mirror images."""
    pixels = np.asarray(picture)
    rows = _mirror(pixels.shape[0], size[1])
    columns = _mirror(pixels.shape[1], size[0])
    return Image.fromarray(pixels[rows[:, None], columns])


def set_in(photo: Image.Image, face: Image.Image, place: Placed) -> None:
    """Set a face into a photo; parts of it may lie beyond the edge.

    Args:
        photo: RGB; it is changed.
        face: Square, as FER2013 frames faces.
        place: Where.
    """
    margin = round(FADE_FRACTION * face.width)
    pixels = np.pad(np.asarray(face.convert("RGB")), ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    side = max(1, round(place.side * pixels.shape[0] / face.width))
    patch = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    across = np.abs((np.arange(side) + 0.5) / side * 2 - 1)
    radius = np.hypot(across, across[:, None])
    mask = Image.fromarray((255 * np.clip((1 - radius) / 0.25, 0, 1)).astype(np.uint8))
    corner = round(place.x - side / 2), round(place.y - side / 2)
    photo.paste(patch.rotate(place.angle, Image.Resampling.BICUBIC), corner, mask)


def _mirror(length: int, wanted: int) -> np.ndarray:
    """Indices of `wanted` pixels that run forth and back over `length`."""
    index = np.arange(wanted) % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


def make_noise(seed: int) -> list[Image.Image]:
    """Ten pictures of coloured noise, 640x480, from single pixels to blobs of 32."""
    random = np.random.default_rng(seed)
    return [
        Image.fromarray(random.integers(0, 256, (480 // size, 640 // size, 3), dtype=np.uint8)).resize(
            (640, 480), Image.Resampling.BICUBIC
        )
        for size in (1, 2, 4, 8, 16, 32, 1, 4, 16, 32)
    ]
