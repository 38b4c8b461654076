"""A video, picture by picture: what the models make of its main face over time.

PyAV reads and writes it: its wheels carry FFmpeg with an H.264 encoder, which OpenCV's do not, and it tells each
picture's own time and the turn that phones note.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from PIL import Image

from .batch import describe_face
from .comparison import Comparison
from .faces import FaceDetector
from .images import ImageError
from .inference import LoadedModel, classify, cut_out
from .tracking import FaceTracker, Track

# The detector makes larger pictures smaller than this; what it does not see need not be kept.
WORKING_SIDE = 1024
# 4K. A decoder holds a score of pictures.
MAX_FRAME_PIXELS = 4096 * 2304
# Formats that hold their pictures themselves. Others, such as playlists, make FFmpeg open further files and addresses.
FORMATS = "mov,matroska,avi,mpeg,mpegts,asf,flv,ogg"
# Of these FFmpeg tells when the video ends, on a clock on which it may begin late; of the others, how long it is.
FORMATS_WITH_END = ("matroska,webm", "asf")
# Of these it tells this of pictures and sound together, and sound may go on for longer.
FORMATS_WITHOUT_LENGTHS = ("asf", "flv")
# How Matroska tells of a stream of pictures when it ends.
LENGTH = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
# How a display matrix moves the point `(x, y)` of a picture, by its numbers a, b, c, d: `x' = a x + c y` and
# `y' = b x + d y`.
TURNS: dict[tuple[int, int, int, int], Image.Transpose | None] = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
# A video that ends this much before the time it tells was cut short; sound and pictures rarely end together.
CUT_TOLERANCE_S = 2.0


class VideoError(ImageError):
    """A video cannot be used, or not to its end.

    Attributes:
        reason: `video_missing`, `video_unreadable`, `video_without_pictures`, `video_too_large`, `video_too_long` or
            `video_cut`; an id, for translation.
    """


@dataclass(frozen=True)
class Moment:
    """What the models make of the main face at one time of a video.

    Attributes:
        time_s: Since the first picture, in seconds, as the video tells; it may begin at any time.
        duration_s: Of the whole video as it tells, in seconds; None if it does not.
        image: The picture, RGB, upright, its longer side at most `WORKING_SIDE` pixels.
        scale: Pixels of the upright video for each pixel of `image`.
        comparison: The faces, boxes in pixels of the upright video; the main one is looked at. Without predictions
            where it is out of sight.
    """

    time_s: float
    duration_s: float | None
    image: Image.Image
    scale: float
    comparison: Comparison


def analyze_video(
    path: Path,
    models: Sequence[LoadedModel],
    detector: FaceDetector,
    frames_per_second: float = 4.0,
    max_duration_s: float | None = None,
) -> Generator[Moment, None, None]:
    """Follow the main face of a video: the largest one first, then the same for as long as it stays in sight.

    One picture is in memory at a time, beside those of the decoder.

    Args:
        path: The video.
        models: The models.
        detector: Finds the faces.
        frames_per_second: How many pictures per second of the video are looked at, at most.
        max_duration_s: Longer videos are refused.

    Raises:
        VideoError: The video cannot be used; or it ended too early, and what was told until then is true.
    """
    tracker = FaceTracker()
    main: Track | None = None
    for time_s, duration_s, image, scale in read_frames(path, frames_per_second, max_duration_s):
        faces = detector.detect(image)
        tracks = tracker.update(faces, time_s)
        if main is None or not tracker.remembers(main):
            main = tracks[0] if tracks else None
        found = [main.face] if main is not None and main in tracks else []
        comparisons = classify(cut_out(image, faces, found), models) or [Comparison(faces, None, None, [])]
        yield Moment(time_s, duration_s, image, scale, comparisons[0].scaled(scale))


def to_row(moment: Moment, models: Sequence[LoadedModel]) -> dict[str, Any]:
    """A moment as the command line and the page share it.

    Returns:
        `time_s`, `faces`: how many there are, and the rest as in `batch.to_rows`, about the main face; empty, null, 0
        and false where it is out of sight.
    """
    return {
        "time_s": round(moment.time_s, 3),
        "faces": len(moment.comparison.faces),
        **describe_face(moment.comparison, models),
    }


def read_frames(
    path: Path, frames_per_second: float, max_duration_s: float | None = None
) -> Iterator[tuple[float, float | None, Image.Image, float]]:
    """Read pictures of a video at about even times.

    Yields:
        Time, duration, picture and scale, as in `Moment`.

    Raises:
        VideoError: As `analyze_video`.
    """
    too_long = VideoError("video_too_long", f"The video is longer than {max_duration_s or 0:g} s. Cut it.")
    with _open(path) as container:
        stream = _choose_stream(container)
        begins_s = None if stream.start_time is None else float(stream.start_time * (stream.time_base or 0))
        duration_s = _read_duration(container, stream, begins_s)
        if max_duration_s is not None and (duration_s or 0) > max_duration_s:
            raise too_long
        start_s: float | None = None
        time_s, end_s, last_slot, is_damaged = 0.0, 0.0, -1, False
        for frame in _decode(container, stream):
            if frame is None:
                is_damaged = True
                continue
            if start_s is None:
                start_s = frame.time
                duration_s = _read_duration(container, stream, start_s)
            time_s = frame.time - start_s
            end_s = time_s + float((frame.duration or 0) * (frame.time_base or 0))
            if max_duration_s is not None and max(time_s, duration_s or 0) > max_duration_s:
                raise too_long
            slot = floor(time_s * frames_per_second + 1e-6)
            if slot > last_slot:
                try:
                    picture = _to_upright(frame, stream.sample_aspect_ratio or Fraction(1))
                except (av.FFmpegError, ValueError):  # colours that cannot be converted
                    is_damaged = True
                    continue
                last_slot = slot
                yield time_s, duration_s, *picture
        if start_s is None:
            reason = "video_unreadable" if is_damaged else "video_without_pictures"
            raise VideoError(reason, "No picture of the video can be read.")
        is_told = not (container.streams.audio and container.format.name in FORMATS_WITHOUT_LENGTHS)
        if is_damaged or (is_told and (duration_s or 0) - end_s > CUT_TOLERANCE_S):
            raise VideoError("video_cut", f"The video is damaged or cut short. It was read until {time_s:.1f} s.")


def _open(path: Path) -> av.container.InputContainer:
    try:
        options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
        return av.open(str(path), options=options, metadata_errors="replace")  # titles in any letters decide nothing
    except FileNotFoundError as error:
        raise VideoError("video_missing", f"There is no file {path.name}.") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError("video_unreadable", "The file is damaged, cut short, or no video that can be read.") from error


def _choose_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The first stream of pictures that is no cover of a sound file, ready to be decoded."""
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoError("video_without_pictures", "There are no pictures in this file, only sound or nothing.")
    stream = streams[0]
    if stream.width * stream.height > MAX_FRAME_PIXELS:
        raise VideoError(
            "video_too_large", f"The pictures have more than {MAX_FRAME_PIXELS:,} pixels. Make it smaller."
        )
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}  # should they grow on the way
    stream.codec_context.thread_count = 1  # others use this machine too
    return stream


