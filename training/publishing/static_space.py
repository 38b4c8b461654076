"""The static page as a Space, which costs nothing and needs no paid account; a module of push."""

from huggingface_hub import SpaceCard

from .hub_sync import Page, Revision
from .space import get_owner
from .static_page import collect_static

OWN_FILE = "service_worker.js"  # no other page that is pushed from here has it
CARD = """---
title: Four models, one face
emoji: 🙂
colorFrom: green
colorTo: gray
sdk: static
app_file: index.html
license: apache-2.0
short_description: Four small FER2013 models, in your own browser
tags: [facial-expression-recognition, emotion-recognition, fer2013, image-classification, onnx]
---

# Four models, one face

Four small models trained on FER2013 say which of seven expressions they see in a face. Everything is computed in the
visitor's browser: no photo leaves the device, and after the first visit the page works without a network,
with the models that it has loaded so far.

It repeats labels that people gave to pictures of faces, is often wrong, and must not decide anything about people.
In the European Union emotion recognition is prohibited at work and in education. The face detector is YuNet (MIT
licence), the runtime onnxruntime-web (MIT licence).
"""


def make_page(space_id: str) -> Page:
    """The page that runs in the visitor's browser.

    Raises:
        PushError: There can be no such Space.
        ImportError, OSError: The page cannot be put together.
    """
    get_owner(space_id)
    files = collect_static() | {"README.md": str(SpaceCard(CARD)).encode()}
    message = "The page that runs in the visitor's browser"
    return Page(Revision(space_id, repo_type="space"), "static", OWN_FILE, message, files)
