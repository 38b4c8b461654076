"""Why a file cannot be used, in the visitor's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...archives import MAX_ENTRIES
from ...batch import MAX_FILES
from ...images import MAX_PIXELS
from ...video import MAX_FRAME_PIXELS
from ..components.html import render_message
from ..locales import translate

# Of a video, on the page: the others wait for its end.
MAX_DURATION_S = 300
LIMITS: dict[str, Any] = {
    "megapixels": MAX_PIXELS // 1_000_000,
    "frame_megapixels": MAX_FRAME_PIXELS // 1_000_000,
    "entries": MAX_ENTRIES,
    "files": MAX_FILES,
    "minutes": MAX_DURATION_S // 60,
}


@dataclass(frozen=True)
class Trouble:
    """Why a job has found nothing, in place of its report, so that it stays, and follows the language.

    Attributes:
        key: An id of `locales.LOCALES`.
        values: What its words need beside the limits.
    """

    key: str
    values: Mapping[str, str] = field(default_factory=dict)

    def render(self, language: str) -> str:
        """A sentence, as HTML."""
        return render_message(translate(language, self.key, **LIMITS | dict(self.values)), "error")


def explain(reason: str, language: str, values: Mapping[str, str] | None = None) -> str:
    """A sentence.

    Args:
        reason: That of an `ImageError`, or of one of its kinds.
        language: One of `locales.LOCALES`.
        values: The error's.
    """
    return translate(language, f"error.{reason}", **LIMITS | dict(values or {}))
