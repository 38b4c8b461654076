"""Files that programs and agents name by an address: uploads and data URIs are taken, nothing else is fetched."""

from pathlib import Path
from typing import Any

from .internals import get_upload_folder, is_http_url_like, is_in_or_equal, save_base64_to_cache

REFUSAL = "The page fetches no file from an address. Download it, then upload it, or send it as a data URI."
# How agents and other programs hand a file over.
HOW_TO_SEND = (
    " A file is sent as a data URI, such as data:image/jpeg;base64,..., or uploaded first: `curl -F files=@photo.jpg "
    "ADDRESS/gradio_api/upload`, where ADDRESS/gradio_api/mcp/ is that of this server, prints a JSON list with the "
    "path of the upload, and that path is sent"
)
# What stands before the path in the address under which the page gives an upload back.
FILE_ROUTE = "/gradio_api/file="


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
    if address.startswith("data:"):
        try:
            address = save_base64_to_cache(address, get_upload_folder())
        except ValueError as error:
            raise ValueError(f"The data URI is damaged, or what follows its comma is not base64 ({error}).") from error
    elif path := find_upload(address):
        address = path
    elif is_http_url_like(address):
        raise ValueError(REFUSAL)
    else:
        raise ValueError(f"There is no upload {address[:100]!r}.{HOW_TO_SEND}.")
    return {"path": address, "meta": {"_type": "gradio.FileData"}}
