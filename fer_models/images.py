"""The one door for pictures: every file, upload and row of a data set is read here."""

import math
import os
import re
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from .image_processing_fer import EXTREMES, MIN_SPREAD, PHOTOMETRIC, WHITE_IS_ZERO
from .kinds import HEAD_BYTES, is_avif, is_heic, is_picture, is_video, name_other
from .pixels import keep_pixels

# Twice the largest phone cameras' usual 24 megapixels; decoded, it takes 200 MB.
MAX_PIXELS = 50_000_000
# A bitmap of so many, with four channels of 16 bits.
MAX_BYTES = 8 * MAX_PIXELS + 1_000_000
# The picture of a face keeps at least so many pixels along a side, and less than twice as many.
CROP_SIDE_MIN = 960
# In `Image.info` of what was read: whether the file holds more.
MORE_FRAMES = "more_frames"

# What phones, cameras, scanners and browsers write, by decoders that stay in this process and need no other file. PIL
# has more: some start other programs, some read a header and then as much as it says, and few people have such files.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM")
# Of these the pixels are taken out first.
WITH_METADATA = (b"\xff\xd8", b"\x89PNG")
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Tags of TIFF: what kind of picture the first one is, how large a piece is that is decoded at once, what its numbers
# are, and whether each channel lies by itself.
REDUCED, SUBFILE_TYPE, TILE_WIDTH, TILE_HEIGHT = 0x1, 254, 322, 323
BITS, YCBCR = 258, 6
SAMPLE_FORMAT, UNSIGNED, SIGNED, FLOAT = 339, 1, 2, 3
PLANAR_CONFIGURATION, SEPARATE = 284, 2
# Where the beginning of a JPEG 2000 tells the bits of its first channel, less one.
JPEG_2000_BITS = re.compile(rb"\xff\x4f\xff\x51.{38}(.)", re.DOTALL)


