"""The folder in which photos lie until they are deleted: our own, and emptied to the last file."""

import atexit
import os
import tempfile
from collections.abc import Iterator
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


class AllUploads(set[str]):
    """All files of the folder, as one of the sets of files that gradio deletes when they are old.

    It forgets some by itself: a photo that an agent sends within a call is written, read, and never deleted.
    """

    def __iter__(self) -> Iterator[str]:
        folder = os.environ.get(FOLDER_VARIABLE)
        return (str(path) for path in Path(folder).rglob("*") if path.is_file()) if folder else iter(())
