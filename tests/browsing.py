"""The app as `make demo` starts it, offline, and a real Chromium that opens its page."""

import base64
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from photos import load_portrait
from PIL import Image

from fer_models.inference import LoadedModel
from training.benchmarks.chromium import (
    CHROMIUM,
    MISSING,
    find_free_port,
    launch,
    list_camera_flags,
    write_camera_film,
)

REPOSITORY = Path(__file__).parents[1]

# Where a photo is chosen, where many files are, and a model's answer.
PHOTO_INPUT, FILES_INPUT = "#photo input[type=file]", "#many\\.files input[type=file]"
ANSWERED = ".fer-card[data-winner]:not([data-winner=''])"

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason=MISSING)


def wait_until(is_so: Callable[[], bool]) -> bool:
    """Whether something comes true within half a minute."""
    deadline = time.monotonic() + 30
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_so()


@contextmanager
def serve_app(upload_dir: Path) -> Iterator[str]:
    """The address of the app, which runs until the end of the block."""
    space = {"SPACE_ID": "alice/fer-compare"}  # on a Space gradio asks other servers, if one lets it
    with launch(["app.py"], GRADIO_TEMP_DIR=str(upload_dir), HF_HUB_OFFLINE="1", **space) as (process, url):
        yield url
        status = process.poll()
        process.terminate()
        process.wait(30)
    assert status is None, f"The app ended by itself, with the status {status}"
    assert list(upload_dir.iterdir()) == [], "nothing of a visitor stays"


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
    """Chromium, started once for what follows, and a window of it for each language.

    Its camera shows a film, to pages that are allowed to use it, and `classroom.example` is this machine.
    A window keeps what it has fetched, and its pages share what is compiled with one that stays open, so that the next
    page in it is there in half the time.
    """

    def __init__(self) -> None:
        self._playwright: Any = None
        self._browser: Any = None
        self._windows: dict[str, Any] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="fer-camera-")
        self._film = Path(self._folder.name) / "camera.y4m"

    def start(self) -> Any:
        if self._browser is None:
            from playwright.sync_api import sync_playwright

            if not self._film.exists():
                self.show_to_camera(load_portrait())
            flags = ["--no-sandbox", "--process-per-site", "--disable-gpu"]  # which would be emulated
            flags += [*list_camera_flags(self._film), "--host-resolver-rules=MAP classroom.example 127.0.0.1"]
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        return self._browser

    def show_to_camera(self, image: Image.Image) -> None:
        """What the camera sees when it is switched on the next time."""
        write_camera_film(self._film, image)

    def open_window(self, locale: str, url: str) -> Any:
        if locale not in self._windows:
            self._windows[locale] = self.start().new_context(locale=locale)
            self._windows[locale].new_page().goto(urljoin(url, "/favicon.ico"))  # the one that stays open
        return self._windows[locale]

    def close(self) -> None:
        if self._browser:
            self._browser.close()
            self._playwright.stop()
            self._browser, self._windows = None, {}
            self._film.unlink()


BROWSER = _Browser()  # `conftest.py` closes it


@contextmanager
def open_page(
    app_url: str,
    wait_for: str = "html.fer-ready .fer-card",
    locale: str = "en-US",
    size: tuple[int, int] = (1440, 900),
    permissions: Sequence[str] = (),
) -> Iterator[Any]:
    """A page on which the app is ready."""
    window = BROWSER.open_window(locale, app_url)
    window.clear_permissions()
    if permissions:
        window.grant_permissions(permissions)
    page = window.new_page()
    try:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.set_default_timeout(60_000)
        page.goto(app_url)
        page.wait_for_selector(wait_for, state="attached")  # on a phone cards are hidden while they are empty
        page.wait_for_selector("input[type=file]", state="attached")
        yield page
    finally:
        page.context.set_offline(False)
        page.close()


def read_winners(page: Any) -> list[str]:
    """What the cards say, as soon as they say something."""
    page.wait_for_selector(ANSWERED)
    return [card.get_attribute("data-winner") for card in page.locator(".fer-card").all()]


def drop(page: Any, selector: str, name: str, kind: str, content: bytes) -> None:
    """Drop a file somewhere, as the browser hands it over."""
    transfer = page.evaluate_handle(
        """([name, type, content]) => {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [name, kind, base64.b64encode(content).decode()],
    )
    page.dispatch_event(selector, "drop", {"dataTransfer": transfer})


def find_violations(page: Any, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds fault with on the page as it stands, by WCAG 2.2, levels A and AA, and by good practice.

    Among them: every control has a name, targets are of 24 pixels or have room around them, and headings skip no level.

    Args:
        page: The page.
        rules: Only these, which is faster.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    page.wait_for_selector(".pending", state="detached")  # what is about to change is pale, and fades
    page.wait_for_timeout(200)
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": tags}
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(
        """async (options) => (await axe.run(options)).violations.flatMap(({ id, help, nodes }) =>
            nodes.map(({ target, html }) => `${id}: ${help}: ${target} ${html.slice(0, 200)}`))""",
        {"runOnly": only, "resultTypes": ["violations"]},
    )
