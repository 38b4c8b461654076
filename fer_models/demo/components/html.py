"""Pieces of HTML that the tabs share."""

import base64
from html import escape
from io import BytesIO

from PIL import Image


def render_message(text: str, kind: str = "hint") -> str:
    """A sentence where an answer would be; `kind` is `hint` or `error`."""
    role = "alert" if kind == "error" else "status"
    return f'<p class="fer-message fer-message-{kind}" role="{role}">{escape(text)}</p>'


def to_data_uri(image: Image.Image, format: str) -> str:
    """A picture as part of the HTML, so that nothing is written to the disk for it; `format` is `JPEG` or `PNG`."""
    buffer = BytesIO()
    image.save(buffer, format=format, quality=85)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
