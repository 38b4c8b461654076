"""The words on the page follow the language switch."""

from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr

from .internals import Block
from .locales import DEFAULT_LANGUAGE, translate

BlockT = TypeVar("BlockT", bound=Block)
# A component's arguments that hold words, in a language of `locales.LOCALES`.
Describe = Callable[[str], dict[str, Any]]

# Of an event that is the page's alone.
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def labelled(key: str) -> Describe:
    """The words of a key as a label."""
    return lambda language: {"label": translate(language, key)}


def saying(said: str | Callable[[str], str]) -> Describe:
    """As a value, the words of a key, or what renders them."""
    return lambda language: {"value": translate(language, said) if isinstance(said, str) else said(language)}


class Words:
    """Makes the components that show words, and says them in another language."""

    def __init__(self) -> None:
        self._said: list[tuple[Block, Describe]] = []

    def make(self, kind: Callable[..., BlockT], describe: Describe, **options: Any) -> BlockT:
        """A component that follows the language.

        Args:
            kind: Its class.
            describe: Those of its arguments that hold words.
            options: The others.
        """
        component = kind(**describe(DEFAULT_LANGUAGE), **options)
        self._said.append((component, describe))
        return component

    @property
    def components(self) -> list[Block]:
        """All that were made; the outputs of `say`."""
        return [component for component, _ in self._said]

    def say(self, language: str) -> list[Any]:
        """What changes of `components` in a language."""
        return [gr.update(**describe(language)) for _, describe in self._said]
