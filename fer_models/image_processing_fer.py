"""The only preprocessing there is: any picture of a face -> a grey `(1, 48, 48)` array in [0, 1]."""

import base64
import os
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from transformers.image_processing_backends import PilBackend
from transformers.image_utils import PILImageResampling

# What is opened: PIL has more, of which some start other programs. HEIF is there where a program has registered it.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM", "HEIF")
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # a tag of TIFF
# Greys of 16 bits that spread over less than this share of their range are spread over all of it: cameras write 10 to
# 14 bits into 16, where they look black. Of all pixels, these per cent are the darkest and brightest.
MIN_SPREAD, EXTREMES = 0.25, (0.01, 99.99)


class FerImageProcessor(PilBackend):
    r"""
    Turns pictures into the models' `pixel_values`.

    Accepts a PIL image of any mode (turned upright by its EXIF tag; transparent pixels become white; of an animation
    the current frame), a file's path or URL, a NumPy array or a torch tensor, and lists or batches of these. Files are
    JPEG, PNG, WebP, GIF, AVIF, TIFF, BMP, JPEG 2000 or PPM. Greys of 16 bits, in files and PIL images, that use less
    than a quarter of their range are spread over all of it. Arrays are integers in 0..255, 16-bit unsigned integers in
    0..65535, or floats in [0, 1] (rounded to 1/255). Two dimensions are a grey picture, three are one picture,
    `(H, W, C)` or `(C, H, W)` with 1, 3 (RGB) or 4 (RGBA) channels, and four are a batch of these. Where both ends
    could be channels, NumPy's are last and torch's first; `input_data_format` says otherwise. An array `(3, 48, 48)` or
    `(4, 48, 48)` on its own could as well be grey faces: it is refused, unless it comes in a list or with
    `input_data_format`.

    Steps: grey by ITU-R 601-2 luma, as PIL's mode L (0.299 R + 0.587 G + 0.114 B); the whole picture resized to
    48x48 by PIL's bilinear filter, which averages when it shrinks; division by 255. A grey 48x48 picture is only
    divided.

    Returns:
        `pixel_values`: `(N, 1, 48, 48)`, float32, in [0, 1]; ask for `return_tensors="pt"` or `"np"`.

    Raises:
        ValueError: The picture is empty or unreadable, or its shape, number of channels or range of values is wrong.
        TypeError: It is no picture at all.
    """

    model_input_names = ["pixel_values"]
    resample = PILImageResampling.BILINEAR
    size = {"height": 48, "width": 48}
    default_to_square = True
    do_resize = True
    do_rescale = True
    rescale_factor = 1 / 255
    do_normalize = False

    def _prepare_image_like_inputs(
        self, images: Any, *args: Any, input_data_format: str | None = None, **kwargs: Any
    ) -> list[Any]:
        size = kwargs.get("size") or self.size
        if input_data_format is None and _may_be_grey_batch(images, (size["height"], size["width"])):
            count = len(images)
            raise ValueError(
                f"An array of shape {tuple(images.shape)} could be one picture with {count} channels or {count} grey "
                "ones. Pass [array] for one picture, array[:, None] for grey ones."
            )
        return super()._prepare_image_like_inputs(images, *args, input_data_format=input_data_format, **kwargs)

    def _prepare_images_structure(self, images: Any, expected_ndims: int = 3) -> list[Any]:
        flat = list(_flatten(images))
        if not flat:
            raise ValueError("No image was given: the list of images is empty.")
        return flat

    def _open(self, source: str | os.PathLike[str]) -> Image.Image:
        Image.init()  # else PIL knows only the formats that it was asked for before
        formats = [name for name in FORMATS if name in Image.OPEN]
        try:
            # Not `fetch_images`, which opens every format, and loses transparency and 16-bit greys.
            return Image.open(source if os.path.isfile(source) else _fetch(os.fspath(source)), formats=formats)
        except Exception as error:  # decoders raise anything for a damaged file
            raise ValueError(
                f"{os.fspath(source)[:200]} cannot be read. Expected was the path, URL or base64 text of a picture, "
                f"such as JPEG or PNG: {error}"
            ) from error

    def process_image(  # type: ignore[override]
        self, image: Any, input_data_format: str | None = None, **kwargs: Any
    ) -> np.ndarray:
        """One picture -> `(1, H, W)`, uint8, grey, in its original size. Of many files one is open at a time."""
        if isinstance(image, (str, os.PathLike)):
            image = self._open(image)
        if isinstance(image, torch.Tensor):
            image = image.detach().cpu()
            image = image.float() if image.is_floating_point() else image  # NumPy has no bfloat16
            image = _array_to_pil(image.numpy(), input_data_format, "channels_first")
        elif isinstance(image, np.ndarray):
            image = _array_to_pil(image, input_data_format, "channels_last")
        elif not isinstance(image, Image.Image):
            raise TypeError(
                f"Expected a PIL image, a NumPy array, a torch tensor or a file name, got {type(image).__name__}."
            )
        return np.asarray(_pil_to_grey(image))[None]


