"""What runs in the browser, by the component that brings it along, or in the head of the page."""

from pathlib import Path


def read_script(name: str) -> str:
    """A script for `js_on_load` of `gr.HTML`, in which `element`, `trigger` and `watch` are there."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


# For the head of the page; gradio takes nothing that runs earlier.
HEAD = f"<script>{read_script('english.js')}</script>"
