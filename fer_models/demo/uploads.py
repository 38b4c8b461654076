"""The folders in which photos and videos lie until they are deleted: our own, and emptied to the last file."""

import atexit
import os
import tempfile
import time
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: folders of processes that were killed stay there
    fcntl = None  # type: ignore[assignment]

FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
PREFIX = "fer-models-"


def use_own_folder() -> Path:
    """Give the uploads a new folder, which goes with the process, unless the environment names one.

    To be called before gradio is imported, which reads the name only then.

    Returns:
        The folder; one that the environment names may not be there yet.
    """
    if FOLDER_VARIABLE not in os.environ:
        stack = ExitStack()
        os.environ[FOLDER_VARIABLE] = str(stack.enter_context(make_folder()))
        atexit.register(stack.close)
    return Path(os.environ[FOLDER_VARIABLE])


@contextmanager
def make_folder() -> Iterator[Path]:
    """A temporary folder that is gone afterwards; if the process is killed, another one's `delete_orphans` does it."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        if fcntl is not None:
            fcntl.flock(stack.enter_context(_open_folder(Path(folder))), fcntl.LOCK_EX)
        yield Path(folder)


def delete_orphans(age_s: float) -> None:
    """Delete what is old, in seconds, of the folders that killed processes left: the system has taken their locks."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if fcntl else ():
        with suppress(OSError), _open_folder(folder) as handle:  # it is in use, or somebody else's
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            delete_old(folder, age_s)
            if time.time() - folder.stat().st_ctime >= age_s:
                folder.rmdir()


@contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def delete_old(folder: Path, age_s: float, in_use: Container[Path] = ()) -> None:
    """Delete what lies in a folder, and has not changed for some time: its files, and then its empty folders.

    Args:
        folder: Where to look.
        age_s: For how long, in seconds.
        in_use: Files that are needed still; they are made young again.
    """
    for path in sorted(folder.rglob("*"), reverse=True):  # each folder after what is in it
        with suppress(OSError):  # a folder that is not empty, or what has gone by itself
            if path in in_use:
                os.utime(path)
            elif time.time() - path.lstat().st_ctime >= age_s:
                path.rmdir() if path.is_dir() else path.unlink()
