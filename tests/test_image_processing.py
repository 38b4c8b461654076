import base64
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import encode_png, make_color_image, make_face, make_grey_array
from PIL import Image, TiffImagePlugin

from fer_models import FerImageProcessor, image_processing_fer, images

GREY = make_grey_array()
# What the models must see of `GREY`.
EXPECTED = np.float32(GREY / 255)


def process(images: Any, **options: Any) -> np.ndarray:
    """`(N, 1, 48, 48)`, float32."""
    return FerImageProcessor()(images, return_tensors="np", **options)["pixel_values"]


def make_deep_grey(mode: str, dtype: str) -> Image.Image:
    """`GREY` with 16 bits; 257 = 65535 / 255."""
    return Image.frombytes(mode, (48, 48), (GREY.astype(np.uint32) * 257).astype(dtype).tobytes())


def make_opaque_palette() -> Image.Image:
    """`GREY` as numbers of a palette that runs the other way, from white to black."""
    image = Image.fromarray(255 - GREY).convert("P")
    image.putpalette([255 - index for index in range(256) for _ in range(3)])
    return image


def open_again(image: Image.Image, image_format: str = "PNG", **options: Any) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format=image_format, **options)
    return Image.open(io.BytesIO(buffer.getvalue()))


# What comes out.


def test_every_grey_is_only_divided_by_255() -> None:
    greys = np.arange(48 * 48).reshape(48, 48) % 256
    pixel_values = process(Image.fromarray(greys.astype(np.uint8)))
    assert pixel_values.dtype == np.float32
    assert pixel_values.shape == (1, 1, 48, 48)
    assert np.array_equal(pixel_values[0, 0], np.float32(greys / 255))


def test_torch_and_numpy_output_are_equal() -> None:
    pixel_values = FerImageProcessor()(make_face(100), return_tensors="pt")["pixel_values"]
    assert pixel_values.dtype == torch.float32
    assert np.array_equal(pixel_values.numpy(), process(make_face(100)))


@pytest.mark.parametrize(
    "make_image",
    [
        pytest.param(lambda: Image.fromarray(GREY), id="L"),
        pytest.param(lambda: Image.fromarray(GREY).convert("RGB"), id="RGB"),
        pytest.param(lambda: Image.fromarray(GREY).convert("RGBA"), id="RGBA, opaque"),
        pytest.param(lambda: Image.fromarray(GREY).convert("RGBA").convert("RGBa"), id="RGBa, premultiplied"),
        pytest.param(lambda: Image.fromarray(GREY).convert("LA"), id="LA, opaque"),
        pytest.param(lambda: Image.fromarray(GREY).convert("P"), id="P"),
        pytest.param(make_opaque_palette, id="P whose numbers are not the greys"),
        pytest.param(lambda: Image.fromarray(GREY).convert("CMYK"), id="CMYK"),
        pytest.param(lambda: Image.fromarray(GREY).convert("YCbCr"), id="YCbCr"),
        pytest.param(lambda: Image.fromarray(GREY).convert("HSV"), id="HSV"),
        pytest.param(lambda: make_deep_grey("I;16", "<u2"), id="I;16"),
        pytest.param(lambda: make_deep_grey("I;16B", ">u2"), id="I;16B, as big-endian TIFF files open"),
        pytest.param(lambda: make_deep_grey("I", "<i4"), id="I with 16 bits, as older PIL opens PNG"),
        pytest.param(lambda: open_again(make_deep_grey("I;16", "<u2")), id="16-bit PNG"),
        pytest.param(lambda: Image.fromarray(GREY).convert("I"), id="I with 8 bits, as PIL converts"),
        pytest.param(lambda: Image.fromarray(GREY).convert("F"), id="F in 0..255, as PIL converts"),
        pytest.param(lambda: Image.fromarray(EXPECTED), id="F in [0, 1]"),
    ],
)
def test_every_mode_of_pil_gives_the_same_grey(make_image: Callable[[], Image.Image]) -> None:
    image = make_image()
    mode = image.mode
    assert np.array_equal(process(image)[0, 0], EXPECTED)
    assert image.mode == mode