class ImageError(ValueError):
    """A picture cannot be used.

    Attributes:
        reason: `missing`, `empty`, `unreadable`, `not_an_image`, `format`, `heic`, `video` or `too_large`, or one of
            the kinds of this error, or `unexpected`; an id, for translation.
        values: What the sentence in another language needs, by name: of `format` the `format`.
    """

    def __init__(self, reason: str, message: str, values: Mapping[str, str] | None = None):
        super().__init__(message)
        self.reason = reason
        self.values = dict(values or {})


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

    What the file holds beside the pixels decides nothing, broken or not, but for the turn that EXIF tells.

    Args:
        source: Path, content or open file of a picture: JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF, BMP, JPEG 2000 or PPM,
            in any mode.
        max_pixels: Larger ones are refused.

    Returns:
        The picture, mode RGB, 8 bits, upright by its EXIF tag, transparent pixels white, the first frame of an
        animation or page of several; all its pixels, for small faces are looked for in them. Deep colours that use less
        than a quarter of their range are spread over all of it.

    Raises:
        ImageError: There is no such file, it is empty, damaged, no picture or of another kind, or has more than
            `max_pixels`.
    """
    try:
        if isinstance(source, (str, Path)):
            with open(source, "rb") as file:
                return _read(file, max_pixels)
        return _read(BytesIO(source) if isinstance(source, bytes) else source, max_pixels)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ImageError("missing", f"There is no file {source!s}.") from error
    except OSError as error:
        raise ImageError("unreadable", f"The file cannot be read: {error}.") from error


def shrink(image: Image.Image, side: int) -> Image.Image:
    """A copy whose longer side has at most so many pixels; of a large picture no copy of its own size is made."""
    factor = max(image.size) // (2 * side)
    small = image.reduce(factor) if factor > 1 else image.copy()
    small.thumbnail((side, side))
    return small


def reduce_crop(image: Image.Image) -> Image.Image:
    """A picture of one face without the pixels that no model can use: at most as many as 1,920 by 1,920.

    Models see 48 by 48 of them. Of the means of blocks they see the same, but for rounding.
    """
    factor = int(math.sqrt(image.width * image.height) / CROP_SIDE_MIN)
    return image.reduce(factor) if factor > 1 else image


def _read(file: BinaryIO, max_pixels: int) -> Image.Image:
    if not file.seekable():  # a pipe
        file = BytesIO(file.read(MAX_BYTES + 1))
    head = file.read(HEAD_BYTES)
    _check_kind(head)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > MAX_BYTES:
        raise ImageError("too_large", f"The file is far too large for a picture of at most {max_pixels:,} pixels.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata, and a limit that is milder than ours
            if head.startswith(WITH_METADATA) or is_avif(head):
                file = BytesIO(keep_pixels(file.read()))
            # PIL asks each decoder in turn, and knows this one only once there was a HEIC.
            with Image.open(file, formats=("HEIF",) if is_heic(head) else FORMATS) as image:
                return _to_upright_rgb(image, max_pixels)
    except Image.DecompressionBombError as error:
        raise ImageError("too_large", f"The picture is far too large: at most {max_pixels:,} pixels.") from error
    except UnidentifiedImageError as error:
        reason = "damaged, cut short, or a variant of its format that is not read here. Save it as JPEG or PNG"
        raise ImageError("unreadable", f"The picture is {reason}.") from error
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise anything for a file that is damaged, or made to break them
        raise ImageError("unreadable", f"The picture is damaged or cut short: {error}.") from error


def _check_kind(head: bytes) -> None:
    """Refuse what is no picture, by name if it has one."""
    if not head:
        raise ImageError("empty", "The file is empty.")
    if is_video(head):
        raise ImageError("video", "The file is a video, and a picture was expected.")
    name = name_other(head)
    if name:
        raise _refuse(name)
    if not is_picture(head):
        raise ImageError("not_an_image", "The file is not a picture that can be read, such as JPEG or PNG.")
    if is_heic(head) and not _can_read_heic():
        raise ImageError(
            "heic",
            "The file is a HEIC, as iPhones write them, and is read only with the package pi-heif. Install that, "
            "or save it as JPEG: on an iPhone under Settings, Camera, Formats choose Most Compatible.",
        )


def _can_read_heic() -> bool:
    try:
        from pi_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _refuse(name: str) -> ImageError:
    return ImageError(
        "format", f"The file is of a kind that is not read here: {name}. Save it as JPEG or PNG.", {"format": name}
    )


def has_more_frames(image: Image.Image) -> bool:
    """Whether the file from which `read_image` has read a picture holds more frames, such as an animation or pages."""
    return bool(image.info.get(MORE_FRAMES))


def _to_upright_rgb(image: ImageFile, max_pixels: int) -> Image.Image:
    _check_size(image, max_pixels)
    if isinstance(image, TiffImageFile):
        _check_layout(image)
    is_deep = _is_deep(image)
    image.load()
    turn = _find_turn(image)
    picture = _to_rgb(_spread_colors(image) if is_deep and not _is_one_number(image) else _mend_numbers(image))
    if turn is not None:
        picture = picture.transpose(turn)
    elif picture is image:
        picture = picture.copy()  # it shall not hold its file
    picture.info = {MORE_FRAMES: _holds_more(image)}
    return picture


def _check_size(image: Image.Image, max_pixels: int) -> None:
    sizes, tags = [image.size], getattr(image, "tag_v2", {})
    if image.format == "TIFF":
        if tags.get(SUBFILE_TYPE, 0) & REDUCED:
            raise _refuse("raw photo")  # this is its small preview
        sizes.append((tags.get(TILE_WIDTH, 1), tags.get(TILE_HEIGHT, 1)))
    pixels = max(width * height for width, height in sizes)
    if pixels > max_pixels:
        raise ImageError(
            "too_large",
            f"The picture has {pixels:,} pixels, of which at most {max_pixels:,} are taken. Make it smaller.",
        )


def _check_layout(image: TiffImageFile) -> None:
    """Refuse a TIFF of which PIL reads other numbers than it holds, as it refuses those that it does not know."""
    tags = image.tag_v2
    bits, formats = tags.get(BITS, (1,)), tags.get(SAMPLE_FORMAT, (UNSIGNED,))
    photometric = tags.get(PHOTOMETRIC)
    is_packed = image.tile[0].codec_name == "libtiff"
    in_planes = tags.get(PLANAR_CONFIGURATION) == SEPARATE
    if (
        (SIGNED in formats and 8 in bits)
        or (FLOAT in formats and photometric == WHITE_IS_ZERO)
        or (is_packed and tags.prefix == b"MM" and UNSIGNED not in formats)  # in the other order of bytes
        or (not is_packed and in_planes and (set(bits) != {8} or photometric == WHITE_IS_ZERO))
        or (not is_packed and photometric == YCBCR and image.mode == "RGB")
    ):
        raise UnidentifiedImageError(f"a TIFF with {bits} bits, format {formats}")


def _is_deep(image: ImageFile) -> bool:
    """Whether the file's numbers have more than 8 bits. Of such colours PIL gives the upper 8, but not of greys."""
    if image.format == "JPEG2000" and image.fp:
        image.fp.seek(0)
        told = JPEG_2000_BITS.search(image.fp.read())
        return bool(told and told[1][0] & 0x7F >= 8)
    if image.format == "PPM":  # whose tiles end with the highest number
        return any(isinstance(tile.args, tuple) and tile.args[-1] > 255 for tile in image.tile)
    return any(";16" in str(tile) for tile in image.tile)