def _fetch(source: str) -> BytesIO:
    """What lies at a URL, or what base64 text stands for."""
    if source.startswith(("http://", "https://")):
        from huggingface_hub.utils import httpx  # as transformers has it; older versions lack it there

        return BytesIO(httpx.get(source, timeout=None, follow_redirects=True).content)
    return BytesIO(base64.decodebytes(source.rpartition(",")[2].encode()))


def _flatten(images: Any) -> Iterator[Any]:
    """Yield single pictures from a picture, a batch, or lists of these."""
    if isinstance(images, (list, tuple)):
        for image in images:
            yield from _flatten(image)
    elif isinstance(images, (np.ndarray, torch.Tensor)) and images.ndim == 4:
        yield from images
    else:
        yield images


def _pil_to_grey(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise ValueError(f"The image is empty: its size is {image.width}x{image.height} pixels.")
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # PIL reads pixels only now; decoders raise anything for a damaged file
        name = getattr(image, "filename", "") or "without a name"
        raise ValueError(f"The image {name} cannot be read, it is damaged or cut short: {error}") from error
    is_negative = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO
    with suppress(Exception):  # a broken EXIF, for which PIL raises anything, turns nothing
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _array_to_pil(_deep_grey_to_array(image, is_negative))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    if image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image.convert("L")


def _deep_grey_to_array(image: Image.Image, is_negative: bool) -> np.ndarray:
    """PIL's modes I and F have no range of their own: `(H, W)` in one of the ranges that arrays may have."""
    array = np.asarray(image)
    if image.mode == "F":
        return array / 255 if array.max() > 1 else array  # PIL's own conversions to F keep 0..255
    # PIL opens 16-bit grey files as 16- or 32-bit integers, by version.
    if image.mode == "I" and not (array.min() >= 0 and 255 < array.max() <= 65535):
        return array
    if image.mode != "I" and is_negative:
        array = 65535 - array  # PIL turns round those of 8 bits only
    low, high = np.percentile(array, EXTREMES, method="nearest").tolist()
    if 0 < high - low < MIN_SPREAD * 65535:
        return ((array.astype(np.float32) - low) / (high - low)).clip(0, 1)
    return array.astype(np.uint16)


def _may_be_grey_batch(images: Any, size: tuple[int, int]) -> bool:
    """Whether an array is `(3, *size)` or `(4, *size)`; of a single channel both readings are the same."""
    return isinstance(images, (np.ndarray, torch.Tensor)) and tuple(images.shape) in ((3, *size), (4, *size))


def _array_to_pil(
    array: np.ndarray, said_format: str | None = None, usual_format: str = "channels_last"
) -> Image.Image:
    """`(H, W)`, `(C, H, W)` or `(H, W, C)` -> PIL. `usual_format` decides when both ends look like channels."""
    if array.size == 0:
        raise ValueError(f"The image is empty: its array has the shape {array.shape}.")
    if array.ndim == 3:
        first = array.shape[0] in (1, 3, 4) and said_format in (None, "channels_first")
        last = array.shape[2] in (1, 3, 4) and said_format in (None, "channels_last")
        if not first and not last:
            place = (said_format or "first or last").removeprefix("channels_")
            raise ValueError(
                f"An image has 1, 3 or 4 channels, {place}; got an array of shape {array.shape}. "
                "Grey pictures are a batch (N, 1, H, W) or (N, H, W, 1); array[:, None] makes one."
            )
        if first and (not last or usual_format == "channels_first"):
            array = np.moveaxis(array, 0, -1)  # (C, H, W) -> (H, W, C)
        if array.shape[2] == 1:
            array = array[:, :, 0]
    elif array.ndim != 2:
        raise ValueError(f"An image has 2 or 3 dimensions, got an array of shape {array.shape}.")
    return Image.fromarray(_to_uint8(array))


def _to_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "iuf":
        raise ValueError(f"An image holds numbers, got an array of dtype {array.dtype}.")
    low, high = array.min(), array.max()
    if array.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # also true for NaN
            raise ValueError(
                f"A float image must lie in [0, 1], got values from {low} to {high}. "
                "Divide by 255, or pass integers in 0..255."
            )
        return np.rint(array * 255).astype(np.uint8)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # of either byte order
        return np.rint(array / 257).astype(np.uint8)
    if low < 0 or high > 255:
        raise ValueError(f"An integer image must lie in 0..255, got values from {low} to {high}.")
    return array.astype(np.uint8)


__all__ = ["FerImageProcessor"]
