"""What all commands have in common: how options are read and told, and how a command ends."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import wraps

# What is told as one sentence; anything else is a mistake of ours, and shows where.
TOLD = (ValueError, OSError, ImportError)


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Tells each default where there is one, and leaves the lines of a description as they are."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or isinstance(action.default, list):
            return action.help
        return super()._get_help_string(action)


class CommandParser(argparse.ArgumentParser):
    """A parser that takes no abbreviation of an option, which may mean another one tomorrow."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **{"allow_abbrev": False, "formatter_class": _HelpFormatter, **kwargs})


def split_list(text: str) -> list[str]:
    """`a,b,a` -> `["a", "b"]`: an option with a list takes one word, so that it never takes what follows it.

    Raises:
        argparse.ArgumentTypeError: There is nothing in it.
    """
    parts = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not parts:
        raise argparse.ArgumentTypeError("expected names with commas between them")
    return parts


def at_least(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Reads a whole number of at least `minimum`, and at most `maximum`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if number < minimum or (maximum is not None and number > maximum):
            most = f" and at most {maximum}" if maximum is not None else ""
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}{most}, got {text!r}")
        return number

    return read


def command(main: Callable[..., None]) -> Callable[..., None]:
    """Let a command's `main(argv)` end as a shell expects it.

    The exit status is 0 if all is done, 2 if the words after the command were wrong, else 1. What `TOLD` names becomes
    one sentence. If what reads the output has enough, as `head` does, the command ends without a word.
    """

    @wraps(main)
    def run(argv: list[str] | None = None) -> None:
        try:
            try:
                main(argv)
            except TOLD as error:
                sys.exit(f"error: {error}")
            finally:
                if sys.stdout:  # None where the shell has closed it, as `>&-` does
                    sys.stdout.flush()
        except (BrokenPipeError, SystemExit) as error:
            # Also where a command has made a sentence of it, as of any error of the operating system.
            if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
            raise SystemExit(1) from None

    return run
