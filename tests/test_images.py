import os
import struct
import subprocess
import sys
import warnings
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import make_color_image, make_face
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener
from test_image_processing import STORED_BY_ORIENTATION

from fer_models import images
from fer_models.images import ImageError, has_more_frames, read_image

register_heif_opener()


def encode(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def make_gradient(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    row = np.linspace(0, 255, size[0]).astype(np.uint8)
    return Image.fromarray(np.tile(row, (size[1], 1))).convert(mode)


def make_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def insert_chunk(chunk: bytes) -> bytes:
    """A PNG with a further chunk before its pixels."""
    png = encode(make_face())
    start = png.index(b"IDAT") - 4
    return png[:start] + chunk + png[start:]


def insert_segment(marker: int, content: bytes) -> bytes:
    """A JPEG with a further segment after its first mark."""
    jpeg = encode(make_face(), "JPEG")
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def break_checksum(png: bytes, kind: bytes) -> bytes:
    start = png.index(kind)
    (length,) = struct.unpack_from(">I", png, start - 4)
    end = start + 4 + length
    return png[:end] + bytes([png[end] ^ 1]) + png[end + 1 :]


def make_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def make_tiff(tags: dict[int, int], pixels: bytes = bytes(range(64)), order: str = "<") -> bytes:
    """An 8x8 TIFF in grey, which says of itself what these tags tell, too."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: len(pixels)} | tags
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(pixels))
    return head + pixels + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


UNUSABLE = [
    (b"", "empty", "no bytes at all"),
    (b"not a picture", "not_an_image", "text"),
    (encode(make_gradient(), "JPEG")[:20], "unreadable", "JPEG of a few bytes"),
    (encode(make_gradient(), "HEIF")[:300], "unreadable", "HEIC cut short"),
    (break_checksum(encode(make_gradient()), b"IDAT"), "unreadable", "PNG with a wrong checksum of its pixels"),
    (break_checksum(encode(make_gradient("P")), b"PLTE"), "unreadable", "PNG with a wrong checksum of its colours"),
    (encode(Image.fromarray(np.full((8, 8), np.nan, np.float32)), "TIFF"), "unreadable", "pixels that are no numbers"),
    (make_tiff({256: 4, 258: 16, 262: 2, 277: 3, 284: 2}), "unreadable", "TIFF of 16 bits, channel by channel"),
    (make_tiff({284: 2, 262: 0}), "unreadable", "the same of 8 bits, zero is white"),
    (make_tiff({339: 2}), "unreadable", "TIFF of 8 bits with a sign"),
    (make_tiff({256: 4, 257: 4, 258: 32, 262: 0, 339: 3}), "unreadable", "TIFF of fractions, zero is white"),
    (make_tiff({256: 4, 257: 4, 262: 6, 277: 3}), "unreadable", "TIFF in YCbCr, not packed"),
    (
        make_tiff({256: 1, 257: 1, 258: 32, 259: 8, 339: 2}, zlib.compress(b"\0\0\0\1"), order=">"),
        "unreadable",
        "packed TIFF of 32 bits, the other order of bytes",
    ),
    (make_tiff({322: 60_000, 323: 60_000}), "too_large", "a small TIFF whose only tile takes gigabytes"),
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


OTHER_KINDS = {
    "SVG": b"<?xml version='1.0'?>\n<!-- made by hand -->\n<svg>",
    "PDF": b"%PDF-1.7\n",
    "EPS": encode(make_gradient(), "EPS"),
    "CR3": b"\0\0\0\x18ftypcrx " + bytes(30),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(30),
    "raw photo": make_tiff({254: 1}),
    "ZIP": b"PK\3\4" + bytes(40),
}


@pytest.mark.parametrize("name", OTHER_KINDS)
def test_files_of_other_kinds_are_refused_by_name(name: str) -> None:
    with pytest.raises(ImageError, match=f"{name}.*Save it as JPEG or PNG") as caught:
        read_image(OTHER_KINDS[name])
    assert caught.value.reason == "format"
    assert caught.value.values["format"] in str(caught.value)


def test_a_picture_in_a_pipe_is_read() -> None:
    source, target = os.pipe()
    with open(target, "wb") as file:
        file.write(encode(make_gradient()))
    with open(source, "rb") as file:
        assert read_image(file).size == (60, 40)


def test_no_file_reaches_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIL hands PostScript to Ghostscript, whatever the file is called."""
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("another program was started"))
    eps = encode(make_gradient(), "EPS")
    for content in (eps, b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 32, len(eps)) + bytes(20) + eps):
        (tmp_path / "photo.jpg").write_bytes(content)
        with pytest.raises(ImageError):
            read_image(tmp_path / "photo.jpg")


