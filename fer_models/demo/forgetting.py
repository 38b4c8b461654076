"""What visitors leave behind, on the disk and in memory, goes within minutes, whether their page is open or closed."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

from .internals import forget_values
from .uploads import OwnFolder, delete_orphans

# So often what is left behind is looked for, and so long a file and an answer wait for their page, in seconds.
EVERY_S = 60.0
LIFE_S = 300.0


def delete_regularly(folder: OwnFolder, find_files_in_use: Callable[[], Collection[Path]]) -> None:
    """Delete old files again and again, by what the disk alone tells, in a thread that waits for nothing else.

    Instead of gradio's `delete_cache`: that one stops for good when a photo comes while it looks, and knows neither
    every file nor which of them are waited for.

    Args:
        folder: Where the uploads lie.
        find_files_in_use: Which of them are waited for. If it fails, they go as the others do.
    """

    def keep_on() -> None:
        while True:
            delete_once(folder, find_files_in_use)
            Event().wait(EVERY_S)

    Thread(target=keep_on, name="delete-regularly", daemon=True).start()


def delete_once(folder: OwnFolder, find_files_in_use: Callable[[], Collection[Path]]) -> None:
    """One round of `delete_regularly`. No step waits for another's success."""
    in_use: Collection[Path] = ()
    with _go_on("Nobody knows which files are waited for: long jobs may lose theirs."):
        in_use = find_files_in_use()
    with _go_on("Files of visitors may still be there."):
        folder.delete_old(LIFE_S, in_use)
    for parent in {folder.path.parent, Path(tempfile.gettempdir())}:
        with _go_on("Files of a process that was killed may still be there."):
            delete_orphans(parent)
    with _go_on("New files of visitors cannot be deleted."):
        folder.keep()


@asynccontextmanager
async def forget_regularly(app: Any) -> AsyncIterator[None]:
    """The app's lifespan: while it runs, what gradio notes of visitors in memory goes again and again."""
    used: dict[str, datetime] = {}

    async def keep_on() -> None:
        while True:
            with _go_on("What visitors left in memory is still there."):
                forget_values(app, used, LIFE_S)
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(keep_on())
    try:
        yield
    finally:
        task.cancel()


@contextmanager
def _go_on(consequence: str) -> Iterator[None]:
    try:
        yield
    except Exception:
        logging.getLogger(__name__).exception(consequence)
