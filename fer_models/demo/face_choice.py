"""The choice of a face. In a file of its own, since gradio writes a stub (`.pyi`) beside each component class."""

from typing import Any

import gradio as gr


class FaceChoice(gr.Radio):
    """Radio buttons that hand on the number of a face as it is.

    `gr.Radio` refuses what is none of its choices; but those belong to the photo at hand, and after many other visits
    the server has forgotten them, where the page has not.
    """

    is_template = True

    def preprocess(self, payload: Any) -> int | None:
        return payload if isinstance(payload, int) else None
