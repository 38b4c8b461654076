"""Reading a picture that a stranger hands in."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

# Twice the largest phone cameras' usual 24 megapixels; decoded, it takes 150 MB.
MAX_PIXELS = 50_000_000
# In `Image.info` of what was read: whether the file holds more, and how many of its pixels, along a side, are one here.
MORE_FRAMES, SCALE = "more_frames", "scale"


class ImageError(ValueError):
    """A picture cannot be used.

    Attributes:
        reason: `missing`, `empty`, `unreadable`, `not_an_image` or `too_large`, or one of the kinds of this error; an
            id, for translation.
    """

    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


class NoFaceError(ImageError):
    """There is no face in a picture: `no_face`, or `no_face_in_first` where its file holds more that were not read."""

    def __init__(self, image: Image.Image):
        if has_more_frames(image):
            super().__init__(
                "no_face_in_first", "No face was found in the first picture of the file; the others were not looked at."
            )
        else:
            super().__init__("no_face", "No face was found.")


def read_image(source: str | Path | bytes | BinaryIO, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read a picture file.

    Args:
        source: Path, content or open file of a picture, in any format and mode that PIL reads.
        max_pixels: Larger ones are refused.

    Returns:
        The picture, mode RGB, upright by its EXIF tag, transparent pixels white, the first frame of an animation; all
        its pixels, for small faces are looked for in them.

    Raises:
        ImageError: There is no such file, it is empty, damaged or no picture, or has more than `max_pixels`.
    """
    try:
        file: str | Path | BinaryIO = BytesIO(source) if isinstance(source, bytes) else source
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            with Image.open(file) as image:
                # To a phone's picture a smaller copy or a map of depths may be added, in the format MPO.
                more_frames = image.format != "MPO" and getattr(image, "is_animated", False)
                longer_side = max(image.size)
                picture = _to_upright_rgb(image, max_pixels)
                picture.info |= {MORE_FRAMES: more_frames, SCALE: longer_side / max(picture.size)}
                return picture
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ImageError("missing", f"There is no file {source!s}.") from error
    except Image.DecompressionBombError as error:
        raise ImageError("too_large", f"The picture is far too large: at most {max_pixels:,} pixels.") from error
    except Image.UnidentifiedImageError as error:
        if _is_empty(source):
            raise ImageError("empty", "The file is empty.") from error
        raise ImageError("not_an_image", "The file is not a picture that can be read, such as JPEG or PNG.") from error
    except ImageError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what PIL's decoders raise for damaged files
        raise ImageError("unreadable", f"The picture is damaged or cut short: {error}.") from error


def has_more_frames(image: Image.Image) -> bool:
    """Whether the file from which `read_image` has read a picture holds more frames, such as an animation or pages."""
    return bool(image.info.get(MORE_FRAMES))


def get_scale(image: Image.Image) -> float:
    """How many pixels of its file, along a side, one pixel of a picture is; more than 1 if `read_image` reduced it."""
    return float(image.info.get(SCALE, 1.0))


def _to_upright_rgb(image: Image.Image, max_pixels: int) -> Image.Image:
    if image.width * image.height > max_pixels:
        raise ImageError(
            "too_large",
            f"The picture has {image.width * image.height:,} pixels, of which at most {max_pixels:,} are taken. "
            "Make it smaller.",
        )
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):  # PIL would clip 16 bits to 8, not scale them
        image = image.point(lambda value: value / 257).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _is_empty(source: str | Path | bytes | BinaryIO) -> bool:
    if isinstance(source, bytes):
        return not source
    return isinstance(source, (str, Path)) and Path(source).stat().st_size == 0


__all__ = ["MAX_PIXELS", "ImageError", "NoFaceError", "get_scale", "has_more_frames", "read_image"]
