"""Whatever computes takes turns here: a photo, a picture of the camera, each file of a long job."""

from collections.abc import Generator
from contextlib import closing
from threading import BoundedSemaphore
from typing import TypeVar

Step = TypeVar("Step")

# So many compute at once, whatever the kinds. Gradio's queue cannot count them: the camera does not wait there, and a
# long job would hold its place for minutes. Not to be taken by who holds it.
turn = BoundedSemaphore(2)


def take_turns(steps: Generator[Step, None, None]) -> Generator[Step, None, None]:
    """The same steps, each of which waits for its turn."""
    with closing(steps):
        while True:
            with turn:
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step


__all__ = ["take_turns", "turn"]