def test_one_bit_images_are_black_and_white() -> None:
    bits = GREY > 127
    image = Image.fromarray(np.uint8(bits) * 255).convert("1")
    assert np.array_equal(process(image)[0, 0], np.float32(bits))


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "YCbCr", "P"])
def test_colours_become_grey_as_in_mode_l_of_pil(mode: str) -> None:
    image = make_color_image().convert(mode)
    expected = np.asarray(image.convert("RGB").convert("L"))
    assert np.array_equal(process(image)[0, 0], np.float32(expected / 255))


@pytest.mark.parametrize(
    ("color", "luma"),
    [((0, 0, 0), 0), ((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29), ((255, 255, 255), 255)],
    ids=["black", "red", "green", "blue", "white"],
)
def test_grey_is_the_luma_of_itu_r_601(color: tuple[int, int, int], luma: int) -> None:
    assert (process(Image.new("RGB", (48, 48), color)) == np.float32(luma / 255)).all()


@pytest.mark.parametrize(
    ("make_image", "grey"),
    [
        pytest.param(lambda: Image.new("RGBA", (48, 48), (9, 9, 9, 0)), 255, id="RGBA"),
        pytest.param(lambda: Image.new("LA", (48, 48), (9, 0)), 255, id="LA"),
        pytest.param(lambda: open_again(Image.new("L", (48, 48), 9), transparency=9), 255, id="L, one grey left out"),
        pytest.param(
            lambda: open_again(Image.new("RGB", (48, 48), (9, 8, 7)), transparency=(9, 8, 7)),
            255,
            id="RGB, one colour left out",
        ),
        pytest.param(
            lambda: open_again(Image.new("P", (48, 48), 3), "GIF", transparency=3), 255, id="P, one number left out"
        ),
        pytest.param(lambda: Image.new("RGBA", (48, 48), (0, 0, 0, 127)), 128, id="half-transparent black"),
    ],
)
def test_transparent_pixels_become_white(make_image: Callable[[], Image.Image], grey: int) -> None:
    assert (process(make_image()) == np.float32(grey / 255)).all()


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


@pytest.mark.parametrize("orientation", STORED_BY_ORIENTATION)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16], ids=["8 bits", "16 bits"])
def test_exif_orientation_is_undone(orientation: int, dtype: type, tmp_path: Path) -> None:
    upright = np.asarray(make_face())
    stored = STORED_BY_ORIENTATION[orientation](upright).astype(dtype) * (257 if dtype is np.uint16 else 1)
    exif = Image.Exif()
    exif[0x112] = orientation
    image = open_again(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    assert np.array_equal(process(image)[0, 0], np.float32(upright / 255))


@pytest.mark.parametrize("exif", [b"Exif\0\0" + bytes(40), b"Exif\0\0II*\0", b"garbage"])
def test_a_broken_exif_turns_nothing(exif: bytes) -> None:
    face = make_face()
    image = open_again(face, exif=exif)
    assert np.array_equal(FerImageProcessor()(image)["pixel_values"], FerImageProcessor()(face)["pixel_values"])


def test_jpeg_from_a_phone_is_turned_upright() -> None:
    upright = make_face(96)
    exif = Image.Exif()
    exif[0x112] = 6
    stored = open_again(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=100, exif=exif)
    assert np.abs(process(stored) - process(upright)).max() < 0.03


# What goes in.


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(GREY, id="(H, W)"),
        pytest.param(GREY[:, :, None], id="(H, W, 1)"),
        pytest.param(GREY[None], id="(1, H, W)"),
        pytest.param(GREY[:, :, None].repeat(3, 2), id="RGB, (H, W, 3)"),
        pytest.param(np.dstack([GREY] * 3 + [np.full_like(GREY, 255)]), id="RGBA, opaque"),
        pytest.param(GREY.astype(np.int64), id="int64"),
        pytest.param(GREY.astype(np.int32), id="int32"),
        pytest.param(GREY.astype(np.uint16) * 257, id="uint16 in 0..65535"),
        pytest.param((GREY.astype(">u2") * 257).astype(">u2"), id="uint16, big-endian, as TIFF readers give"),
        pytest.param(GREY / 255, id="float64 in [0, 1]"),
        pytest.param(EXPECTED, id="float32 in [0, 1]"),
        pytest.param(np.float16(GREY / 255), id="float16 in [0, 1]"),
        pytest.param(np.asfortranarray(GREY), id="another memory order"),
        pytest.param(GREY[:, ::-1].copy()[:, ::-1], id="a view with negative strides"),
        pytest.param(torch.from_numpy(GREY), id="torch, (H, W)"),
        pytest.param(torch.from_numpy(GREY)[None], id="torch, (1, H, W)"),
        pytest.param(torch.from_numpy(EXPECTED)[None], id="torch, float32"),
        pytest.param(torch.from_numpy(EXPECTED)[None].bfloat16(), id="torch, bfloat16, which NumPy does not have"),
        pytest.param(torch.from_numpy(EXPECTED)[None].half(), id="torch, float16"),
        pytest.param(torch.from_numpy(EXPECTED)[None].requires_grad_(), id="torch, with a gradient"),
    ],
)
def test_arrays_give_the_same_grey_as_pil(array: np.ndarray | torch.Tensor) -> None:
    before = array.copy() if isinstance(array, np.ndarray) else array.clone()
    assert np.array_equal(process(array)[0, 0], EXPECTED)
    assert (array == before).all()


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_boolean_arrays_are_black_and_white(convert: Callable[[np.ndarray], Any]) -> None:
    bits = GREY > 127
    assert np.array_equal(process(convert(bits))[0, 0], np.float32(bits))


