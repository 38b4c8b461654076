"""All that the page takes of gradio beyond what gradio documents. A new version may lack it.

So gradio is fixed to the minor version with which this was tried, and `tests/test_internals.py` fails when a name goes.
No file of a visitor waits for any of it to be deleted; `forgetting.delete_regularly` does that.
"""

import os
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio import processing_utils, queueing, route_utils, routes
from gradio.blocks import Block
from gradio.data_classes import ImageData, ListFiles
from gradio.processing_utils import hash_base64, save_base64_to_cache
from gradio.utils import get_upload_folder, is_in_or_equal
from gradio_client.utils import is_http_url_like, traverse

__all__ = [
    "Block",
    "ImageData",
    "ListFiles",
    "get_upload_folder",
    "hash_base64",
    "is_http_url_like",
    "is_in_or_equal",
    "save_base64_to_cache",
]

TRIED_WITH = "6.31.0"
# Everything that gradio downloads goes through these.
DOWNLOADS = ("async_ssrf_protected_download", "async_ssrf_protected_get")
# An upload of which nothing has come for so long, in seconds, counts as broken off.
STALLED_S = 60.0


def print_no_values() -> None:
    """Have gradio print of an error where it happened and its type, but no message, which may hold what was sent.

    Raises:
        AttributeError: Gradio prints in another way.
    """

    def print_place() -> None:
        error = sys.exc_info()[1]
        while error:
            print("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__, file=sys.stderr)
            error = error.__cause__ or error.__context__

    quiet = SimpleNamespace(**vars(traceback) | {"print_exc": print_place})
    for module in (queueing, route_utils, routes):
        getattr(module, "traceback")  # noqa: B009  else nothing would be replaced
        setattr(module, "traceback", quiet)  # noqa: B010


def forget_values(app: Any, used: dict[str, datetime], life_s: float) -> None:
    """Forget what events took and gave, faces among it, which gradio notes for each session that it remembers.

    To be called on the loop on which gradio notes it. Only its links to a state read the notes, and we have none.

    Args:
        app: The page's server.
        used: When each session whose answers wait for it was used last; kept from one call to the next, as gradio
            forgets sessions when there are too many.
        life_s: How long an answer waits for its page, in seconds.
    """
    blocks, sessions = app.get_blocks(), app.state_holder
    for names in blocks.temp_file_sets:
        names.clear()  # of uploads
    for session in list(sessions.session_data.values()):
        session.config_values.clear()
        session.is_closed = False  # else each `gr.State` of it would live for an hour, not as long as it says
    now = datetime.now()
    waiting, start = blocks._queue.pending_messages_per_session, now - timedelta(seconds=life_s)
    for session_hash in list(waiting):
        used[session_hash] = max(used.get(session_hash, now), sessions.time_last_used.get(session_hash, start))
    for event in blocks._queue.event_ids_to_events.values():  # its answer lives from its end on, not from its start
        used[event.session_hash] = now
    for session_hash in [session_hash for session_hash, last in used.items() if last <= start]:
        del used[session_hash]
        waiting.pop(session_hash, None)


class _NotedUpload(route_utils.GradioMultiPartParser):
    """An upload whose files are known while it runs: each is ready, and untouched, until the last one has come."""

    running: dict["_NotedUpload", float] = {}  # and when something of it came last

    async def parse(self) -> Any:
        self.stream: Any = self._note(self.stream)
        try:
            return await super().parse()
        finally:
            self.running.pop(self, None)

    async def _note(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in stream:
            self.running[self] = time.monotonic()
            yield chunk

    @classmethod
    def list_files(cls) -> list[str]:
        """The files of all that run; may be called on any thread."""
        start = time.monotonic() - STALLED_S
        uploads = [upload for upload, last in cls.running.copy().items() if last >= start]
        return [file.name for upload in uploads for file in upload._files_to_close_on_error.copy()]


def note_uploads() -> None:
    """Have `find_files_in_use` know what has come of uploads that still run."""
    setattr(route_utils, "GradioMultiPartParser", _NotedUpload)  # noqa: B010


def find_files_in_use(demo: gr.Blocks, find_files: Callable[[str], Iterable[Path]]) -> Collection[Path]:
    """The uploads that still run, and those of everything that waits in the queue or is worked on.

    May be called on any thread.

    Args:
        demo: The page.
        find_files: The files that a text of a call names; most texts name none.
    """
    files: list[str | Path] = [*_NotedUpload.list_files()]
    for event in demo._queue.event_ids_to_events.copy().values():
        traverse(
            event.data and event.data.data,
            lambda text: files.extend(find_files(text)),
            lambda part: isinstance(part, str),
        )
    return {Path(os.path.abspath(path)) for path in files}


def leave_room(
    demo: gr.Blocks,
    concurrency_id: str,
    max_waiting: int,
    max_waiting_each: int,
    find_address: Callable[[Any], str],
) -> None:
    """Have the queue of a page refuse calls of one kind early, so that they leave room to the others.

    Args:
        demo: The page, whose queue has a limit for all calls together.
        concurrency_id: The kind.
        max_waiting: How many calls of it may wait.
        max_waiting_each: How many of them from one address; a school may have one for all.
        find_address: Where a request comes from.
    """
    queue = demo._queue
    push = queue.push

    async def push_some(body: Any, request: Any, username: str | None) -> Any:
        function = demo.fns.get(body.fn_index)
        if function and function.concurrency_id == concurrency_id:
            waiting = queue.event_queue_per_concurrency_id.get(concurrency_id)
            addresses = [find_address(event.request) for event in waiting.queue] if waiting else []
            if len(addresses) >= max_waiting or addresses.count(find_address(request)) >= max_waiting_each:
                return False, f"Queue is full. {len(addresses)} long jobs wait already.", "queue_full"
        return await push(body, request, username)

    queue.push = push_some  # type: ignore[method-assign]


def mend_tools(
    demo: gr.Blocks, how_to_send: str, convert_schema: Callable[[Any], Any], convert_answer: Callable[[Any], Any]
) -> None:
    """Have the page's MCP server, once it runs, describe its tools otherwise, and leave files to their components.

    Args:
        demo: The page.
        how_to_send: How files are sent, in the place of gradio's sentence.
        convert_schema: What becomes of the JSON schema of a tool's arguments.
        convert_answer: What becomes of each output of a function before it is sent.
    """
    server: Any = demo.mcp_server_obj
    describe, describe_input, write = server.get_fn_description, server.get_input_schema, server.postprocess_output_data

    def describe_function(block_fn: Any, tool_name: str) -> tuple[str, dict[str, str]]:
        description, parameters = describe(block_fn, tool_name)
        return description.replace(server._file_data_tool_description, how_to_send), parameters

    def describe_arguments(*arguments: Any) -> tuple[Any, list[list[str | int]]]:
        schema, positions = describe_input(*arguments)
        return convert_schema(schema), positions

    def write_converted(outputs: list[Any], root_url: str) -> list[Any]:
        written: list[Any] = write([convert_answer(one) for one in outputs], root_url)
        return written

    server.get_fn_description = describe_function
    server.get_input_schema = describe_arguments
    server.convert_strings_to_filedata = lambda values, _: values
    server.postprocess_output_data = write_converted


def refuse_downloads(reason: str) -> None:
    """Have gradio refuse addresses, in whatever part of a call they are.

    It would store a file of any size before our functions hear of it, and for any component, one that takes no file
    included; and it would visit any machine that a stranger names.

    Args:
        reason: What is said instead.

    Raises:
        AttributeError: Gradio downloads in another way.
    """

    async def refuse(*_: Any, **__: Any) -> Any:
        raise gr.Error(reason, print_exception=False)

    for name in DOWNLOADS:
        getattr(processing_utils, name)
        setattr(processing_utils, name, refuse)


def hide_space(demo: gr.Blocks) -> None:
    """Have gradio put no bar above the page of a Space, and not ask Google for its fonts."""
    demo.space_id = None
