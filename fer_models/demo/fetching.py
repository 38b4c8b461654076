"""Files that programs and agents name by an address: uploads, data URIs, and what gradio fetches."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_http_url_like

# How programs and agents hand a file over.
SENT_AS = "A data URI, or the path of an upload."
# What stands before the path in the address under which the page gives an upload back.
FILE_ROUTE = "/gradio_api/file="


def is_inline(address: str) -> bool:
    """Whether an address is a file itself, a data URI."""
    return address.startswith("data:")


def find_upload(address: str) -> str | None:
    """The path of an uploaded file, which the upload has answered, or which its own address holds; None if it is none.

    Paths outside of the uploads are nobody's business.
    """
    path = address.rpartition(FILE_ROUTE)[2]
    return path if is_in_or_equal(path, get_upload_folder()) and Path(path).is_file() else None


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