def test_transparent_pixels_of_arrays_become_white() -> None:
    assert (process(np.zeros((48, 48, 4), np.uint8)) == 1).all()


@pytest.mark.parametrize(
    ("options", "array", "color_axis"),
    [
        pytest.param({}, np.zeros((4, 48, 3), np.uint8), 2, id="NumPy is channels-last"),
        pytest.param({}, torch.zeros((3, 48, 4), dtype=torch.uint8), 0, id="torch is channels-first"),
        pytest.param({"input_data_format": "channels_first"}, np.zeros((3, 48, 4), np.uint8), 0, id="as one says"),
    ],
)
def test_channels_are_where_the_library_puts_them(options: dict[str, str], array: Any, color_axis: int) -> None:
    red = [slice(None)] * 3
    red[color_axis] = slice(0, 1)
    array[tuple(red)] = 255
    assert (process(array, **options) == np.float32(76 / 255)).all()


@pytest.mark.parametrize(
    ("images", "count"),
    [
        pytest.param([GREY], 1, id="a list of one"),
        pytest.param([Image.fromarray(GREY), GREY, torch.from_numpy(GREY)[None]], 3, id="a list of different kinds"),
        pytest.param((Image.fromarray(GREY),) * 2, 2, id="a tuple"),
        pytest.param([[GREY], [GREY, [GREY]]], 3, id="nested lists"),
        pytest.param(np.stack([GREY] * 5)[..., None], 5, id="a NumPy batch, (N, H, W, C)"),
        pytest.param(torch.from_numpy(np.stack([GREY] * 5))[:, None], 5, id="a torch batch, (N, C, H, W)"),
        pytest.param([np.stack([GREY] * 2)[..., None], GREY], 3, id="a batch in a list"),
        pytest.param([GREY[None].repeat(3, 0)], 1, id="RGB, (3, H, W)"),
        pytest.param([torch.from_numpy(GREY).expand(3, 48, 48)], 1, id="torch, RGB, (3, H, W)"),
        pytest.param(torch.from_numpy(GREY).expand(2, 3, 48, 48), 2, id="a torch batch, RGB"),
    ],
)
def test_lists_and_batches_give_one_batch(images: Any, count: int) -> None:
    pixel_values = process(images)
    assert pixel_values.shape == (count, 1, 48, 48)
    assert (pixel_values == EXPECTED).all()


# Three dimensions.


