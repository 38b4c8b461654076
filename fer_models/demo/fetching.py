"""Files that programs and agents name by an address: none of them is fetched."""

from typing import Any

import gradio as gr

from .internals import processing_utils

REFUSAL = "The page fetches no file from an address. Download it, then upload it, or send it as a data URI."
# Everything that gradio downloads goes through these.
DOWNLOADS = ("async_ssrf_protected_download", "async_ssrf_protected_get")


def fetch_nothing() -> None:
    """Have gradio refuse addresses, in whatever part of a call they are.

    It would store a file of any size before our functions hear of it, and for any component, one that takes no file
    included; and it would visit any machine that a stranger names.

    Raises:
        AttributeError: Gradio downloads in another way.
    """

    async def refuse(*_: Any, **__: Any) -> Any:
        raise gr.Error(REFUSAL, print_exception=False)

    for name in DOWNLOADS:
        getattr(processing_utils, name)
        setattr(processing_utils, name, refuse)
