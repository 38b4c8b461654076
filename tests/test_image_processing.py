import base64
import io
import json
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import encode_png, make_color_image, make_face, make_grey_array
from PIL import Image

from fer_models import FerImageProcessor, image_processing_fer, images

GREY = make_grey_array()
# What the models must see of `GREY`.
EXPECTED = np.float32(GREY / 255)
BITS = GREY > 127
DEEP = GREY.astype(np.uint16) * 257


def process(images: Any, **options: Any) -> np.ndarray:
    """`(N, 1, 48, 48)`, float32."""
    return FerImageProcessor()(images, return_tensors="np", **options)["pixel_values"]


def convert(mode: str) -> Image.Image:
    return Image.fromarray(GREY).convert(mode)


def make_deep_grey(mode: str, dtype: str) -> Image.Image:
    """`GREY` with 16 bits; 257 = 65535 / 255."""
    return Image.frombytes(mode, (48, 48), (GREY.astype(np.uint32) * 257).astype(dtype).tobytes())


def open_again(image: Image.Image, image_format: str = "PNG", **options: Any) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format=image_format, **options)
    return Image.open(io.BytesIO(buffer.getvalue()))


# What comes out.


MODES = {
    **{mode: convert(mode) for mode in ("L", "RGB", "RGBA", "LA", "P", "CMYK")},
    "RGBa, premultiplied": convert("RGBA").convert("RGBa"),
    "I;16": make_deep_grey("I;16", "<u2"),
    "I;16B, as big-endian TIFF files open": make_deep_grey("I;16B", ">u2"),
    "I with 16 bits, as older PIL opens PNG": make_deep_grey("I", "<i4"),
    "16-bit PNG": open_again(make_deep_grey("I;16", "<u2")),
    "16-bit TIFF whose zero is white": open_again(Image.fromarray(65535 - DEEP), "TIFF", tiffinfo={262: 0}),
    "I with 8 bits, as PIL converts": convert("I"),
    "F in 0..255, as PIL converts": convert("F"),
    "F in [0, 1]": Image.fromarray(EXPECTED),
}


@pytest.mark.parametrize("image", MODES.values(), ids=MODES)
def test_every_mode_of_pil_gives_the_same_grey_divided_by_255(image: Image.Image) -> None:
    mode = image.mode
    pixel_values = process(image)
    assert pixel_values.dtype == np.float32
    assert np.array_equal(pixel_values, EXPECTED[None, None])
    assert image.mode == mode


@pytest.mark.parametrize("bits", [Image.fromarray(BITS), BITS, torch.from_numpy(BITS)], ids=["PIL", "NumPy", "torch"])
def test_one_bit_is_black_or_white(bits: Any) -> None:
    assert np.array_equal(process(bits)[0, 0], np.float32(BITS))


def test_colours_become_the_luma_of_itu_r_601() -> None:
    colors = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    pixel_values = process([Image.new("RGB", (48, 48), color) for color in colors])
    assert (pixel_values[:, 0, 0, 0] * 255).tolist() == pytest.approx([0, 76, 150, 29, 255])


TRANSPARENT = {
    "RGBA": (Image.new("RGBA", (48, 48), (9, 9, 9, 0)), 255),
    "LA": (Image.new("LA", (48, 48), (9, 0)), 255),
    "one grey left out": (open_again(Image.new("L", (48, 48), 9), transparency=9), 255),
    "one number left out": (open_again(Image.new("P", (48, 48), 3), "GIF", transparency=3), 255),
    "half-transparent black": (Image.new("RGBA", (48, 48), (0, 0, 0, 127)), 128),
    "array": (np.zeros((48, 48, 4), np.uint8), 255),
    "base64 text, of which transformers' loader made black": (
        base64.b64encode(encode_png(Image.new("RGBA", (48, 48)))).decode(),
        255,
    ),
}


@pytest.mark.parametrize(("image", "grey"), TRANSPARENT.values(), ids=TRANSPARENT)
def test_transparent_pixels_become_white(image: Any, grey: int) -> None:
    assert (process(image) == np.float32(grey / 255)).all()


# The pixels that a camera stores for an upright picture, by the value of the EXIF tag. From the EXIF standard: which
# side of the picture the first row and the first column show.
STORED_BY_ORIENTATION: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],  # first row top, first column right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.T,  # left, top
    6: lambda upright: upright[:, ::-1].T,  # right, top
    7: lambda upright: upright[::-1, ::-1].T,  # right, bottom
    8: lambda upright: upright[::-1].T,  # left, bottom
}


