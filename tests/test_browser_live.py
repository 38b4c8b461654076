"""Live in a real Chromium, whose camera shows a portrait."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from browsing import BROWSER, needs_chromium, open_page
from photos import load_portrait
from PIL import Image

from fer_models.demo.handlers.compare import SHOWN_AT_FIRST
from fer_models.demo.locales import translate
from fer_models.packages import find_examples

pytestmark = needs_chromium

IS_OFF = "document.querySelector('.fer-live video').srcObject === null"


@contextmanager
def open_live(app_url: str, image: Image.Image | None = None, **options: Any) -> Iterator[Any]:
    """The open tab, on a browser whose camera, which it may use by default, shows an image, or the portrait."""
    BROWSER.show_to_camera(image or load_portrait())
    with open_page(app_url, **{"permissions": ["camera"]} | options) as page:
        page.get_by_role("tab", name="Live").click()
        page.wait_for_selector(".fer-live button")
        yield page


def test_a_face_gets_a_box_and_winners_no_split_where_all_agree_and_never_two_requests_at_once(app_url: str) -> None:
    with open_live(app_url, Image.open(find_examples()[1]).convert("RGB")) as page:  # a smile, which all see
        flying: set[Any] = set()
        most: list[int] = []

        def take_off(request: Any) -> None:
            if "component_server" in request.url:
                flying.add(request)
                most.append(len(flying))

        page.on("request", take_off)
        for landed in ("requestfinished", "requestfailed"):
            page.on(landed, lambda request: flying.discard(request))
        page.locator(".fer-split button").click()  # turns the camera on, too
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

        # Four of four were told as the widest split so far.
        page.wait_for_selector(".fer-live-answers[data-answered] >> text=All four agree")
        page.wait_for_selector(".fer-live-hunt >> text=Widest split so far: none yet")
        assert page.locator(".fer-split-card").is_hidden()

        # Another tab: nothing is sent. Back again: it goes on.
        page.get_by_role("tab", name="Compare").click()
        page.wait_for_selector(".fer-live[data-state=paused]", state="attached")
        sent = len(most)
        page.wait_for_timeout(500)
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
        page.wait_for_selector(".fer-live-hunt >> text=No han discrepado nunca")
        assert page.evaluate(IS_OFF)


def test_what_keeps_a_camera_waiting_is_said_and_made_good_and_a_hidden_page_sends_nothing(app_url: str) -> None:
    with open_live(app_url) as page:
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

        page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
        page.wait_for_selector(".fer-live[data-state=paused]")
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.wait_for_timeout(500)
        page.evaluate("{ const now = performance.now.bind(performance); performance.now = () => now() + 9900; }")
        page.wait_for_selector("text=switched off while you were away")
        assert not [url for url in sent if "component_server" in url]
        assert page.evaluate(IS_OFF)
        page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
        page.get_by_role("button", name="Go on").click()
        page.wait_for_selector(".fer-live-face")


# Cameras, as a phone or a computer has them; `asked` is which ones the page asked for.
PRETEND_CAMERAS = """([settings, devices]) => {
    window.asked = [];
    window.askReally ??= navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (constraints) => {
        asked.push(constraints.video.deviceId ?? constraints.video.facingMode);
        return askReally({ video: true });
    };
    MediaStreamTrack.prototype.getSettings = () => settings[asked.length - 1];
    navigator.mediaDevices.enumerateDevices = async () => devices.map((device) => ({ kind: "videoinput", ...device }));
}"""


def test_a_phones_front_camera_alone_is_mirrored_and_a_computers_are_chosen_by_their_names(app_url: str) -> None:
    with open_live(app_url) as page:
        choice = page.locator(".fer-live-cameras select")
        page.evaluate(PRETEND_CAMERAS, [[{"facingMode": "environment"}, {"facingMode": "user"}], [{}, {}]])
        choice.evaluate("select => { select.value = 'environment'; }")
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live:not(.fer-live-mirrored) .fer-live-face")
        choice.select_option("user")
        page.wait_for_selector(".fer-live-mirrored .fer-live-face")
        assert page.evaluate("asked") == ["environment", "user"]

        page.get_by_role("button", name="Turn off the camera").click()
        devices = [{"deviceId": "one", "label": "Lid"}, {"deviceId": "two", "label": "Desk"}]
        page.evaluate(PRETEND_CAMERAS, [devices, devices])
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live-mirrored .fer-live-face")
        assert choice.locator("option").all_inner_texts() == ["Lid", "Desk"]
        assert choice.input_value() == "one"
        choice.select_option("Desk")
        page.wait_for_selector(".fer-live[data-state=live] .fer-live-face")
        assert page.evaluate("asked") == ["user", {"exact": "two"}], "browsers take a mere wish for any camera"
        assert choice.input_value() == "two"

        page.get_by_role("button", name="Turn off the camera").click()
        page.evaluate("() => { navigator.mediaDevices.enumerateDevices = () => Promise.reject(new Error('broken')); }")
        page.get_by_role("button", name="Turn on the camera").click()
        page.wait_for_selector(".fer-live[data-state=idle] >> text=The camera gives no picture")
        assert page.evaluate(IS_OFF)


def test_without_a_camera_a_sentence_beside_the_picture_says_why(app_url: str) -> None:
    with open_live(app_url, permissions=[]) as page:
        page.locator(".fer-live-start").click()
        page.wait_for_selector(".fer-live-stage >> text=does not let this page use the camera")
        assert page.get_attribute(".fer-live", "data-state") == "idle"
        page.get_by_label("Español").click()
        missing = "async () => { throw new DOMException('', 'NotFoundError'); }"
        page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {missing}; }}")
        page.locator(".fer-live-start").click()
        page.wait_for_selector(".fer-live-stage >> text=No se ha encontrado ninguna cámara")


def test_the_last_answer_is_grey_and_the_widest_split_is_kept_without_the_face(app_url: str) -> None:
    hard = Image.open(find_examples()[-1]).convert("RGB")  # the models part on it
    with open_live(app_url, hard, size=(390, 844)) as page:

        def check_layout(width: int) -> None:
            page.set_viewport_size({"width": width, "height": 844})
            privacy, start, hunt = (
                page.locator(part).bounding_box()
                for part in ("[data-word='live.privacy']", "button.fer-live-start", ".fer-live-hunt")
            )
            assert privacy["y"] - start["y"] < 160, "beside the button"
            assert 0 <= hunt["y"] <= 844 - hunt["height"], "in sight of the face"
            assert page.evaluate("document.documentElement.scrollWidth") <= width

        page.locator(".fer-split button").click()
        page.wait_for_selector(".fer-live-followed")
        page.wait_for_selector(".fer-split-card .fer-live-rows li:not([data-winner=''])")
        page.wait_for_selector(".fer-live-hunt >> text=/Widest split so far: \\d( : \\d)+/")
        check_layout(390)
        check_layout(1440)
        assert page.locator(".fer-split-card").locator("img, video, canvas").count() == 0
        assert re.search(r"\d+ s", page.inner_text(".fer-live-start")), "how long it goes on"
        page.locator(".fer-live-start").click()
        page.wait_for_selector(".fer-live[data-state=idle] .fer-live-answers[data-answered]")
        style = "getComputedStyle(document.querySelector('.fer-live-answers'), '::before').content"
        assert "Last answer" in page.evaluate(style)
        assert page.locator(".fer-split-card").is_visible()
        page.get_by_label("Español").click()  # what cannot be said in it goes
        page.wait_for_selector(f".fer-live-hunt >> text={translate('es', 'split.done', votes='')}")
        page.wait_for_selector(f".fer-live-answers:not([data-answered]) >> text={translate('es', 'live.empty')}")
        assert page.locator(".fer-split-card").is_hidden()
