"""Small videos that tests make of the portrait."""

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from photos import load_portrait, make_no_face
from PIL import Image

SIZE = (320, 240)
PORTRAIT = load_portrait().resize((205, 240))


def make_picture(left: int = 80) -> Image.Image:
    """The portrait on grey, its left edge at `left`, 320x240."""
    picture = Image.new("RGB", SIZE, "grey")
    picture.paste(PORTRAIT, (left, 0))
    return picture


def make_empty_picture() -> Image.Image:
    return make_no_face().resize(SIZE)


def write_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Tell players of an MP4 to show its pictures by a matrix: a, b, c, d of `x' = a x + c y` and `y' = b x + d y`."""
    a, b, c, d = (65536 * number for number in matrix)
    content = bytearray(path.read_bytes())
    struct.pack_into(">9i", content, content.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def write_video(
    path: Path,
    num_frames: int,
    make_frame: Callable[[int], Image.Image] | None = None,
    frames_per_second: int | Fraction = 10,
    times_s: Sequence[float] | None = None,
    rotation: int = 0,
    sound_s: int = 0,
    cover: bytes | None = None,
    faststart: bool = False,
    format: str | None = None,
    title: str = "",
) -> Path:
    """Write a video; by default its format is that of its ending, and the portrait moves to the right.

    Args:
        num_frames: How many pictures; with none there is no stream of pictures.
        make_frame: From its index to its picture.
        times_s: The time of each picture, where they are not even.
        rotation: How far a player turns it, counterclockwise, in degrees.
        sound_s: Add so many seconds of silence.
        cover: A JPEG to attach, as songs have them; Matroska only.
        faststart: Write the table of contents of an MP4 first.
    """
    make_frame = make_frame or (lambda index: make_picture(index % 100))
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", format=format, options=options) as container:
        if title:
            container.metadata["title"] = title
        if num_frames:
            stream = container.add_stream("libx264", rate=frames_per_second, options={"preset": "ultrafast"})
            stream.pix_fmt = "yuv420p"
            stream.width, stream.height = make_frame(0).size
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            if rotation:
                stream.set_display_rotation(rotation)
        if cover is not None:
            container.add_attachment("cover.jpg", "image/jpeg", cover)
        if sound_s:
            sound = container.add_stream("aac", rate=44100)
            samples = np.zeros((1, 44100 * sound_s), np.float32)
            silence = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            silence.sample_rate = 44100
            container.mux(sound.encode(silence))
            container.mux(sound.encode(None))
        for index in range(num_frames):
            frame = av.VideoFrame.from_image(make_frame(index))
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (times_s[index] if times_s else index / frames_per_second))
            container.mux(stream.encode(frame))
        if num_frames:
            container.mux(stream.encode(None))
    return path
