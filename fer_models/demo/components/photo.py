"""The photo with its faces, what can be chosen below it, and the face that the models get, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from PIL import Image

from ...faces import DetectedFace
from ...images import read_image, shrink
from ..locales import translate
from .html import say, to_data_uri

# Longer side, in pixels, of the photo that is sent back with the boxes.
PREVIEW_SIDE = 640
# Side of the square pictures below the photo, in pixels: the examples, or the faces.
THUMBNAIL_SIDE = 128

# How a photo gets here. Its words are filled in from `words`; `scripts/photo.js` does the rest.
BEGIN = """
<div class="fer-begin">
  <button type="button" class="fer-button fer-primary" data-do="take">${words["photo.take"]}</button>
  <button type="button" class="fer-button" data-do="choose">${words["photo.choose"]}</button>
  <button type="button" class="fer-button fer-remove" data-do="remove" aria-label="${words["photo.remove"]}">✕</button>
  <input type="file" accept="image/*,.heic,.heif" hidden>
  <input type="file" accept="image/*" capture="user" hidden>
</div>
"""
BEGIN_WORDS = ("take", "choose", "remove", "snap", "uploading")
# A face without features, where the photo will be.
PLACEHOLDER = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 8V5a1 1 0 0 1 1-1h3m8 0h3a1 1 0 0 1 1 1v3m0 8v3a1 1 0 0 '
    '1-1 1h-3m-8 0H5a1 1 0 0 1-1-1v-3m5-6v1m6-1v1m-6 4q3 2.4 6 0"/></svg>'
)


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


def describe_begin(language: str) -> dict[str, str]:
    """The words of `BEGIN`, and those that its script needs."""
    return {f"photo.{name}": translate(language, f"photo.{name}") for name in BEGIN_WORDS}


def render_empty(language: str) -> str:
    """The place of the photo before there is one."""
    empty, drop = (say(language, f"photo.{part}") for part in ("empty", "drop"))
    return f'<div class="fer-empty">{PLACEHOLDER}<p>{empty} <span class="fer-mouse">{drop}</span></p></div>'


def render_photo(preview: Preview, faces: Sequence[DetectedFace], face_index: int | None, language: str) -> str:
    """The photo with a box around each face, numbered if there are several.

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
        _render_face(
            [preview.scale * x for x in faces[index].box_xyxy], index, index == face_index, len(faces) > 1, unit, height
        )
        for index in order
    )
    name = translate(language, "photo.with_faces", count=len(faces)) if faces else translate(language, "photo.alt")
    return (
        f'<svg class="fer-photo" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">'
        f'<image href="{preview.data_uri}" width="{width}" height="{height}"/>{boxes}</svg>'
    )


def _render_face(
    box_xyxy: Sequence[float], index: int, is_chosen: bool, is_numbered: bool, unit: float, height: float
) -> str:
    x0, y0, x1, y1 = box_xyxy
    box = f'x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" rx="{unit:.1f}"'
    line = (1.2 if is_chosen else 0.7) * unit  # the colour is not the only sign
    shapes = f'<rect class="fer-edge" {box} stroke-width="{line + 0.7 * unit:.1f}"/>'
    shapes += f'<rect class="fer-box" {box} stroke-width="{line:.1f}"/>'
    if is_numbered:  # outside of the box, of which it would hide a small face
        side = 5.5 * unit
        top = y0 - side - unit if y0 > side + unit else min(y1 + unit, height - side)
        shapes += (
            f'<rect class="fer-tag" x="{x0:.1f}" y="{top:.1f}" width="{side:.1f}" height="{side:.1f}" rx="{unit:.1f}"/>'
            f'<text x="{x0 + side / 2:.1f}" y="{top + side / 2:.1f}" font-size="{4 * unit:.1f}">{index + 1}</text>'
        )
    kind = "fer-face fer-chosen" if is_chosen else "fer-face"
    return f'<g class="{kind}" data-face="{index}">{shapes}</g>'


def render_crop(crop_48: Image.Image, language: str) -> str:
    """The face as the models see it: grey, at their own resolution."""
    return (
        f'<figure class="fer-crop"><img src="{to_data_uri(crop_48, "PNG")}" alt="" width="96" height="96">'
        f'<figcaption class="fer-small">{say(language, "photo.crop")}</figcaption></figure>'
    )


def render_choices(faces: Sequence[Image.Image], face_index: int | None, examples: str, language: str) -> str:
    """What stands below the photo: its faces, if there are several to choose from, else the examples.

    Args:
        faces: What was cut out, in the order of the boxes.
        face_index: The one that was chosen, counted from 0.
        examples: What `render_examples` gives.
        language: Of the words.
    """
    if len(faces) < 2:
        return examples
    choices = "".join(
        f'<label class="fer-thumbnail"><input type="radio" name="photo.faces" data-face="{index}" value="{index}"'
        f"{' checked' if index == face_index else ''}>"
        f'<img src="{_make_thumbnail(face)}" alt="" width="64" height="64"><span>'
        f"{say(language, 'faces.number', number=index + 1, count=len(faces))}</span></label>"
        for index, face in enumerate(faces)
    )
    return (
        f'<fieldset class="fer-choices" id="photo.faces"><legend>{say(language, "faces.label")}</legend>'
        f"<div>{choices}</div></fieldset>"
    )


def render_examples(paths: Sequence[str], language: str) -> str:
    """Pictures to try, as buttons.

    Args:
        paths: The pictures; the names of the files have words in `locales`.
        language: Of the words.
    """
    buttons = "".join(
        f'<button type="button" class="fer-thumbnail" data-example="{index}">'
        f'<img src="{_read_thumbnail(path)}" alt="" width="64" height="64">'
        f"<span>{say(language, f'example.{Path(path).stem}')}</span></button>"
        for index, path in enumerate(paths)
    )
    title = say(language, "photo.examples")
    return f'<div class="fer-choices" id="photo.examples"><p>{title}</p><div>{buttons}</div></div>'


@cache
def _read_thumbnail(path: str) -> str:
    return _make_thumbnail(read_image(path))


def _make_thumbnail(image: Image.Image) -> str:
    """Its upper square, small."""
    side = min(image.size)
    left = (image.width - side) // 2
    square = image.crop((left, 0, left + side, side)).convert("RGB")
    size = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return to_data_uri(square.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0), "JPEG")
