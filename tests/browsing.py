"""The app as `make demo` starts it, offline, and a real Chromium that opens its page."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REPOSITORY = Path(__file__).parents[1]

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_app(port: int, upload_dir: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PORT": str(port), "HF_HUB_OFFLINE": "1", "GRADIO_TEMP_DIR": str(upload_dir)}
    environment["SPACE_ID"] = "alice/fer-compare"  # on a Space gradio asks other servers, if one lets it
    command = [sys.executable, "app.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, **pipes)


@contextmanager
def serve_app(upload_dir: Path) -> Iterator[str]:
    """The address of the app, which runs until the end of the block."""
    port = find_free_port()
    process = start_app(port, upload_dir)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 240
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError(f"The app did not start:\n{process.communicate()[0]}") from error
            time.sleep(0.3)
    try:
        yield url
    finally:
        status = process.poll()
        process.terminate()
        printed, _ = process.communicate(timeout=30)
    assert status is None, f"The app ended by itself, with the status {status}:\n{printed}"
    assert list(upload_dir.iterdir()) == [], "nothing of a visitor stays"


@contextmanager
def serve_here(models: list[LoadedModel], detector: FaceDetector) -> Iterator[str]:
    """The address of the page, served by this process, so that a test can change what it does."""
    from fer_models.demo.theme import CSS_PATHS, THEME
    from fer_models.demo.ui import build_demo

    demo = build_demo(models, detector).queue(default_concurrency_limit=2)
    demo.launch(server_port=find_free_port(), theme=THEME, css_paths=CSS_PATHS, quiet=True, prevent_thread_lock=True)
    try:
        yield demo.local_url.rstrip("/")
    finally:
        demo.close()


@contextmanager
def run_main(models: list[LoadedModel]) -> Iterator[Any]:
    """The page as `app.py` starts it, in this process, with these models alone."""
    import gradio as gr

    demos: list[gr.Blocks] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORT", str(find_free_port()))
        import app

        patch.setenv("GRADIO_TEMP_DIR", str(app.UPLOADS.path))  # of this process, whoever was the first to import it
        patch.setattr(app, "load_models", lambda: models)
        patch.setattr(app, "load_other_ways", list)
        patch.setattr(signal, "signal", lambda *_: None)
        patch.setattr(gr.Blocks, "block_thread", lambda demo: demos.append(demo))
        app.main()
    (demo,) = demos
    yield demo
    demo.close()


class _Browser:
    """Chromium, started once for what follows with the same arguments, and a window of it for each set of options.

    A window keeps what it has fetched, so that the next page in it is there in half the time.
    """

    def __init__(self) -> None:
        self._playwright: Any = None
        self._browser: Any = None
        self._arguments: tuple[str, ...] = ()
        self._windows: dict[str, Any] = {}

    def open_window(self, arguments: tuple[str, ...], options: dict[str, Any]) -> Any:
        if self._browser is None or arguments != self._arguments:
            from playwright.sync_api import sync_playwright

            self.close()
            self._playwright, self._arguments = sync_playwright().start(), arguments
            flags = ["--no-sandbox", "--disable-gpu", *arguments]  # which would be emulated
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        key = repr(sorted(options.items()))
        if key not in self._windows:
            self._windows[key] = self._browser.new_context(**options)
        return self._windows[key]

    def close(self) -> None:
        if self._browser:
            self._browser.close()
            self._playwright.stop()
            self._browser, self._windows = None, {}


BROWSER = _Browser()  # `conftest.py` closes it after each module


@contextmanager
def open_page(
    app_url: str, *arguments: str, wait_for: str = "html.fer-ready .fer-card", **context_options: Any
) -> Iterator[Any]:
    """A page on which the app is ready."""
    options = {"locale": "en-US"} | context_options
    size = options.pop("viewport", {"width": 1440, "height": 900})
    page = BROWSER.open_window(arguments, options).new_page()
    try:
        page.set_viewport_size(size)
        page.set_default_timeout(60_000)
        page.goto(app_url)
        page.wait_for_selector(wait_for, state="attached")  # on a phone cards are hidden while they are empty
        page.wait_for_selector("input[type=file]", state="attached")
        yield page
    finally:
        page.context.set_offline(False)
        page.close()


def find_violations(page: Any) -> list[str]:
    """What axe finds fault with on the page as it stands, by WCAG 2.2, levels A and AA, and by good practice.

    Among them: every control has a name, targets are of 24 pixels or have room around them, and headings skip no level.
    """
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    page.wait_for_selector(".pending", state="detached")  # what is about to change is pale, and fades
    page.wait_for_timeout(200)
    options = {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]}
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['target']} {node['html'][:200]}"
        for violation in violations
        for node in violation["nodes"]
    ]