@pytest.mark.parametrize("to_array", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
@pytest.mark.parametrize("count", [3, 4])
def test_array_that_may_be_a_picture_or_grey_faces_is_refused(count: int, to_array: Callable[..., Any]) -> None:
    """Three faces out of 35,887 used to become the colours of one."""
    faces = to_array(np.stack([make_grey_array(seed=seed) for seed in range(count)]))
    with pytest.raises(ValueError, match=rf"\({count}, 48, 48\) could be one picture.*\[array\].*array\[:, None\]"):
        process(faces)
    assert np.array_equal(process(faces[:, None])[:, 0], np.float32(np.asarray(faces) / 255)), "the one way out"
    assert process([faces]).shape == (1, 1, 48, 48), "the other"
    assert np.array_equal(process(faces, input_data_format="channels_first"), process([faces]))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        pytest.param((1, 48, 48), {}, id="a single face is the same either way"),
        pytest.param((3, 60, 60), {}, id="no face is of this size"),
        pytest.param((3, 48, 60), {}, id="nor of this"),
        pytest.param((48, 48, 3), {}, id="channels last"),
        pytest.param((3, 48, 48), {"size": {"height": 20, "width": 20}}, id="nor of this, where faces are smaller"),
    ],
)
def test_array_that_can_only_be_a_picture_is_one(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    assert len(process(np.zeros(shape, np.uint8), **options)) == 1
    assert len(process(torch.zeros(shape, dtype=torch.uint8), **options)) == 1


@pytest.mark.parametrize(
    ("shape", "input_data_format", "place"),
    [((48, 48, 3), "channels_first", "first"), ((3, 48, 48), "channels_last", "last")],
)
def test_channels_are_nowhere_but_where_one_says(shape: tuple[int, ...], input_data_format: str, place: str) -> None:
    """The word was a hint, and the other end was taken all the same."""
    with pytest.raises(ValueError, match=rf"4 channels, {place}; got an array of shape \({shape[0]}, 48, {shape[2]}\)"):
        process(np.zeros(shape, np.uint8), input_data_format=input_data_format)


def test_pictures_of_different_sizes_keep_their_order() -> None:
    faces = [make_face(48), make_face(200, seed=1), make_face(20, seed=2)]
    assert np.array_equal(process(faces), np.concatenate([process(face) for face in faces]))


@pytest.mark.parametrize("to_source", [str, Path], ids=["str", "Path"])
@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.fromarray(GREY), id="L"),
        pytest.param(make_deep_grey("I;16", "<u2"), id="16 bits, which transformers' own loader would clip"),
        pytest.param(Image.new("RGBA", (48, 48), (0, 0, 0, 0)), id="transparent, which that loader would make black"),
    ],
)
def test_files_give_the_same_as_opened_images(image: Image.Image, to_source: type, tmp_path: Path) -> None:
    image.save(tmp_path / "face.png")
    source = to_source(tmp_path / "face.png")
    assert np.array_equal(process(source), process(image))
    assert process([source, image]).shape == (2, 1, 48, 48)


def test_base64_text_gives_the_same_as_the_file() -> None:
    """The loader of transformers made transparent pixels black."""
    text = base64.b64encode(encode_png(Image.new("RGBA", (48, 48), (0, 0, 0, 0)))).decode()
    assert (process([text, f"data:image/png;base64,{text}"]) == 1).all()


@pytest.mark.parametrize("bits", [12, 14])
def test_greys_of_a_camera_are_spread(bits: int) -> None:
    """They were black."""
    image = open_again(Image.fromarray(np.uint16(np.rint(GREY / 255 * (2**bits - 1)))))
    assert np.abs(process(image)[0, 0] - (GREY - float(GREY.min())) / (int(GREY.max()) - int(GREY.min()))).max() < 0.01


def test_a_deep_tiff_whose_zero_is_white_is_no_negative() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    image = open_again(Image.fromarray(65535 - GREY.astype(np.uint16) * 257), "TIFF", tiffinfo=tags)
    assert np.array_equal(process(image)[0, 0], EXPECTED)


