"""Writing files so that a reader never sees half of one."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors


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


@contextlib.contextmanager
def report_failed_writes(directory: Path | str | None) -> Iterator[None]:
    """Turn what safetensors and torch raise when a file cannot be written, neither an OSError, into one."""
    try:
        yield
    except (safetensors.SafetensorError, RuntimeError) as error:
        raise OSError(f"{directory} cannot be written to; is the disk full? ({error})") from error
