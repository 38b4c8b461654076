"""What runs in the browser, by the component that brings it along."""

from pathlib import Path


def read_script(name: str) -> str:
    """A script for `js_on_load` of `gr.HTML`, in which `element`, `trigger` and `watch` are there."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
