"""What visitors leave behind in memory is forgotten within minutes, whether their page is open or closed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from gradio.routes import App

# So often what is left behind is looked for, and so long an answer waits for a page that does not fetch it, in seconds.
EVERY_S = 60.0
LIFE_S = 300.0


@asynccontextmanager
async def forget_regularly(app: App) -> AsyncIterator[None]:
    """The app's lifespan: while it runs, what visitors left behind is forgotten again and again."""

    async def keep_on() -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                forget_values(app)
            except Exception:
                logging.getLogger(__name__).exception("What visitors left behind was not forgotten.")

    task = asyncio.create_task(keep_on())
    try:
        yield
    finally:
        task.cancel()


def forget_values(app: App) -> None:
    """Forget what events took and gave, faces among it, which gradio notes for each of the last 10,000 sessions.

    To be called on the loop on which gradio notes it. Only its links to a state read the notes, and we have none.
    """
    sessions, queue = app.state_holder, app.get_blocks()._queue
    for session in list(sessions.session_data.values()):
        session.config_values.clear()
        session.is_closed = False  # else each `gr.State` of it would live for an hour, not as long as it says
    start = datetime.now() - timedelta(seconds=LIFE_S)
    busy = {event.session_hash for event in queue.event_ids_to_events.values()}
    for session_hash in list(queue.pending_messages_per_session):
        if session_hash not in busy and sessions.time_last_used.get(session_hash, start) <= start:
            del queue.pending_messages_per_session[session_hash]
