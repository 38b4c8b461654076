"""The words on the page follow the language switch."""

from collections.abc import Callable
from typing import Any, TypeVar

from .internals import Block

BlockT = TypeVar("BlockT", bound=Block)


class Words:
    """Remembers which components show words, and how each is said in a language."""

    def __init__(self) -> None:
        self._said: list[tuple[Block, Callable[[str], Any]]] = []

    def add(self, component: BlockT, say: Callable[[str], Any]) -> BlockT:
        """Let a component follow the language.

        Args:
            component: Shows words.
            say: Its value, or `gr.update`, in a language of `locales.LOCALES`.
        """
        self._said.append((component, say))
        return component

    @property
    def components(self) -> list[Block]:
        """All that were added; the outputs of `say`."""
        return [component for component, _ in self._said]

    def say(self, language: str) -> list[Any]:
        """The values of `components` in a language."""
        return [say(language) for _, say in self._said]
