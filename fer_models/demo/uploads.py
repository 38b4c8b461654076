"""The folders in which photos and videos lie until they are deleted: made, marked, emptied and removed by this program.

Nothing else is ever deleted. A folder is one of ours if it belongs to this user and holds a marker that tells its name
and its inode, so that neither a folder with a similar name nor a copy is taken for one. The system holds a lock on it
as long as its process lives, so that no later process with the same number is taken for its owner. Everything is
reached from folders that are open already, and never through a symlink, so that what is put in their place stays.
"""

import atexit
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock

try:
    import fcntl
except ImportError as error:
    raise ImportError("The page needs Linux or macOS; on Windows, start it in WSL.") from error

FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
PREFIX = "fer-models-"
MARKER = ".made-by-fer-models"
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class OwnFolder:
    """A new folder of this process.

    Args:
        parent: Where it is made, under a name of its own; made, too, if there is none.

    Attributes:
        path: Where it lies, without symlinks.

    Raises:
        OSError: It cannot be made, or lies on a file system without locks.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self.path = parent.resolve() / f"{PREFIX}{secrets.token_hex(8)}"
        self._parent = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        self._handle = self._make()
        self._lock, self._is_there = Lock(), True  # the number of a closed handle may be another folder's

    def _make(self) -> int:
        os.mkdir(self.path.name, 0o700, dir_fd=self._parent)
        handle = os.open(self.path.name, OPEN_FOLDER, dir_fd=self._parent)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            os.rmdir(self.path.name, dir_fd=self._parent)
            raise OSError(f"{self.path.parent} lies on a file system without locks ({error}). Choose another folder "
                          f"with {FOLDER_VARIABLE}.") from error  # fmt: skip
        _mark(self.path.name, handle)  # only now, so that a folder with a marker and no lock has no owner any more
        return handle

    def keep(self) -> None:
        """Make it anew if somebody has deleted it.

        Raises:
            OSError: Something else lies in its place, and stays as it is.
        """
        with self._lock:
            if not self._is_there:
                return
            if not os.path.lexists(self.path):
                gone, self._handle = self._handle, self._make()
                os.close(gone)
            if not os.path.exists(self.path) or not os.path.samestat(os.stat(self.path), os.fstat(self._handle)):
                raise OSError(
                    f"Somebody has put something else in the place of {self.path}, the folder of visitors' files. "
                    "It is left as it is. Start the page again, so that it makes a new folder."
                )

    def delete_old(self, age_s: float, in_use: Collection[Path] = ()) -> None:
        """Delete what lies in it, and has not changed for some time: its files, and then its empty folders.

        Args:
            age_s: For how long, in seconds.
            in_use: Files that are needed still; they are made young again.
        """
        names = {os.path.relpath(path, self.path) for path in in_use if path.is_relative_to(self.path)}
        with self._lock:
            if self._is_there:
                _delete_old(self._handle, age_s, names)

    def remove(self) -> None:
        """Delete it, and all that is in it. Nothing happens if that is done."""
        with self._lock:
            if self._is_there:
                self._is_there = False
                _remove(self.path.name, self._parent, self._handle)
                os.close(self._handle)
                os.close(self._parent)


def use_own_folder() -> OwnFolder:
    """Give the uploads a new folder, which goes with the process; in the one that the environment names, if it does.

    To be called before gradio is imported, which reads the name only then.

    Raises:
        OSError: It cannot be made.
    """
    folder = OwnFolder(Path(os.environ.get(FOLDER_VARIABLE) or tempfile.gettempdir()))
    atexit.register(folder.remove)
    os.environ[FOLDER_VARIABLE] = str(folder.path)
    return folder


@contextmanager
def make_folder() -> Iterator[Path]:
    """A folder beside that of the uploads, gone afterwards; if the process is killed, `delete_orphans` deletes it."""
    beside = os.environ.get(FOLDER_VARIABLE)  # that of the uploads, once `use_own_folder` was called
    folder = OwnFolder(Path(beside).parent if beside else Path(tempfile.gettempdir()))
    try:
        yield folder.path
    finally:
        folder.remove()


def delete_orphans(parent: Path) -> None:
    """Delete what killed processes left in a folder: their own folders, on which the system holds no lock any more."""
    with suppress(OSError), ExitStack() as stack:
        within = stack.enter_context(_open(parent, os.O_RDONLY | os.O_DIRECTORY))
        for name in os.listdir(within):
            if name.startswith(PREFIX):
                with suppress(OSError), _open(name, OPEN_FOLDER, within) as handle:  # it is no folder, or in use
                    if _is_marked(name, handle):
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        _remove(name, within, handle)


@contextmanager
def _open(path: str | Path, flags: int, within: int | None = None) -> Iterator[int]:
    handle = os.open(path, flags, dir_fd=within)
    try:
        yield handle
    finally:
        os.close(handle)


def _claim(name: str, handle: int) -> bytes:
    """What the marker of a folder begins with: a copy of the folder has another inode, a renamed one another name."""
    return f"fer_models made this folder, and deletes it.\n{name}\n{os.fstat(handle).st_ino}\n".encode()


def _mark(name: str, handle: int) -> None:
    with _open(MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, handle) as marker:
        # The rest is for people who find it.
        os.write(marker, _claim(name, handle) + f"process {os.getpid()}, {datetime.now():%Y-%m-%d %H:%M:%S}\n".encode())


def _is_marked(name: str, handle: int) -> bool:
    """Whether an open folder was made by this program, for this user.

    Raises:
        OSError: There is no marker, or a symlink in its place.
    """
    claim = _claim(name, handle)
    with _open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, handle) as marker:
        status = os.fstat(marker)
        is_own = os.fstat(handle).st_uid == status.st_uid == os.geteuid()
        return is_own and stat.S_ISREG(status.st_mode) and os.read(marker, len(claim)) == claim


def _delete_old(handle: int, age_s: float, in_use: Collection[str] = ()) -> None:
    """Delete what lies in an open folder, but for its marker; see `OwnFolder.delete_old`."""
    device = os.fstat(handle).st_dev
    kept = {MARKER, *in_use}
    for root, folders, files, within in os.fwalk(".", topdown=False, dir_fd=handle):  # a folder after what is in it
        for name in (*files, *folders):
            with suppress(OSError):  # a folder that is not empty, or what has gone by itself
                status = os.stat(name, dir_fd=within, follow_symlinks=False)
                if status.st_dev != device:  # somebody has mounted it
                    continue
                if os.path.normpath(os.path.join(root, name)) in kept:  # the marker, too: some systems tidy by age
                    os.utime(name, dir_fd=within, follow_symlinks=False)
                elif abs(time.time() - status.st_ctime) >= age_s:  # clocks may be set back
                    (os.rmdir if stat.S_ISDIR(status.st_mode) else os.unlink)(name, dir_fd=within)


def _remove(name: str, within: int, handle: int) -> None:
    """Empty an open folder of ours, and remove it if it is still what lies under its name."""
    _delete_old(handle, 0)
    with suppress(OSError):
        os.unlink(MARKER, dir_fd=handle)
    try:
        if os.path.samestat(os.stat(name, dir_fd=within, follow_symlinks=False), os.fstat(handle)):
            os.rmdir(name, dir_fd=within)
    except OSError:
        with suppress(OSError):
            _mark(name, handle)  # something was written meanwhile: another process removes it
