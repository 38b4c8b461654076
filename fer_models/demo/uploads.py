"""The folder in which photos lie until they are deleted: our own, and emptied to the last file."""

import atexit
import os
import tempfile
import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

FOLDER_VARIABLE = "GRADIO_TEMP_DIR"


def use_own_folder() -> None:
    """Give the uploads a new folder, which goes with the process, unless the environment names one.

    To be called before gradio is imported, which reads the name only then.
    """
    if FOLDER_VARIABLE not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="fer-models-", ignore_cleanup_errors=True)
        os.environ[FOLDER_VARIABLE] = folder.name
        atexit.register(folder.cleanup)


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