def test_without_its_package_a_heic_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(ImageError, match=r"HEIC.*pi-heif.*JPEG") as caught:
        read_image(encode(make_gradient(), "HEIF"))
    assert caught.value.reason == "heic"


def test_missing_files_and_folders_are_refused() -> None:
    for path in ("nowhere.jpg", "."):
        with pytest.raises(ImageError, match="no file") as caught:
            read_image(path)
        assert caught.value.reason == "missing"


USABLE = {
    "one pixel": encode(Image.new("L", (1, 1), 7)),
    "RGB": encode(make_gradient()),
    "CMYK, for print": encode(make_gradient("CMYK"), "TIFF"),
    "CMYK as JPEG": encode(make_gradient("CMYK"), "JPEG"),
    "YCbCr": encode(make_gradient("YCbCr"), "TIFF", compression="jpeg"),
    "palette": encode(make_gradient("P")),
    "grey with transparency": encode(make_gradient("LA")),
    "palette with transparency": encode(make_gradient("PA"), "TIFF"),
    "black and white": encode(make_gradient("1")),
    "a fax": encode(make_gradient("1"), "TIFF", compression="group4"),
    "JPEG 2000 without a file around it": encode(make_gradient(), "JPEG2000", no_jp2=True),
    **{format: encode(make_gradient(), format) for format in ("WEBP", "AVIF", "HEIF", "BMP", "PPM", "JPEG2000")},
}


