"""Long jobs: one for each visitor, told step by step, and cancelled at any of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Protocol

# Jobs that are known at once. Those whose page is closed while they wait never end.
MAX_JOBS = 10_000
# How often the page hears of a job, in seconds. What was found is longer, and comes less often.
PROGRESS_EVERY_S = 0.3
Files = Sequence[tuple[str, Path]]


class Report(Protocol):
    """What a job has found: numbers and small pictures, but no photo; or why it has found nothing."""

    def render(self, language: str) -> str:
        """All of it, as HTML."""


@dataclass(frozen=True)
class View:
    """What the page shows of a job.

    Attributes:
        progress: HTML: how far it is; empty at its end.
        results: HTML: what was found; None if it stays as it is.
        report: The same, to show it again in another language; None before the end.
        video: A video that was written, to be copied before the next step; None if there is none.
    """

    progress: str
    results: str | None = None
    report: Report | None = None
    video: Path | None = None


class Jobs:
    """The latest job of each visitor, until it ends. A job looks at its flag often, and stops when it is set."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[str, Event]] = {}

    def begin(self, visitor: str, job: str) -> None:
        """Announce a visitor's job, by a name of its own; an earlier one is cancelled, and forgotten."""
        self._drop(visitor)
        self._jobs[visitor] = job, Event()
        if len(self._jobs) > MAX_JOBS:
            self._drop(next(iter(self._jobs)))  # the oldest

    def is_under_way(self, visitor: str) -> bool:
        """Whether a visitor's job was announced, and has neither ended nor been cancelled."""
        _, flag = self._jobs.get(visitor, ("", None))
        return flag is not None and not flag.is_set()

    def get_flag(self, visitor: str, job: str) -> Event | None:
        """The flag of a job; None if it has ended, or if the same visitor has begun another one."""
        name, flag = self._jobs.get(visitor, ("", None))
        return flag if name == job else None

    def cancel(self, visitor: str) -> None:
        """Set the flag of a visitor's job, if there is one."""
        _, flag = self._jobs.get(visitor, ("", None))
        if flag is not None:
            flag.set()

    def _drop(self, visitor: str) -> None:
        self.cancel(visitor)
        self._jobs.pop(visitor, None)

    def end(self, visitor: str, job: str) -> None:
        """Forget a visitor's job, unless a new one has taken its place."""
        if self.get_flag(visitor, job) is not None:
            del self._jobs[visitor]


class Pace:
    """Says when something is due: at once, and then again and again.

    Args:
        every_s: How often.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s, self._due_s = every_s, -float("inf")

    def is_due(self) -> bool:
        """Whether it is due; if so, it is taken as done."""
        now = time.monotonic()
        if now < self._due_s:
            return False
        self._due_s = now + self._every_s
        return True
