"""The photo with its faces, and the face that the models get, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from ...faces import DetectedFace
from ...images import read_image, shrink
from ..locales import translate
from .html import to_data_uri

# Longer side, in pixels, of the photo that is sent back with the boxes, and of the examples.
PREVIEW_SIDE = 640
EXAMPLE_SIDE = 160


@dataclass(frozen=True)
class Preview:
    """A photo as the page shows it.

    Attributes:
        data_uri: A small JPEG, part of the HTML: nothing is written to the disk for it.
        size: Width and height of it, in pixels.
        scale: Its pixels per pixel of the photo.
    """

    data_uri: str
    size: tuple[int, int]
    scale: float


def make_preview(image: Image.Image) -> Preview:
    small = shrink(image, PREVIEW_SIDE)
    return Preview(to_data_uri(small, "JPEG"), small.size, small.width / image.width)


def render_photo(preview: Preview, faces: Sequence[DetectedFace], face_index: int | None, language: str) -> str:
    """The photo with a numbered box around each face.

    Args:
        preview: The photo.
        faces: What was found in it; none if the whole picture was taken.
        face_index: The face that was chosen, counted from 0.
        language: Of what a screen reader says.
    """
    width, height = preview.size
    unit = max(width, height) / 100  # of line widths and letters, so that all photos have them alike
    # The chosen one comes last and lies on top.
    order = sorted(range(len(faces)), key=lambda index: index == face_index)
    boxes = "".join(
        _render_face(faces[index], index, index == face_index, len(faces) > 1, preview.scale, unit, language)
        for index in order
    )
    name = translate(language, "photo.with_faces", count=len(faces)) if faces else translate(language, "photo.alt")
    return (
        f'<svg class="fer-photo" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">'
        f'<image href="{preview.data_uri}" width="{width}" height="{height}"/>{boxes}</svg>'
    )


def _render_face(
    face: DetectedFace, index: int, is_chosen: bool, is_numbered: bool, scale: float, unit: float, language: str
) -> str:
    x0, y0, x1, y1 = (scale * x for x in face.box_xyxy)
    box = f'x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" rx="{unit:.1f}"'
    line = (1.2 if is_chosen else 0.7) * unit  # the colour is not the only sign
    shapes = f'<rect class="fer-edge" {box} stroke-width="{line + 0.7 * unit:.1f}"/>'
    shapes += f'<rect class="fer-box" {box} stroke-width="{line:.1f}"/>'
    if is_numbered:
        side = 5.5 * unit
        shapes += (
            f'<rect class="fer-tag" x="{x0:.1f}" y="{y0:.1f}" width="{side:.1f}" height="{side:.1f}" rx="{unit:.1f}"/>'
            f'<text x="{x0 + side / 2:.1f}" y="{y0 + side / 2:.1f}" font-size="{4 * unit:.1f}">{index + 1}</text>'
        )
    title = escape(translate(language, "faces.number", number=index + 1))
    kind = "fer-face fer-chosen" if is_chosen else "fer-face"
    return f'<g class="{kind}" data-face="{index}"><title>{title}</title>{shapes}</g>'


def render_crop(crop_48: Image.Image, language: str) -> str:
    """The face as the models see it: grey, at their own resolution."""
    caption = escape(translate(language, "photo.crop"))
    return (
        f'<figure class="fer-crop"><img src="{to_data_uri(crop_48, "PNG")}" alt="" width="96" height="96">'
        f'<figcaption class="fer-small">{caption}</figcaption></figure>'
    )


def render_examples(paths: Sequence[str], language: str) -> str:
    """Pictures to try, as buttons.

    Args:
        paths: The pictures; the names of the files have words in `locales`.
        language: Of the words.
    """
    buttons = ""
    for index, path in enumerate(paths):
        image = read_image(path)
        image.thumbnail((EXAMPLE_SIDE, EXAMPLE_SIDE))
        words = escape(translate(language, f"example.{Path(path).stem}"))
        picture = f'<img src="{to_data_uri(image, "JPEG")}" alt="" width="{image.width}" height="{image.height}">'
        buttons += f'<button type="button" data-example="{index}">{picture}<span>{words}</span></button>'
    return f'<p class="fer-hint">{escape(translate(language, "photo.examples"))}</p><div>{buttons}</div>'
