"""Writing files so that a reader never sees half of one."""

import json
import os
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write a file in one piece: a crash leaves the old one or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def replace_folder(target: Path, new: Path) -> None:
    """Give a finished folder the name of another one, which goes with the temporary folder that holds `new`.

    If that fails or is interrupted, the other one is as it was.
    """
    old = new.with_name("old")
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if old.exists():
            old.rename(target)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write JSON in one piece."""
    write_text(path, json.dumps(content, indent=2) + "\n")
