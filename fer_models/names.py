"""Names of files: which ones belong to a system and not to its user, and what a zip calls its own."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from zipfile import ZipInfo

# What systems leave in folders, beside the names that begin with a dot, in lower case: macOS, Windows, and the network
# drives of Synology and QNAP; and Picasa. Office writes files that begin with ~$ beside those that are open.
LEFT_BEHIND = (
    *("__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", "#recycle", "#snapshot", "@recycle", "lost+found", "__pycache__", "picasa.ini"),
)
LEFT_PREFIXES = (".", "~$")
UTF_8 = 0x800
# What a zip's names are in where it says nothing else.
ZIP_ENCODING = "cp437"


def is_left_behind(name: str | Path) -> bool:
    """Whether a system left this file, or a folder on the way to it; hidden ones are taken for such.

    Args:
        name: A path relative to the folder or zip that is looked through, with slashes of either kind.
    """
    return any(
        part.lower() in LEFT_BEHIND or (part.startswith(LEFT_PREFIXES) and part not in (".", ".."))
        for part in PurePosixPath(str(name).replace("\\", "/")).parts
    )


def find_files(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """The files of a folder, in any depth and no order, without what systems left there."""
    return (path for path in folder.rglob(pattern) if path.is_file() and not is_left_behind(path.relative_to(folder)))


def read_name(info: ZipInfo) -> str:
    """What a file in a zip is called: many programs write UTF-8 and do not say so."""
    if info.flag_bits & UTF_8:
        return info.filename
    try:
        return info.filename.encode(ZIP_ENCODING).decode("utf-8")
    except UnicodeError:
        # A code page, or a field of its own that Python has read. A letter's second byte may look like a backslash.
        return re.sub(r"(?<=[^\x00-\x7f])\\", "_", info.filename)
