"""Files that programs and agents name by an address: uploads and data URIs are taken, nothing else is fetched."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from .internals import get_upload_folder, hash_base64, is_http_url_like, is_in_or_equal, save_base64_to_cache

REFUSAL = "The page fetches no file from an address. Download it, then upload it, or send it as a data URI."
# How agents and other programs hand a file over.
HOW_TO_SEND = (
    " A file is sent as a data URI, such as data:image/jpeg;base64,..., or uploaded first: `curl -F files=@photo.jpg "
    "ADDRESS/gradio_api/upload`, where ADDRESS/gradio_api/mcp/ is that of this server, prints a JSON list with the "
    "path of the upload, and that path is sent"
)
# What stands before the path in the address under which the page gives an upload back.
FILE_ROUTE = "/gradio_api/file="
# No system takes a longer path. To look for a picture of some megabytes as if it were one would take minutes.
MAX_PATH_LENGTH = 4096


def find_upload(address: str) -> str | None:
    """The path of an uploaded file, which the upload has answered, or which its own address holds; None if it is none.

    Paths outside of the uploads are nobody's business.
    """
    path = address.rpartition(FILE_ROUTE)[2]
    if len(path) <= MAX_PATH_LENGTH:
        with suppress(OSError, ValueError):  # it can be no path
            if is_in_or_equal(path, get_upload_folder()) and Path(path).is_file():
                return path
    return None


def find_files(text: str) -> list[Path]:
    """The files that a text of a call names: an upload, or that of a data URI, which is saved when its turn comes."""
    if text.startswith("data:"):
        with suppress(ValueError):  # it is no UTF-8
            return list(Path(get_upload_folder(), hash_base64(text)).glob("*"))
    path = find_upload(text)
    return [Path(path)] if path else []


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
