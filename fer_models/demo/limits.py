"""What the server takes at most, where gradio sets no limit."""

import shutil
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Files travel by themselves, several at once, and gradio limits each; a call may hold pictures, too, as text.
UPLOAD_PATHS = ("/gradio_api/upload",)  # a path of their own: names of functions have no slash


class BodyLimit:
    """A layer of the server that refuses calls which are too large, before they are in memory.

    Args:
        app: The layers below.
        max_bytes: How much a call may weigh.
        max_upload_bytes: How much the files may weigh that are uploaded at once.
        upload_dir: Where they go.
        min_free_bytes: How much room they leave there, however many come one after another.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, max_upload_bytes: int, upload_dir: Path, min_free_bytes: int):
        self.app = app
        self.max_bytes = max_bytes
        self.max_upload_bytes = max_upload_bytes
        self.upload_dir = upload_dir
        self.min_free_bytes = min_free_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["path"].endswith(UPLOAD_PATHS)
        limit = self.max_upload_bytes if is_upload else self.max_bytes
        taken = 0

        async def take() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                advice = "Upload fewer files at once." if is_upload else "Upload its files first."
                raise HTTPException(413, f"The call has more than {limit // 1024**2:,} MB. {advice}")
            if is_upload and shutil.disk_usage(self.upload_dir).free < self.min_free_bytes:
                raise HTTPException(507, "The server's disk is full. Uploads go after some minutes: try again then.")
            return message

        await self.app(scope, take if scope["type"] == "http" else receive, send)


def leave_room(demo: gr.Blocks, concurrency_id: str, max_waiting: int) -> None:
    """Have the queue of a page refuse calls of one kind early, so that they leave room to the others.

    Args:
        demo: The page, whose queue has a limit for all calls together.
        concurrency_id: The kind.
        max_waiting: How many calls of it may wait.
    """
    queue = demo._queue
    push = queue.push

    async def push_some(body: Any, request: Any, username: str | None) -> Any:
        function = demo.fns.get(body.fn_index)
        waiting = queue.event_queue_per_concurrency_id.get(concurrency_id)
        if function and waiting and function.concurrency_id == concurrency_id and len(waiting.queue) >= max_waiting:
            return False, f"Queue is full. {max_waiting} long jobs wait already.", "queue_full"
        return await push(body, request, username)

    queue.push = push_some  # type: ignore[method-assign]
