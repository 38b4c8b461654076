"""The snippets of the tab Code: files, so that a test runs what the page shows."""

import os
from pathlib import Path

from ...zoo import NAMESPACE_VARIABLE

SNIPPETS_DIR = Path(__file__).parents[1] / "snippets"
# In the order in which they are shown.
SNIPPETS = ("install.sh", "photo.py", "load.py", "from_pretrained.py", "hub.py", "client.py", "mcp.json", "terminal.sh")
# What the files say where the page says its own address, and the namespace that it is told.
DEFAULT_ADDRESS = "http://127.0.0.1:7860"
NAMESPACE_PLACEHOLDER = "NAMESPACE"
# In the place of `install.sh` where the page is a Space. Not by git, which without LFS gets no weights.
INSTALL_SPACE = """hf download {space} --repo-type space --local-dir fer-compare
pip install './fer-compare[app]'
"""


def read_snippet(name: str, address: str = "") -> str:
    """A snippet, ready to be copied.

    Args:
        name: One of `SNIPPETS`.
        address: Where the page was opened; by default the one in the file stays.
    """
    if name == "install.sh" and (space := os.environ.get("SPACE_ID")):
        return INSTALL_SPACE.format(space=space).rstrip()
    code = (SNIPPETS_DIR / name).read_text(encoding="utf-8").rstrip()
    namespace = os.environ.get(NAMESPACE_VARIABLE) or NAMESPACE_PLACEHOLDER
    return code.replace(DEFAULT_ADDRESS, address.rstrip("/") or DEFAULT_ADDRESS).replace(
        NAMESPACE_PLACEHOLDER, namespace
    )


def read_snippets(address: str) -> list[str]:
    """All of them, with the page's address."""
    return [read_snippet(name, address) for name in SNIPPETS]