# Sizes.


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(1, 1, id="one pixel"),
        pytest.param(48, 1, id="one row"),
        pytest.param(3, 2000, id="a strip"),
        pytest.param(6000, 4000, id="24 megapixels"),
    ],
)
def test_a_picture_of_one_grey_keeps_it_at_any_size(width: int, height: int) -> None:
    pixel_values = process(Image.new("RGB", (width, height), (100, 100, 100)))
    assert pixel_values.shape == (1, 1, 48, 48)
    assert (pixel_values == np.float32(100 / 255)).all()


@pytest.mark.parametrize("shape", [(1, 1), (20, 30), (48, 96), (150, 100)], ids=str)
def test_the_whole_picture_is_resized_by_the_bilinear_filter_of_pil(shape: tuple[int, int]) -> None:
    image = Image.fromarray(make_grey_array(*shape))
    expected = np.asarray(image.resize((48, 48), Image.Resampling.BILINEAR))
    assert np.array_equal(process(image)[0, 0], np.float32(expected / 255))


def test_another_size_can_be_asked_for() -> None:
    assert process(make_face(), size={"height": 24, "width": 32}).shape == (1, 1, 24, 32)


# On the disk.


def test_saved_and_loaded_processor_gives_the_same_tensors(tmp_path: Path) -> None:
    processor = FerImageProcessor(size={"height": 20, "width": 20}, resample=Image.Resampling.BICUBIC)
    processor.save_pretrained(tmp_path)
    loaded = FerImageProcessor.from_pretrained(tmp_path)
    faces = [make_face(70), make_color_image(33, 90)]
    expected = processor(faces, return_tensors="pt")["pixel_values"]
    assert expected.shape == (2, 1, 20, 20)
    assert torch.equal(loaded(faces, return_tensors="pt")["pixel_values"], expected)


def test_saved_processor_states_size_filter_and_scale(tmp_path: Path) -> None:
    FerImageProcessor().save_pretrained(tmp_path)
    stated = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert stated["size"] == {"height": 48, "width": 48}
    assert stated["resample"] == Image.Resampling.BILINEAR
    assert stated["rescale_factor"] == 1 / 255
    assert not stated["do_normalize"]


# Bad input.