def _read_duration(
    container: av.container.InputContainer, stream: av.VideoStream, start_s: float | None
) -> float | None:
    """How long the video is as it tells, in seconds; None if it does not, or tells an end without a beginning."""
    if length := LENGTH.fullmatch(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = map(float, length.groups())
        told_s = 3600 * hours + 60 * minutes + seconds
    elif stream.duration is not None and stream.time_base is not None:
        told_s = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        told_s = container.duration / av.time_base
    else:
        return None
    if container.format.name not in FORMATS_WITH_END:
        return told_s
    return None if start_s is None else max(0.0, told_s - start_s)


def _decode(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame | None]:
    """The pictures in order, with None for each damage; those without a time are left out."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError:
            yield None
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            yield None
            continue
        yield from (frame for frame in frames if frame.time is not None)


def _to_upright(frame: av.VideoFrame, pixel_aspect: Fraction) -> tuple[Image.Image, float]:
    """The picture as it is meant to be seen, and how much larger it would be at full resolution."""
    width, height = max(1, round(frame.width * pixel_aspect)), frame.height
    shrink = min(1.0, WORKING_SIDE / max(width, height))
    image = frame.to_image(
        width=max(1, round(width * shrink)), height=max(1, round(height * shrink)), interpolation="AREA"
    )
    turn = _find_turn(frame)
    return image if turn is None else image.transpose(turn), 1 / shrink


def _find_turn(frame: av.VideoFrame) -> Image.Transpose | None:
    """The one of the eight turns and mirrors that is nearest to the matrix by which a player shows the picture."""
    told: Any = frame.side_data.get("DISPLAYMATRIX")
    if told is None:
        return None
    matrix = np.frombuffer(bytes(told), np.int32).reshape(3, 3)[:2, :2].ravel() / 65536.0
    return TURNS[max(TURNS, key=lambda turn: float(np.dot(turn, matrix)))]


__all__ = ["Moment", "VideoError", "analyze_video", "read_frames", "to_row"]
