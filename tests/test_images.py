from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import make_color_image
from PIL import Image

from fer_models.images import ImageError, has_more_frames, read_image


def encode(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def make_gradient(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    row = np.linspace(0, 255, size[0]).astype(np.uint8)
    return Image.fromarray(np.tile(row, (size[1], 1))).convert(mode)


def make_animation() -> bytes:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


UNUSABLE = [
    (b"", "empty", "no bytes at all"),
    (b"not a picture", "not_an_image", "text"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", "a drawing, which PIL does not read"),
    (encode(Image.effect_noise((200, 200), 80), "PNG")[:9000], "unreadable", "PNG cut short"),
    (encode(Image.effect_noise((200, 200), 80), "JPEG")[:4000], "unreadable", "JPEG cut short"),
    (encode(Image.new("1", (10_000, 9_000)), "PNG"), "too_large", "90 megapixels in a small file"),
    (encode(Image.new("1", (20_000, 20_000)), "PNG"), "too_large", "400 megapixels: PIL itself refuses"),
]


@pytest.mark.parametrize(("content", "reason", "why"), UNUSABLE, ids=[row[2] for row in UNUSABLE])
def test_unusable_files_are_refused_with_a_reason(content: bytes, reason: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert caught.value.reason == reason
    assert str(caught.value).endswith((".", "!"))


@pytest.mark.parametrize("path", ["nowhere.jpg", "."])
def test_missing_files_and_folders_are_refused(path: str) -> None:
    with pytest.raises(ImageError, match="no file") as caught:
        read_image(path)
    assert caught.value.reason == "missing"


USABLE = [
    (encode(Image.new("L", (1, 1), 7)), (1, 1), "one pixel"),
    (encode(make_gradient()), (60, 40), "RGB"),
    (encode(make_gradient("CMYK"), "TIFF"), (60, 40), "CMYK, for print"),
    (encode(make_gradient("P")), (60, 40), "palette"),
    (encode(make_gradient("LA")), (60, 40), "grey with transparency"),
    (encode(make_gradient("1")), (60, 40), "black and white"),
    (encode(make_gradient(), "WEBP"), (60, 40), "WebP"),
    (make_animation(), (20, 20), "animation"),
]


@pytest.mark.parametrize(("content", "size", "why"), USABLE, ids=[row[2] for row in USABLE])
def test_usable_files_become_rgb(content: bytes, size: tuple[int, int], why: str) -> None:
    image = read_image(content)
    assert image.mode == "RGB"
    assert image.size == size


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    image = Image.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16))
    assert np.asarray(read_image(encode(image)))[0, :, 0].tolist() == [0, 100, 255]


def test_transparent_pixels_become_white() -> None:
    assert read_image(encode(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).getpixel((0, 0)) == (255, 255, 255)


def test_an_animation_gives_its_first_frame() -> None:
    red, _, blue = read_image(make_animation()).getpixel((10, 10))
    assert red > 200
    assert blue < 50


def test_rotation_by_exif_is_undone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image = read_image(encode(make_gradient(), "JPEG", exif=exif))
    assert image.size == (40, 60)


def test_a_photo_of_24_megapixels_keeps_all_of_them() -> None:
    image = read_image(encode(Image.new("RGB", (6000, 4000), "tan"), "JPEG"))
    assert image.size == (6000, 4000)


@pytest.mark.parametrize(
    ("format", "count", "more"),
    [
        ("PNG", 1, False),
        ("GIF", 1, False),
        ("JPEG", 1, False),
        ("GIF", 2, True),
        ("PNG", 2, True),
        ("WEBP", 2, True),
        ("TIFF", 2, True),
        ("MPO", 2, False),  # as phones write them
    ],
)
def test_files_with_more_than_the_first_frame_are_known(tmp_path: Path, format: str, count: int, more: bool) -> None:
    first, *others = [make_color_image(seed=seed) for seed in range(count)]
    first.save(tmp_path / "picture", format, save_all=count > 1, append_images=others)
    image = read_image(tmp_path / "picture")
    assert has_more_frames(image) is more
    assert image.size == first.size


def test_a_picture_that_comes_from_no_file_has_no_more_frames() -> None:
    assert has_more_frames(make_color_image()) is False
