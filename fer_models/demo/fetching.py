"""Files that programs and agents name by an address, which gradio fetches."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr

from .internals import is_http_url_like


@contextmanager
def tell_failure(path: str | Path | None) -> Iterator[None]:
    """Tell the caller why an address cannot be fetched; gradio would keep its own errors to itself.

    Args:
        path: What is fetched in the block; errors about other files stay as they are.
    """
    try:
        yield
    except Exception as error:  # whatever the network makes of it
        if not is_http_url_like(path):
            raise
        raise gr.Error(f"The file at that address cannot be fetched: {error}", print_exception=False) from error
