"""How fast Live is: a real browser whose camera shows a portrait, and how many pictures a second get their answer."""

import time
from typing import Any

from PIL import Image

from fer_models.demo.handlers.compare import SHOWN_AT_FIRST
from fer_models.packages import find_examples

from .chromium import open_camera

WARM_UP_S = 3


def measure_live(url: str, seconds: float) -> dict[str, Any]:
    """Answers a second on the page, the four models, one face at 640x480.

    Args:
        url: Of the running app.
        seconds: How long to count, less than the page's time limit.
    """
    with open_camera(Image.open(find_examples()[0]).convert("RGB")) as window:
        page = window.new_page()
        page.goto(f"{url}/?tab=live")
        page.click(".fer-live button")
        page.wait_for_selector(".fer-live-face")
        page.wait_for_timeout(1000 * WARM_UP_S)
        start, before = time.perf_counter(), _count_answers(page)
        page.wait_for_timeout(1000 * seconds)
        answers, elapsed = _count_answers(page) - before, time.perf_counter() - start
    return {"models": SHOWN_AT_FIRST, "seconds": elapsed, "frames_per_second": answers / elapsed}


def _count_answers(page: Any) -> int:
    """What the page notes at its camera; see `fer_models/demo/scripts/live.js`."""
    return int(page.evaluate("document.querySelector('.fer-live').dataset.answers"))