def test_exif_orientation_is_undone() -> None:
    upright = np.asarray(make_face())
    for orientation, store in STORED_BY_ORIENTATION.items():
        exif = Image.Exif()
        exif[0x112] = orientation
        for stored in (store(upright), store(upright).astype(np.uint16) * 257):
            image = open_again(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
            assert np.array_equal(process(image)[0, 0], np.float32(upright / 255)), orientation


def test_a_broken_exif_turns_nothing() -> None:
    for exif in (b"Exif\0\0" + bytes(40), b"garbage"):
        assert np.array_equal(process(open_again(make_face(), exif=exif)), process(make_face()))


# What goes in.

TENSOR = torch.from_numpy(EXPECTED)[None]
ARRAYS = {
    "(H, W)": GREY,
    "(H, W, 1)": GREY[:, :, None],
    "RGB, (H, W, 3)": GREY[:, :, None].repeat(3, 2),
    "RGBA, opaque": np.dstack([GREY] * 3 + [np.full_like(GREY, 255)]),
    "uint16 in 0..65535": DEEP,
    "uint16, big-endian, as TIFF readers give": DEEP.astype(">u2"),
    "float64 in [0, 1]": GREY / 255,
    "float16 in [0, 1]": np.float16(GREY / 255),
    "a view with negative strides": GREY[:, ::-1].copy()[:, ::-1],
    "torch, (H, W)": torch.from_numpy(GREY),
    "torch, float32": TENSOR,
    "torch, bfloat16, which NumPy does not have": TENSOR.bfloat16(),
    "torch, with a gradient": TENSOR.clone().requires_grad_(),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_arrays_give_the_same_grey_as_pil_and_stay_as_they_were(array: np.ndarray | torch.Tensor) -> None:
    before = array.copy() if isinstance(array, np.ndarray) else array.clone()
    assert np.array_equal(process(array)[0, 0], EXPECTED)
    assert (array == before).all()


def test_channels_are_where_the_library_puts_them_or_where_one_says() -> None:
    first, last = np.zeros((3, 48, 4), np.uint8), np.zeros((4, 48, 3), np.uint8)
    first[0] = last[..., 0] = 255
    for red in (process(last), process(torch.from_numpy(first)), process(first, input_data_format="channels_first")):
        assert (red == np.float32(76 / 255)).all()


BATCHES = {
    "a nested list of different kinds": ([Image.fromarray(GREY), [GREY, (torch.from_numpy(GREY)[None],)]], 3),
    "a NumPy batch, (N, H, W, C)": (np.stack([GREY] * 5)[..., None], 5),
    "a torch batch, RGB": (torch.from_numpy(GREY).expand(2, 3, 48, 48), 2),
    "a batch in a list": ([np.stack([GREY] * 2)[..., None], GREY], 3),
    "RGB, (3, H, W)": ([GREY[None].repeat(3, 0)], 1),
}


@pytest.mark.parametrize(("images", "count"), BATCHES.values(), ids=BATCHES)
def test_lists_and_batches_give_one_batch(images: Any, count: int) -> None:
    pixel_values = process(images)
    assert pixel_values.shape == (count, 1, 48, 48)
    assert (pixel_values == EXPECTED).all()


@pytest.mark.parametrize(("count", "to_array"), [(3, np.asarray), (4, torch.from_numpy)], ids=["numpy", "torch"])
def test_array_that_may_be_a_picture_or_grey_faces_is_refused(count: int, to_array: Callable[..., Any]) -> None:
    """Three faces out of 35,887 used to become the colours of one."""
    faces = to_array(np.stack([make_grey_array(seed=seed) for seed in range(count)]))
    with pytest.raises(ValueError, match=rf"\({count}, 48, 48\) could be one picture.*\[array\].*array\[:, None\]"):
        process(faces)
    assert np.array_equal(process(faces[:, None])[:, 0], np.float32(np.asarray(faces) / 255)), "the one way out"
    assert process([faces]).shape == (1, 1, 48, 48), "the other"
    assert np.array_equal(process(faces, input_data_format="channels_first"), process([faces]))


def test_array_that_can_only_be_a_picture_is_one() -> None:
    for shape in ((1, 48, 48), (3, 48, 60), (48, 48, 3)):
        assert len(process(np.zeros(shape, np.uint8))) == 1
    small = {"height": 20, "width": 20}
    assert len(process(np.zeros((3, 48, 48), np.uint8), size=small)) == 1, "faces are smaller"


def test_channels_are_nowhere_but_where_one_says() -> None:
    """The word was a hint, and the other end was taken all the same."""
    for shape, place in (((48, 48, 3), "first"), ((3, 48, 48), "last")):
        with pytest.raises(ValueError, match=f"4 channels, {place}; got an array of shape"):
            process(np.zeros(shape, np.uint8), input_data_format=f"channels_{place}")


def test_files_give_the_same_as_opened_images(tmp_path: Path) -> None:
    """The loader of transformers would clip 16 bits, and make transparent pixels black."""
    path = tmp_path / "face.png"
    for image in (make_deep_grey("I;16", "<u2"), Image.new("RGBA", (48, 48), (0, 0, 0, 0))):
        image.save(path)
        assert np.array_equal(process([str(path), path]), process([image, image]))


def test_of_many_files_one_is_open_at_a_time(tmp_path: Path) -> None:
    """Of more files than a process may open, an intact one was blamed."""
    make_face().save(tmp_path / "face.png")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 20, limits[1]))
    try:
        assert len(process([tmp_path / "face.png"] * 40)) == 40
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("bits", [12, 14])
def test_greys_of_a_camera_are_spread(bits: int) -> None:
    """They were black."""
    image = open_again(Image.fromarray(np.uint16(np.rint(GREY / 255 * (2**bits - 1)))))
    low, high = int(GREY.min()), int(GREY.max())
    assert np.abs(process(image)[0, 0] - (GREY - float(low)) / (high - low)).max() < 0.01