@pytest.mark.parametrize(("why", "content"), USABLE.items(), ids=USABLE)
def test_usable_files_become_rgb_and_look_as_they_did(content: bytes, why: str) -> None:
    image = read_image(content)
    assert image.mode == "RGB"
    assert image.size == ((1, 1) if why == "one pixel" else (60, 40))
    row = np.asarray(image.convert("L"), int)[image.height // 2]
    is_dithered = why in ("black and white", "a fax")
    assert np.abs(row - np.linspace(0, 255, image.width)).mean() < (130 if is_dithered else 12)


def test_a_picture_in_lab_has_its_colours() -> None:
    colors = make_gradient().convert("L").convert("RGB")
    lab = ImageCms.profileToProfile(
        colors, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    read = read_image(encode(lab, "TIFF"))
    assert np.abs(np.asarray(read, int) - np.asarray(colors, int)).max() < 8


def encode_row(numbers: list[float], dtype: Any, format: str = "TIFF") -> bytes:
    return encode(Image.fromarray(np.array([numbers], dtype)), format)


HOT = [0, 255] * 9999 + [2**30]
DEEP = {
    "scaled, not clipped": (encode_row([0, 257 * 100, 65535], np.uint16, "PNG"), [0, 100, 255]),
    "a tenth of the range, not from 0": (encode_row([1000, 2023, 3046], np.uint16), [0, 127, 255]),
    "a quarter of the range stays dark": (encode_row([0, 8192, 16384], np.uint16, "PNG"), [0, 31, 63]),
    "one grey": (encode_row([25700, 25700], np.uint16, "PNG"), [100, 100]),
    "a hot pixel": (encode_row([0, 2048, 4095] + [0, 4095] * 9999 + [65535], np.uint16, "PNG"), [0, 127, 255]),
    "zero is white": (make_tiff({256: 3, 257: 1, 258: 16, 262: 0}, b"\xff\xff\0\x80\0\0"), [0, 127, 255]),
    "32 bits that hold 8": (encode_row([0, 100, 255], np.int32), [0, 100, 255]),
    "32 bits with less than nothing": (encode_row([-5, 0, 5], np.int32), [0, 127, 255]),
    "32 bits, a hot pixel": (encode_row([0, 100, 255, *HOT], np.int32), [0, 100, 255]),
    "32 bits without a sign": (
        make_tiff({256: 3, 257: 1, 258: 32}, struct.pack("<3I", 0, 2**31, 2**32 - 1)),
        [0, 127, 255],
    ),
    "shares": (encode_row([0, 0.5, 1], np.float32), [0, 127, 255]),
    "greys as fractions": (encode_row([0, 100, 255], np.float32), [0, 100, 255]),
    "light": (encode_row([0, 1.5, 3], np.float32), [0, 127, 255]),
}


@pytest.mark.parametrize(("content", "expected"), DEEP.values(), ids=DEEP)
def test_deep_greys_are_seen(content: bytes, expected: list[int]) -> None:
    assert np.asarray(read_image(content))[0, : len(expected), 0].tolist() == pytest.approx(expected, abs=1)


def test_a_process_that_has_seen_no_heic_reads_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder of HEIC, which this file registers, is there only once there was one."""
    monkeypatch.delitem(Image.OPEN, "HEIF")
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    for format in ("TIFF", "BMP", "JPEG2000", "AVIF"):
        assert read_image(encode(make_gradient(), format)).size == (60, 40)


@pytest.mark.parametrize(
    ("suffix", "channels", "top"),
    [(".png", 3, 65535), (".png", 4, 4095), *((suffix, 3, 4095) for suffix in (".png", ".tiff", ".ppm", ".jp2"))],
)
def test_deep_colours_are_seen_as_deep_greys_are_beside_a_hot_pixel(suffix: str, channels: int, top: int) -> None:
    """PIL reads the upper 8 bits alone, of which 12 bits in 16 have used four."""
    pixels = np.linspace(0, top, 64).astype(np.uint16)[None, :, None].repeat(200, 0).repeat(channels, 2)
    pixels[..., 3:] = 65535
    pixels[0, 0] = 65535
    greys = np.asarray(read_image(cv2.imencode(suffix, pixels)[1].tobytes()))[100, :, 0]
    assert np.abs(greys - np.linspace(0, 255, 64)).max() < 20


def test_transparent_pixels_become_white() -> None:
    assert read_image(encode(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("format", "orientation"),
    [("JPEG", orientation) for orientation in range(1, 9)]
    + [(format, 6) for format in ("PNG", "WEBP", "TIFF", "AVIF", "MPO")],
)
def test_turns_and_mirrors_by_exif_are_undone(format: str, orientation: int) -> None:
    upright = make_face(64).resize((64, 80))
    stored = np.ascontiguousarray(STORED_BY_ORIENTATION[orientation](np.asarray(upright)))
    content = encode(Image.fromarray(stored).convert("RGB"), format, exif=make_exif(orientation), quality=95)
    read = read_image(content).convert("L")
    assert read.size == upright.size
    assert np.abs(np.asarray(read, int) - np.asarray(upright, int)).mean() < 8


def test_a_heic_is_turned_once() -> None:
    """By its own property; iPhones write the same turn into EXIF, too."""
    as_taken = make_face(64).resize((64, 80)).convert("RGB")
    content = encode(as_taken, "HEIF", exif=make_exif(6), quality=95)
    start = content.index(b"pixi")  # a property that may be missing, and is as long as need be
    for told, turn in ((b"irot\1", Image.Transpose.ROTATE_90), (b"imir\1", Image.Transpose.FLIP_LEFT_RIGHT)):
        read = read_image(content[:start] + told + bytes(7) + content[start + 12 :])
        expected = as_taken.transpose(turn)
        assert read.size == expected.size
        assert np.abs(np.asarray(read, int) - np.asarray(expected, int)).mean() < 8


BROKEN_EXIF = [
    b"Exif\0\0" + bytes(40),
    b"Exif\0\0II*\0",  # ends too early
    b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(30),  # more entries than there are
    make_exif(6).tobytes()[:-9] + bytes(9),  # a turn by nothing
    make_exif(99).tobytes(),
    b"garbage",
]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_broken_exif_turns_nothing_and_is_gone(format: str) -> None:
    for exif in BROKEN_EXIF:
        image = read_image(encode(make_face().resize((48, 60)), format, exif=exif))
        assert image.size == (48, 60), exif
        assert set(image.info) == {images.MORE_FRAMES}, exif


def test_a_broken_exif_of_an_avif_turns_nothing() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    content = encode(make_face(), "AVIF", exif=exif)
    start = content.rindex(b"MM\0*" if b"MM\0*" in content else b"II*\0")
    assert read_image(content[:start] + bytes(8) + content[start + 8 :]).size == (48, 48)


PACKED = zlib.compress(bytes(30_000_000))
# Browsers do not make this turn either: boxes would lie elsewhere than the page shows the photo.
XMP = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
HARMLESS = {
    "zTXt that unpacks to 30 MB": insert_chunk(make_chunk(b"zTXt", b"a\0\0" + PACKED)),
    "colours that unpack to 30 MB": insert_chunk(make_chunk(b"iCCP", b"a\0\0" + PACKED)),
    "100 MB of text": insert_chunk(make_chunk(b"tEXt", b"a\0" + bytes(5_000_000)) * 20),
    "colours packed in an unknown way": insert_chunk(make_chunk(b"iCCP", b"a\0\7")),
    "a wrong checksum of a text": insert_chunk(make_chunk(b"tEXt", b"a\0b")[:-1] + b"?"),
    "a wrong checksum of EXIF": insert_chunk(make_chunk(b"eXIf", make_exif(6).tobytes()[6:])[:-1] + b"?"),
    "an animation that ends too early": insert_chunk(make_chunk(b"acTL", b"x")),
    "no transparent colour": insert_chunk(make_chunk(b"tRNS", b"")),
    "a turn that only XMP tells": insert_chunk(make_chunk(b"iTXt", XMP)),
    "XMP that is no text": insert_chunk(make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0\xff\xfe")),
    "JFIF without an end": insert_segment(0xE0, b"JFIF\0"),
    "EXIF without an end": insert_segment(0xE1, b"Exif\0\0II*\0"),
    "a list of pictures without an end": insert_segment(0xE2, b"MPF\0II*\0" + bytes(9)),
    "no colours": insert_segment(0xE2, b"ICC_PROFILE\0"),
    "Photoshop": insert_segment(0xED, b"Photoshop 3.0\x008BIM\4"),
    "Adobe without an end": insert_segment(0xEE, b"Adobe\0"),
    "a long comment": insert_segment(0xFE, bytes(60_000)),
}


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_what_lies_beside_the_pixels_decides_nothing(content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = read_image(content)
    assert image.size == (48, 48)
    assert np.abs(np.asarray(image.convert("L"), int) - np.asarray(make_face(), int)).mean() < 8


@pytest.mark.parametrize(("format", "options"), [("GIF", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_a_second_frame_that_is_damaged_does_not_cost_the_first(format: str, options: dict[str, bool]) -> None:
    frames = [make_color_image(64, 64, seed).convert("P") for seed in range(2)]
    content = encode(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert read_image(content[: len(content) - 600] + bytes(600)).size == (64, 64)


def test_whatever_a_decoder_raises_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(ImageError) as caught:
        read_image(encode(make_face()))
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize("seed", range(4))
def test_random_damage_is_an_answer_or_a_sentence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for format in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP", "JPEG2000", "PPM"):
        content = bytearray(encode(make_color_image(40, 40, seed), format))
        for position in rng.integers(0, len(content), 12):
            content[position] = rng.integers(0, 256)
        with suppress(ImageError):
            assert read_image(bytes(content)).mode == "RGB"


@pytest.mark.parametrize(
    ("format", "count", "more"),
    [("PNG", 1, False), ("GIF", 2, True), ("PNG", 2, True), ("WEBP", 2, True), ("TIFF", 2, True), ("MPO", 2, False)],
)
def test_the_first_frame_is_read_and_more_are_known(format: str, count: int, more: bool) -> None:
    """But not those of a phone, whose second picture is a map of depths."""
    first, *others = [make_gradient().rotate(180 * index) for index in range(count)]
    image = read_image(encode(first, format, save_all=count > 1, append_images=others))
    assert has_more_frames(image) is more
    assert np.abs(np.asarray(image, int) - np.asarray(first, int)).mean() < 8
    assert not has_more_frames(first), "it comes from no file"
