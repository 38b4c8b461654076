"""Files that programs and agents name by an address: uploads and data URIs are taken, nothing else is fetched."""

from pathlib import Path
from typing import Any

from .internals import get_upload_folder, is_http_url_like, is_in_or_equal, save_base64_to_cache

REFUSAL = "The page fetches no file from an address. Download it, then upload it, or send it as a data URI."
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


def to_file(address: str) -> dict[str, Any]:
    """A file as gradio describes one.

    Args:
        address: A data URI, or the path or the address of an upload.

    Raises:
        ValueError: It is none of these.
    """
    if is_inline(address):
        try:
            address = save_base64_to_cache(address, get_upload_folder())
        except ValueError as error:
            raise ValueError(f"The data URI is damaged, or what follows its comma is not base64 ({error}).") from error
    elif path := find_upload(address):
        address = path
    elif is_http_url_like(address):
        raise ValueError(REFUSAL)
    else:
        raise ValueError(f"A file is not sent as {address[:100]!r}. Send a data URI, or the path of an upload.")
    return {"path": address, "meta": {"_type": "gradio.FileData"}}