# Sizes.


def test_the_whole_picture_is_resized_by_the_bilinear_filter_of_pil() -> None:
    pictures = [Image.fromarray(make_grey_array(*shape)) for shape in ((1, 1), (20, 30), (2000, 3))]
    expected = [np.asarray(image.resize((48, 48), Image.Resampling.BILINEAR)) for image in pictures]
    assert np.array_equal(process(pictures)[:, 0], np.float32(np.stack(expected) / 255)), "in their order"


# On the disk.


def test_saved_processor_states_what_it_does_and_gives_the_same_tensors(tmp_path: Path) -> None:
    FerImageProcessor().save_pretrained(tmp_path)
    stated = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert (stated["size"], stated["rescale_factor"]) == ({"height": 48, "width": 48}, 1 / 255)
    assert (stated["resample"], stated["do_normalize"]) == (Image.Resampling.BILINEAR, False)
    processor = FerImageProcessor(size={"height": 24, "width": 32}, resample=Image.Resampling.BICUBIC)
    processor.save_pretrained(tmp_path)
    loaded = FerImageProcessor.from_pretrained(tmp_path)
    faces = [make_face(70), make_color_image(33, 90)]
    expected = processor(faces, return_tensors="pt")["pixel_values"]
    assert expected.shape == (2, 1, 24, 32)
    assert torch.equal(loaded(faces, return_tensors="pt")["pixel_values"], expected)


# Bad input.


CUT_PNG = encode_png(make_color_image(200, 200))[:2000]
BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "empty lists": ([[], ()], ValueError, "No image"),
    "empty batch": (np.zeros((0, 48, 48, 1)), ValueError, "No image"),
    "array without rows": (np.zeros((0, 48)), ValueError, "empty: its array has the shape (0, 48)"),
    "picture without rows": (Image.new("L", (5, 0)), ValueError, "empty: its size is 5x0"),
    "None": ([make_face(), None], TypeError, "NoneType"),
    "lists of numbers": ([[0, 1], [2, 3]], TypeError, "int"),
    "1D": (np.zeros(48, np.uint8), ValueError, "2 or 3 dimensions, got an array of shape (48,)"),
    "2 channels": (np.zeros((2, 48, 48)), ValueError, "1, 3 or 4 channels, first or last; got an array of shape (2,"),
    "float in 0..255": (np.full((48, 48), 200.0), ValueError, "[0, 1], got values from 200.0 to 200.0. Divide by 255"),
    "NaN among good numbers": (np.where(np.eye(48), np.nan, 0.5), ValueError, "[0, 1], got values from nan"),
    "negative int": (np.full((48, 48), -1), ValueError, "0..255, got values from -1"),
    "int32 above 255 is no uint16": (np.full((48, 48), 256, np.int32), ValueError, "0..255, got values from 256"),
    "mode F above 255": (Image.new("F", (48, 48), 300), ValueError, "[0, 1]"),
    "complex": (np.zeros((48, 48), complex), ValueError, "numbers, got an array of dtype complex128"),
    "no such file": ("none.png", ValueError, "none.png"),
    "truncated PNG": (Image.open(io.BytesIO(CUT_PNG)), ValueError, "cannot be read, it is damaged or cut short"),
}


@pytest.mark.parametrize(("bad", "error", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_named(bad: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        process(bad)
    assert words in str(raised.value)


@pytest.mark.parametrize(("name", "content"), [("notes.jpg", b"Dear diary"), ("cut.png", CUT_PNG)])
def test_a_file_that_cannot_be_read_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}.*cannot be read"):
        process(tmp_path / name)


def test_no_file_reaches_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIL hands PostScript to Ghostscript, whatever the file is called."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("another program was started"))
    path = tmp_path / "face.jpg"
    make_face().convert("RGB").save(path, "EPS")
    for source in (path, base64.b64encode(path.read_bytes()).decode()):
        with pytest.raises(ValueError, match="such as JPEG or PNG"):
            process(source)
    assert set(image_processing_fer.FORMATS) == {*images.FORMATS, "HEIF"}
