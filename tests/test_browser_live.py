"""Live in a real Chromium, whose camera shows a portrait."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browsing import needs_chromium, open_page
from photos import load_portrait
from PIL import Image

from fer_models.demo.handlers.choice import find_examples
from fer_models.demo.handlers.compare import SHOWN_AT_FIRST
from training.benchmarks.live import write_camera_film

pytestmark = [pytest.mark.browser, needs_chromium]


@contextmanager
def open_live(app_url: str, film: Path | None, **options: Any) -> Iterator[Any]:
    """The open tab, on a browser whose camera plays a film; None: that has no camera."""
    camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"] if film else []
    with open_page(app_url, *camera, **options) as page:
        page.get_by_role("tab", name=re.compile("Live|En vivo")).click()
        page.wait_for_selector(".fer-live button")
        yield page


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "camera.y4m"
    write_camera_film(path, load_portrait())
    return path


def test_the_camera_gets_a_box_winners_and_never_two_requests_at_once(app_url: str, film: Path) -> None:
    with open_live(app_url, film, permissions=["camera"]) as page:
        flying: set[Any] = set()
        most: list[int] = []

        def take_off(request: Any) -> None:
            if "component_server" in request.url:
                flying.add(request)
                most.append(len(flying))

        page.on("request", take_off)
        for landed in ("requestfinished", "requestfailed"):
            page.on(landed, lambda request: flying.discard(request))
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live-followed")
        page.wait_for_function("document.querySelector('.fer-live').dataset.answers > 9")
        assert float(page.get_attribute(".fer-live", "data-fps")) > 0
        assert "pictures per second" in page.inner_text(".fer-live-fps")
        assert page.locator(".fer-live-face").count() == 1
        assert page.locator(".fer-live-rows li:not([data-winner=''])").count() == SHOWN_AT_FIRST
        assert page.inner_text(".fer-live-face p")
        assert page.inner_text(".fer-live-spoken"), "said at once, not only when the page is five seconds old"
        assert len(most) > 9
        assert max(most) == 1

        # Another tab: nothing is sent. Back again: it goes on.
        page.get_by_role("tab", name="Compare").click()
        page.wait_for_selector(".fer-live[data-state=paused]", state="attached")
        page.wait_for_timeout(500)
        sent = len(most)
        page.wait_for_timeout(700)
        assert len(most) == sent
        page.get_by_role("tab", name="Live").click()
        page.wait_for_selector(".fer-live[data-state=live]")

        # One model alone, and the other language, while it runs.
        page.get_by_label("Models").select_option("dense")
        page.wait_for_selector(".fer-live-rows:not(:has(li + li))")
        page.get_by_label("Español").click()
        page.wait_for_selector("text=imágenes por segundo")
        page.get_by_role("button", name="Apagar la cámara").click()
        page.wait_for_selector("text=Enciende la cámara")
        assert page.evaluate("document.querySelector('.fer-live video').srcObject") is None


def test_what_keeps_a_camera_waiting_is_said_and_made_good(app_url: str, film: Path) -> None:
    with open_live(app_url, film, permissions=["camera"]) as page:
        page.route("**/component_server/", lambda route: route.fulfill(json={"status": "full"}), times=2)
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector("text=Too many cameras")
        page.wait_for_selector(".fer-live-face")
        assert not page.locator(".fer-live-message").inner_text()
        page.context.set_offline(True)
        page.wait_for_selector(".fer-live-stage >> text=The connection to the server was lost")
        assert not page.locator(".fer-live-face").count()
        page.context.set_offline(False)
        page.wait_for_selector(".fer-live-face")
        page.route("**/component_server/", lambda route: route.fulfill(json={"status": "over"}), times=1)
        page.wait_for_selector("text=so that others get their turn")
        page.get_by_role("button", name="Go on").press("Enter")
        page.wait_for_selector(".fer-live[data-state=live] .fer-live-face")


def test_a_hidden_page_sends_nothing_and_soon_switches_the_camera_off(app_url: str, film: Path) -> None:
    with open_live(app_url, film, permissions=["camera"]) as page:
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live-face")
        page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
        page.wait_for_selector(".fer-live[data-state=paused]")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.wait_for_timeout(1000)
        page.evaluate("{ const now = performance.now.bind(performance); performance.now = () => now() + 9000; }")
        page.wait_for_selector("text=switched off while you were away")
        assert not [url for url in sent if "component_server" in url]
        assert page.evaluate("document.querySelector('.fer-live video').srcObject") is None
        page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
        page.get_by_role("button", name="Go on").click()
        page.wait_for_selector(".fer-live-face")


# Two cameras, as a phone or a computer has them; `asked` is which ones the page asked for.
PRETEND_CAMERAS = """([settings, devices]) => {
    window.asked = [];
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (constraints) => {
        asked.push(constraints.video.deviceId ?? constraints.video.facingMode);
        return ask({ video: true });
    };
    MediaStreamTrack.prototype.getSettings = () => settings[asked.length - 1];
    navigator.mediaDevices.enumerateDevices = async () => devices.map((device) => ({ kind: "videoinput", ...device }));
}"""


def test_the_front_camera_is_mirrored_and_the_back_one_is_not(app_url: str, film: Path) -> None:
    with open_live(app_url, film, permissions=["camera"]) as page:
        page.evaluate(PRETEND_CAMERAS, [[{"facingMode": "user"}, {"facingMode": "environment"}], [{}, {}]])
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live-mirrored .fer-live-face")
        page.locator(".fer-live-cameras select").select_option("environment")
        page.wait_for_selector(".fer-live:not(.fer-live-mirrored) .fer-live-face")
        assert page.evaluate("asked") == ["user", "environment"]


def test_a_computers_cameras_are_chosen_by_their_names(app_url: str, film: Path) -> None:
    with open_live(app_url, film, permissions=["camera"]) as page:
        devices = [{"deviceId": "one", "label": "Lid"}, {"deviceId": "two", "label": "Desk"}]
        page.evaluate(PRETEND_CAMERAS, [devices, devices])
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live-mirrored .fer-live-face")
        choice = page.locator(".fer-live-cameras select")
        assert choice.locator("option").all_inner_texts() == ["Lid", "Desk"]
        assert choice.input_value() == "one"
        choice.select_option("Desk")
        page.wait_for_selector(".fer-live[data-state=live] .fer-live-face")
        assert page.evaluate("asked") == ["user", {"exact": "two"}], "browsers take a mere wish for any camera"
        assert choice.input_value() == "two"


@pytest.mark.parametrize(
    "trouble", ["HTMLMediaElement.prototype.play", "MediaDevices.prototype.enumerateDevices"], ids=["play", "list"]
)
def test_a_camera_that_gives_no_picture_is_said(app_url: str, film: Path, trouble: str) -> None:
    with open_live(app_url, film, permissions=["camera"]) as page:
        page.evaluate(f"() => {{ {trouble} = async () => {{ throw new Error('no picture'); }}; }}")
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live[data-state=idle] >> text=The camera gives no picture")
        assert page.evaluate("document.querySelector('.fer-live video').srcObject") is None


@pytest.mark.parametrize(
    ("locale", "has_camera", "sentence"),
    [
        ("en-US", True, "does not let this page use the camera"),
        ("es-ES", False, "No se ha encontrado ninguna cámara"),
    ],
)
def test_without_a_camera_a_sentence_beside_the_picture_says_why(
    app_url: str, film: Path, locale: str, has_camera: bool, sentence: str
) -> None:
    permissions = [] if has_camera else ["camera"]
    with open_live(app_url, film if has_camera else None, permissions=permissions, locale=locale) as page:
        page.locator(".fer-live-start").click()
        page.wait_for_selector(f".fer-live-stage >> text={sentence}")
        assert page.get_attribute(".fer-live", "data-state") == "idle"


@pytest.mark.parametrize("width", [1440, 390], ids=["wide", "phone"])
def test_the_last_answer_is_grey_and_the_widest_split_is_kept_without_the_face(
    app_url: str, tmp_path: Path, width: int
) -> None:
    write_camera_film(tmp_path / "hard.y4m", Image.open(find_examples()[-1]).convert("RGB"))  # the models part on it
    with open_live(
        app_url, tmp_path / "hard.y4m", permissions=["camera"], viewport={"width": width, "height": 844}
    ) as page:
        privacy, start = (
            page.locator(part).bounding_box() for part in ("[data-word='live.privacy']", "button.fer-live-start")
        )
        assert privacy["y"] - start["y"] < 160, "beside the button"
        page.locator(".fer-split button").click()
        page.wait_for_selector(".fer-live-followed")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.wait_for_selector(".fer-split-card .fer-live-rows li:not([data-winner=''])")
        page.wait_for_selector(".fer-live-hunt >> text=/Widest split so far: \\d( : \\d)+/")
        box = page.locator(".fer-live-hunt").bounding_box()
        assert 0 <= box["y"] <= 844 - box["height"], "in sight of the face"
        assert page.locator(".fer-split-card").locator("img, video, canvas").count() == 0
        assert re.search(r"\d+ s", page.inner_text(".fer-live-start")), "how long it goes on"
        page.locator(".fer-live-start").click()
        page.wait_for_selector(".fer-live[data-state=idle] .fer-live-answers[data-answered]")
        style = "getComputedStyle(document.querySelector('.fer-live-answers'), '::before').content"
        assert "Last answer" in page.evaluate(style)
        assert page.locator(".fer-split-card").is_visible()


def test_where_all_agree_there_is_no_split(app_url: str, film: Path) -> None:
    """Four of four were told as the widest split so far."""
    with open_live(app_url, film, permissions=["camera"]) as page:
        page.locator(".fer-split button").click()
        page.wait_for_selector(".fer-live-answers[data-answered] >> text=All four agree")
        page.wait_for_selector(".fer-live-hunt >> text=Widest split so far: none yet")
        assert page.locator(".fer-split-card").is_hidden()
        page.locator(".fer-live-start").click()
        page.wait_for_selector(".fer-live-hunt >> text=They never parted")