def write_file(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def make_truncated(image_format: str) -> bytes:
    buffer = io.BytesIO()
    make_color_image(200, 200).save(buffer, format=image_format)
    return buffer.getvalue()[:2000]


class BrokenImage(Image.Image):
    size = (5, 5)

    def load(self) -> None:  # type: ignore[override]
        raise subprocess.CalledProcessError(1, "gs")


@pytest.mark.parametrize(
    ("make_input", "error", "words"),
    [
        pytest.param(lambda _: [], ValueError, ["No image", "empty"], id="empty list"),
        pytest.param(lambda _: [[], ()], ValueError, ["No image", "empty"], id="nested empty lists"),
        pytest.param(lambda _: np.zeros((0, 48, 48, 1)), ValueError, ["No image"], id="empty batch"),
        pytest.param(lambda _: np.zeros((0, 48)), ValueError, ["empty", "(0, 48)"], id="array without rows"),
        pytest.param(lambda _: torch.zeros(1, 48, 0), ValueError, ["empty", "(1, 48, 0)"], id="tensor without columns"),
        pytest.param(lambda _: Image.new("L", (5, 0)), ValueError, ["empty", "5x0"], id="picture without rows"),
        pytest.param(lambda _: None, TypeError, ["PIL image", "NoneType"], id="None"),
        pytest.param(lambda _: [make_face(), None], TypeError, ["NoneType"], id="None in a list"),
        pytest.param(lambda _: b"\x89PNG", TypeError, ["bytes"], id="bytes"),
        pytest.param(lambda _: [[0, 1], [2, 3]], TypeError, ["int"], id="lists of numbers"),
        pytest.param(lambda _: np.zeros(48, np.uint8), ValueError, ["2 or 3 dimensions", "(48,)"], id="1D"),
        pytest.param(
            lambda _: np.zeros((1, 1, 1, 8, 8)), ValueError, ["2 or 3 dimensions", "(1, 1, 1, 8, 8)"], id="5D"
        ),
        pytest.param(
            lambda _: np.zeros((48, 48, 5), np.uint8),
            ValueError,
            ["1, 3 or 4 channels", "(48, 48, 5)"],
            id="5 channels",
        ),
        pytest.param(
            lambda _: np.zeros((2, 48, 48), np.uint8),
            ValueError,
            ["1, 3 or 4 channels", "(2, 48, 48)", "array[:, None]"],
            id="2 channels",
        ),
        pytest.param(
            lambda _: np.full((48, 48), 200.0), ValueError, ["[0, 1]", "200.0", "Divide by 255"], id="float in 0..255"
        ),
        pytest.param(lambda _: np.full((48, 48), -0.1), ValueError, ["[0, 1]", "-0.1"], id="normalised float"),
        pytest.param(lambda _: np.full((48, 48), np.nan), ValueError, ["[0, 1]", "nan"], id="NaN"),
        pytest.param(
            lambda _: np.where(np.eye(48), np.nan, 0.5), ValueError, ["[0, 1]", "nan"], id="NaN among good numbers"
        ),
        pytest.param(lambda _: np.full((48, 48), np.inf), ValueError, ["[0, 1]", "inf"], id="infinite"),
        pytest.param(lambda _: np.full((48, 48), -1), ValueError, ["0..255", "-1"], id="negative int"),
        pytest.param(lambda _: np.full((48, 48), 256), ValueError, ["0..255", "256"], id="int64 above 255"),
        pytest.param(
            lambda _: np.full((48, 48), 256, np.int32), ValueError, ["0..255", "256"], id="int32 above 255 is no uint16"
        ),
        pytest.param(lambda _: Image.new("I", (48, 48), -5), ValueError, ["0..255", "-5"], id="mode I, negative"),
        pytest.param(lambda _: Image.new("F", (48, 48), 300), ValueError, ["[0, 1]"], id="mode F above 255"),
        pytest.param(lambda _: np.full((48, 48), None), ValueError, ["numbers", "object"], id="dtype object"),
        pytest.param(lambda _: np.zeros((48, 48), complex), ValueError, ["numbers", "complex128"], id="complex"),
        pytest.param(lambda folder: str(folder / "none.png"), ValueError, ["none.png"], id="no such file"),
        pytest.param(lambda folder: write_file(folder, "empty.png", b""), ValueError, ["empty.png"], id="empty file"),
        pytest.param(
            lambda folder: write_file(folder, "notes.jpg", b"Dear diary"),
            ValueError,
            ["notes.jpg", "cannot be read"],
            id="text file",
        ),
        pytest.param(
            lambda folder: write_file(folder, "cut.jpg", make_truncated("JPEG")),
            ValueError,
            ["cut.jpg", "cut short"],
            id="truncated JPEG",
        ),
        pytest.param(
            lambda folder: write_file(folder, "cut.png", make_truncated("PNG")),
            ValueError,
            ["cut.png", "cut short"],
            id="truncated PNG",
        ),
        pytest.param(
            lambda _: Image.open(io.BytesIO(make_truncated("JPEG"))),
            ValueError,
            ["cannot be read", "cut short"],
            id="truncated JPEG, opened by the user",
        ),
        pytest.param(
            lambda _: Image.open(io.BytesIO(encode_png(make_face(200))[:-3000])),
            ValueError,
            ["cannot be read", "cut short"],
            id="truncated PNG, opened by the user",
        ),
        pytest.param(
            lambda _: BrokenImage(),
            ValueError,
            ["cannot be read"],
            id="decoder that raises what it likes",
        ),
    ],
)
def test_bad_input_is_named(
    make_input: Callable[[Path], Any], error: type[Exception], words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(error) as raised:
        process(make_input(tmp_path))
    for word in words:
        assert word in str(raised.value)


def test_no_file_reaches_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIL hands PostScript to Ghostscript, whatever the file is called."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("another program was started"))
    make_face().convert("RGB").save(tmp_path / "face.jpg", "EPS")
    for source in (tmp_path / "face.jpg", base64.b64encode((tmp_path / "face.jpg").read_bytes()).decode()):
        with pytest.raises(ValueError, match="such as JPEG or PNG"):
            process(source)
    assert set(image_processing_fer.FORMATS) == {*images.FORMATS, "HEIF"}
