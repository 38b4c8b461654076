"""What the server takes at most, where gradio sets no limit."""

import os
import shutil
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .uploads import OwnFolder

# All answers about single photos wait in one line, whatever is asked: gradio would count each kind of question apart.
# Two at once, of which one computes while the other is read and written. Long jobs wait in a line of their own, for one
# would keep a photo waiting for minutes; `turns` says how many of all compute at once.
ANSWERS: dict[str, Any] = {"concurrency_id": "answers", "concurrency_limit": 2}
# Files travel by themselves, several at once, and gradio limits each; a call may hold pictures, too, as text.
UPLOAD_PATHS = ("/gradio_api/upload",)  # a path of their own: names of functions have no slash


class BodyLimit:
    """A layer of the server that refuses calls which are too large, before they are in memory.

    It also sees to it that the folder of uploads is there before gradio writes to it: one that gradio made anew, after
    somebody had deleted ours, would bear no marker, and nothing in it would ever be deleted.

    Args:
        app: The layers below.
        max_bytes: How much a call may weigh.
        max_upload_bytes: How much the files may weigh that are uploaded at once.
        folder: Where they go.
        min_free_bytes: How much room they leave there, however many come one after another.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_upload_bytes: int, folder: OwnFolder, min_free_bytes: int):
        self.app = app
        self.max_bytes = max_bytes
        self.max_upload_bytes = max_upload_bytes
        self.folder = folder
        self.min_free_bytes = min_free_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["path"].endswith(UPLOAD_PATHS)
        limit = self.max_upload_bytes if is_upload else self.max_bytes
        taken = 0

        async def take() -> Message:
            nonlocal taken
            if not taken and scope["method"] == "POST":
                try:
                    await run_in_threadpool(self.folder.keep)
                except OSError as error:
                    raise HTTPException(507, "The server has no place for files. Its log says why.") from error
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                advice = "Upload fewer files at once." if is_upload else "Upload its files first."
                raise HTTPException(413, f"The call has more than {limit // 1024**2:,} MB. {advice}")
            if is_upload and shutil.disk_usage(self.folder.path).free < self.min_free_bytes:
                raise HTTPException(507, "The server's disk is full. Uploads go after some minutes: try again then.")
            return message

        await self.app(scope, take if scope["type"] == "http" else receive, send)


def find_address(http: Any) -> str:
    """Where a request comes from. A Space's proxy tells it in a header: at the end, behind what visitors may claim.

    Elsewhere the header may be all claims; what a proxy on the same machine tells, the server has taken over already.

    Args:
        http: The request, Starlette's or gradio's.

    Returns:
        The address; of IPv6 the network, for who has one has all its addresses.
    """
    told = http.headers.get("x-forwarded-for", "") if os.environ.get("SPACE_ID") else ""
    text = told.rpartition(",")[2].strip() or (http.client.host if http.client else "")
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return text
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