def _find_turn(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright, by its EXIF tag; a broken one says nothing."""
    for key in ("xmp", "XML:com.adobe.xmp"):  # else PIL looks there, too, as no browser does
        image.info.pop(key, None)
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # anything, as PIL parses it
        return None


def _holds_more(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # the second frame may be damaged
        return False


def _to_rgb(image: Image.Image) -> Image.Image:
    if _is_one_number(image):
        image = _spread_grey(np.asarray(image), image.mode)
    elif image.mode == "LAB":
        lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.applyTransform(image, ImageCms.buildTransform(lab, rgb, "LAB", "RGB")) or image
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_one_number(image: Image.Image) -> bool:
    """Whether each pixel is one number of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def _mend_numbers(image: Image.Image) -> Image.Image:
    """Of a TIFF PIL turns round only 8 bits whose zero is white, and gives all of 32 bits a sign."""
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        return Image.fromarray(65535 - np.asarray(image))
    if image.mode == "I" and SIGNED not in tags.get(SAMPLE_FORMAT, (UNSIGNED,)):
        return Image.fromarray(np.asarray(image).view(np.uint32).astype(np.float32))
    return image


def _spread_grey(array: np.ndarray, mode: str) -> Image.Image:
    """`(H, W)` numbers of a mode of PIL's -> mode L.

    The range is that of 16 bits; of modes that hold any numbers, the first one of 0..1, 0..255 and 0..65535 in which
    all of them lie, but for some hot pixels.

    Raises:
        ValueError: Some are no numbers.
    """
    if not np.isfinite(array).all():
        raise ValueError("its pixels are not all numbers")
    low, high = (float(number) for number in np.percentile(array, EXTREMES, method="nearest"))
    ranges = (65535,) if mode.startswith("I;16") else (1, 255, 65535) if mode == "F" else (255, 65535)
    top = next((top for top in ranges if low >= 0 and high <= top), 0)
    if not top or 0 < high - low < MIN_SPREAD * top:
        grey = (array.astype(np.float32) - low) * (255 / max(high - low, 1e-9))
    else:
        grey = array.astype(np.float32) / (top / 255)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def _spread_colors(image: Image.Image) -> Image.Image:
    """The same for colours that had 16 bits, of which PIL has kept the upper 8."""
    names = image.getbands()
    colors = np.stack([np.asarray(band) for name, band in zip(names, image.split(), strict=True) if name != "A"])
    low, high = (int(number) for number in np.percentile(colors, EXTREMES, method="nearest"))
    if high == low or high - low >= MIN_SPREAD * 255:
        return image
    table = [min(255, max(0, round((value - low) * 255 / (high - low)))) for value in range(256)]
    return image.point([level for name in names for level in (range(256) if name == "A" else table)])


__all__ = ["MAX_PIXELS", "ImageError", "NoFaceError", "has_more_frames", "read_image", "reduce_crop", "shrink"]
