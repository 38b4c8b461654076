"""What visitors leave behind, on the disk and in memory, goes within minutes, whether their page is open or closed."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from gradio.routes import App
from gradio_client.utils import is_file_obj, traverse

from .uploads import delete_old, delete_orphans

# So often what is left behind is looked for, and so long a file and an answer wait for their page, in seconds.
EVERY_S = 60.0
LIFE_S = 300.0


@asynccontextmanager
async def forget_regularly(app: App) -> AsyncIterator[None]:
    """The app's lifespan: while it runs, what visitors left behind goes again and again, and all files at its end.

    Instead of gradio's `delete_cache`: that one stops for good when a photo comes while it looks, and knows neither
    every file nor which of them are waited for.
    """
    uploads = Path(os.path.abspath(app.uploaded_file_dir))
    used: dict[str, datetime] = {}

    async def keep_on() -> None:
        while True:
            try:
                forget_values(app, used)
                await asyncio.to_thread(delete_old, uploads, LIFE_S, find_files_in_use(app))
                await asyncio.to_thread(delete_orphans, LIFE_S)
            except Exception:
                logging.getLogger(__name__).exception("What visitors left behind is still there.")
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(keep_on())
    try:
        yield
    finally:
        task.cancel()
        delete_old(uploads, 0)


def forget_values(app: App, used: dict[str, datetime]) -> None:
    """Forget what events took and gave, faces among it, which gradio notes for each session that it remembers.

    To be called on the loop on which gradio notes it. Only its links to a state read the notes, and we have none.

    Args:
        app: The page's server.
        used: When each session whose answers wait for it was used last; kept from one call to the next, as gradio
            forgets sessions when there are too many.
    """
    blocks, sessions = app.get_blocks(), app.state_holder
    for names in blocks.temp_file_sets:
        names.clear()  # of uploads
    for session in list(sessions.session_data.values()):
        session.config_values.clear()
        session.is_closed = False  # else each `gr.State` of it would live for an hour, not as long as it says
    now = datetime.now()
    waiting, start = blocks._queue.pending_messages_per_session, now - timedelta(seconds=LIFE_S)
    for session_hash in list(waiting):
        used[session_hash] = max(used.get(session_hash, now), sessions.time_last_used.get(session_hash, start))
    for event in blocks._queue.event_ids_to_events.values():  # its answer lives from its end on, not from its start
        used[event.session_hash] = now
    for session_hash in [session_hash for session_hash, last in used.items() if last <= start]:
        del used[session_hash]
        waiting.pop(session_hash, None)


def find_files_in_use(app: App) -> set[Path]:
    """The uploads of everything that waits in the queue or is worked on."""
    files: list[str] = []
    for event in app.get_blocks()._queue.event_ids_to_events.values():
        traverse(event.data and event.data.data, lambda file: files.append(file["path"]), is_file_obj)
    return {Path(os.path.abspath(path)) for path in files}
