"""How fast Live is: a real browser whose camera shows a portrait, and how many pictures a second get their answer."""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fer_models.demo.handlers.compare import SHOWN_AT_FIRST, find_examples

FILM_SIZE = (640, 480)
WARM_UP_S = 3


def write_camera_film(path: Path, image: Image.Image, frames_per_second: int = 30) -> None:
    """Write a film that Chromium plays as its camera: YUV4MPEG2, 640x480, always the same picture."""
    width, height = FILM_SIZE
    image = image.resize((height * image.width // image.height, height))
    frame = Image.new("RGB", FILM_SIZE, "grey")
    frame.paste(image, ((width - image.width) // 2, 0))
    y, cb, cr = frame.convert("YCbCr").split()
    planes = [np.asarray(plane).tobytes() for plane in (y, cb.resize((320, 240)), cr.resize((320, 240)))]
    header = f"YUV4MPEG2 W{width} H{height} F{frames_per_second}:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(header + 10 * b"".join([b"FRAME\n", *planes]))


def measure_live(url: str, chromium: str, seconds: float) -> dict[str, Any]:
    """Answers a second on the page, the four models, one face at 640x480.

    Args:
        url: Of the running app.
        chromium: The browser's path.
        seconds: How long to count, less than the page's time limit.
    """
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = Path(folder, "camera.y4m")
        write_camera_film(film, Image.open(find_examples()[0]).convert("RGB"))
        camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *camera])
        page = browser.new_context(locale="en-US", permissions=["camera"]).new_page()
        page.goto(f"{url}/?tab=live")
        page.click(".fer-live button")
        page.wait_for_selector(".fer-live-face")
        page.wait_for_timeout(1000 * WARM_UP_S)
        start, before = time.perf_counter(), _count_answers(page)
        page.wait_for_timeout(1000 * seconds)
        answers, elapsed = _count_answers(page) - before, time.perf_counter() - start
        browser.close()
    return {"models": SHOWN_AT_FIRST, "seconds": elapsed, "frames_per_second": answers / elapsed}


def _count_answers(page: Any) -> int:
    """What the page notes at its camera; see `fer_models/demo/scripts/live.js`."""
    return int(page.evaluate("document.querySelector('.fer-live').dataset.answers"))
