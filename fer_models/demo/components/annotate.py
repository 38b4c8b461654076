"""The video again, with what the models say of it: its pictures that were looked at, without sound."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
from PIL import Image, ImageDraw, ImageOps

from ...comparison import Comparison
from ...video import Moment
from .summary import load_font

MAIN_COLOR = "#2dd4bf"
OTHER_COLOR = "#ffffff"
LABEL_COLOR = "#000000"
# Times are written in milliseconds, so that each picture keeps its own.
TIME_BASE = Fraction(1, 1000)


class AnnotatedVideo:
    """Writes pictures with boxes and words as H.264 in MP4, which every browser plays. Use it in a `with` block.

    Args:
        path: Where to write; ends in `.mp4`.
        describe: The words for the main face, doubt included.
    """

    def __init__(self, path: Path, describe: Callable[[Comparison], str]):
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._describe = describe
        self._stream: av.VideoStream | None = None

    def __enter__(self) -> "AnnotatedVideo":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is not None and kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def add(self, moment: Moment) -> None:
        """Draw a picture and write it; the first one sets the size."""
        image = draw_faces(moment, self._describe)
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", options={"preset": "veryfast", "crf": "23"})
            self._stream.width, self._stream.height = (side + side % 2 for side in image.size)  # H.264 halves colours
            self._stream.pix_fmt = "yuv420p"
            self._stream.time_base = self._stream.codec_context.time_base = TIME_BASE
            self._stream.codec_context.thread_count = 1
        frame = av.VideoFrame.from_image(ImageOps.pad(image, (self._stream.width, self._stream.height)))
        frame.time_base = TIME_BASE
        frame.pts = round(moment.time_s / TIME_BASE)
        self._container.mux(self._stream.encode(frame))


def draw_faces(moment: Moment, describe: Callable[[Comparison], str]) -> Image.Image:
    """The picture with a box around every face, and words at the main one.

    Args:
        moment: Time, picture and faces.
        describe: The words for the main face.
    """
    image = moment.image.copy()
    draw = ImageDraw.Draw(image)
    line = max(2, max(image.size) // 300)
    comparison = moment.comparison
    for face in comparison.faces:
        is_main = face is comparison.face
        box = [side / moment.scale for side in face.box_xyxy]
        draw.rectangle(box, outline=MAIN_COLOR if is_main else OTHER_COLOR, width=line * (1 + is_main))
        if is_main:
            _write(draw, box[0], box[1], describe(comparison), image.size)
    return image


def _write(draw: ImageDraw.ImageDraw, left: float, bottom: float, text: str, size: tuple[int, int]) -> None:
    """Write a line above `bottom`, or where there is room for it."""
    font = load_font(max(12, max(size) // 28))
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    pad = (y1 - y0) // 4
    width, height = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
    left = min(max(0, left), max(0, size[0] - width))
    top = min(max(0, bottom - height), size[1] - height)
    draw.rectangle((left, top, left + width, top + height), fill=MAIN_COLOR)
    draw.text((left + pad - x0, top + pad - y0), text, font=font, fill=LABEL_COLOR)
