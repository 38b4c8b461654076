"""The page in a process of its own, and Chromium to open it: for benchmarks, and for the tests."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "Chromium is not installed (Debian: chromium)"
FILM_SIZE = (640, 480)


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def launch(command: list[str], **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves the page, and its address; killed at the end of the block, if it has not ended.

    Raises:
        OSError: It does not start; the message has what it said.
    """
    port = find_free_port()
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 240
    with tempfile.TemporaryFile("w+") as log:
        options: dict[str, Any] = {"cwd": ROOT, "env": os.environ | environment | {"PORT": str(port)}, "text": True}
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log, **options)
        try:
            while True:
                with suppress(OSError):
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise OSError(f"The app did not start:\n{log.read()}")
                time.sleep(0.1)
            yield process, url
        finally:
            process.kill()
            process.wait()


@contextmanager
def open_window(*flags: str, **options: Any) -> Iterator[Any]:
    """A window of Chromium, by its own flags and Playwright's options of a context.

    Raises:
        OSError: Chromium is not installed.
    """
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise OSError(f"{MISSING}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *flags])
        yield browser.new_context(locale="en-US", **options)
        browser.close()


@contextmanager
def open_camera(image: Image.Image) -> Iterator[Any]:
    """A window of Chromium whose camera shows a picture."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "camera.y4m")
        write_camera_film(film, image)
        with open_window(*list_camera_flags(film), permissions=["camera"]) as window:
            yield window


def list_camera_flags(film: Path) -> tuple[str, ...]:
    """The flags with which Chromium plays a film as its camera."""
    return "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"


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
