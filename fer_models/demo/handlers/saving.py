"""A comparison to keep, as JSON, table or picture, and how to ask for it again. Nothing is written to a disk."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from ...inference import to_json
from ...tables import write_csv
from ..components.html import render_download
from ..components.summary import draw_summary
from ..locales import has_decimal_comma
from .compare import Request, Shown

FORMATS = {"json": "application/json", "csv": "text/csv", "png": "image/png"}


def save(shown: Shown, format: str, language: str, with_face: bool = False, address: str = "") -> bytes:
    """The content of a file.

    Args:
        shown: What is to be kept.
        format: One of `FORMATS`.
        language: Of the picture, and of the numbers in the CSV; labels and columns are ids.
        with_face: Whether the picture has the face in it. It is left out unless somebody asks: a picture that is sent
            on shows a person, beside a guess that may be wrong.
        address: That of the page, which the picture names beside the date.

    Raises:
        KeyError: There is no such format.
    """
    return {
        "json": lambda: json.dumps(to_json(shown.comparison, shown.models), indent=2).encode(),
        "csv": lambda: _tabulate(shown, language),
        "png": lambda: draw_summary(
            shown.comparison, language, shown.crop.picture if with_face else None, _describe_source(address)
        ),
    }[format]()


def render_link(content: bytes, format: str) -> str:
    """A link to a file; the tab's script follows each new one, and no two are alike."""
    attributes = f'id="link-{uuid4().hex}" tabindex="-1"'
    return render_download(content, FORMATS[format], f"fer-comparison.{format}", format, attributes)


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], language: str) -> bytes:
    """A table, its numbers as they are written in the language."""
    file = StringIO()
    write_csv(file, header, rows, decimal_comma=has_decimal_comma(language))
    return file.getvalue().encode()


def _describe_source(address: str) -> str:
    """The page's address without what every address has, and today's date."""
    return " · ".join(filter(None, [address.split("://")[-1].strip("/")[:60], f"{date.today()}"]))


def _tabulate(shown: Shown, language: str) -> bytes:
    """One row for each model and one for their average, which alone is `sure` or not and has the ids of the hints.

    Probabilities in [0, 1], time in ms, size in MB.
    """
    content = to_json(shown.comparison, shown.models)
    average = {
        "model": "average",
        "winner": content["favourite"],
        "sure": "yes" if content["sure"] else "no",
        "hints": " ".join(hint["id"] for hint in content["hints"]),
    }
    facts = ["latency_ms", "size_mb", "test_accuracy", "test_images", "test_labels"]
    header = ["model", "tag", "winner", "sure", *content["average"], *facts, "hints"]
    rows = [row | row["probabilities"] for row in content["models"]] + [average | content["average"]]
    return to_csv(header, [[row.get(column) for column in header] for row in rows], language)


def make_link(base_url: str, request: Request) -> str:
    """The page's address with the visitor's settings: whoever opens it has only the photo to choose.

    Args:
        base_url: The page's address, without settings.
        request: The settings.
    """
    settings = {"lang": request.language, "tag": request.tag, "models": ",".join(request.names)}
    if request.face_index:
        settings["face"] = str(request.face_index + 1)  # as it is numbered on the photo
    if request.whole_image:
        settings["whole"] = "1"
    return f"{base_url}?{urlencode(settings, safe=',')}"


def make_snippets(base_url: str, request: Request) -> dict[str, str]:
    """The same comparison for programs: `python`, with gradio_client, and `shell`, with curl."""
    url = base_url.rstrip("/")
    face, whole, names = request.face_index or 0, request.whole_image, list(request.names)
    data = json.dumps([face, whole, names, request.tag])[1:-1]
    python = f"""from gradio_client import Client, handle_file

answer = Client("{url}").predict(
    handle_file("photo.jpg"),
    face_index={face},
    whole_image={whole},
    models={names},
    tag="{request.tag}",
    api_name="/compare",
)
print(answer["favourite"], answer["votes"])
"""
    shell = f"""URL={url}/gradio_api
PHOTO=$(curl -s -F files=@photo.jpg $URL/upload | cut -d'"' -f2)
EVENT=$(curl -s $URL/call/compare -H 'Content-Type: application/json' -d '{{"data": [{{"path": "'$PHOTO'",
  "meta": {{"_type": "gradio.FileData"}}}}, {data}]}}' | cut -d'"' -f4)
curl -sN $URL/call/compare/$EVENT
"""
    return {"python": python, "shell": shell}
