"""The table of docs/browser.md: how alike the page in the browser and this package answer, and how fast it is."""

from typing import Any

from fer_models.results import shorten_commit

from .markdown import fill_template


def render_browser(measured: dict[str, Any]) -> str:
    """What `training.benchmarks.browser` measured, part by part."""
    environments = [part["environment"] for part in measured.values()]
    words = {
        "minutes": measured.get("memory", {}).get("seconds", 0) / 60,
        "browser": measured.get("bytes", {}).get("browser", "Chromium").replace("/", " "),
        "hardware": ", ".join(sorted({one["hardware"] for one in environments})),
        "commits": ", ".join(sorted({shorten_commit(one["commit"]) for one in environments})),
    }
    return fill_template("browser", measured | words)
