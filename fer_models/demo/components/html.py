"""Pieces of HTML that the tabs share."""

import base64
from html import escape
from io import BytesIO

from PIL import Image

from ..locales import translate


def say(language: str, key: str, **values: object) -> str:
    """The words of `key`, as `locales.translate` gives them, as HTML."""
    return escape(translate(language, key, **values))


def render_message(text: str, kind: str = "hint", id: str = "") -> str:
    """A sentence where an answer would be.

    Args:
        text: The sentence.
        kind: `hint` or `error`.
        id: Of what it answers: the page brings it into view once for each.
    """
    role = "alert" if kind == "error" else "status"
    look = f' data-look="{escape(id)}" tabindex="-1"' if id else ""
    return f'<p class="fer-message fer-message-{kind}" role="{role}"{look}>{escape(text)}</p>'


def render_download(content: bytes, kind: str, file_name: str, words: str, attributes: str = "") -> str:
    """A link that holds the file itself, so that nothing is written to the disk for it; `kind` is its MIME type."""
    data = base64.b64encode(content).decode()
    return f'<a {attributes} download="{escape(file_name)}" href="data:{kind};base64,{data}">{escape(words)}</a>'


def to_data_uri(image: Image.Image, format: str) -> str:
    """A picture as part of the HTML, so that nothing is written to the disk for it; `format` is `JPEG` or `PNG`."""
    buffer = BytesIO()
    image.save(buffer, format=format, quality=85)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
