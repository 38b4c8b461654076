"""Compare in a real Chromium, and its API through the real client."""

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from browsing import ANSWERED, BROWSER, PHOTO_INPUT, drop, needs_chromium, open_page, read_winners, run_main
from photos import load_portrait, portrait_as_png, portrait_path

from fer_models.demo.handlers.compare import SHOWN_AT_FIRST, CompareHandlers, Shown
from fer_models.inference import LoadedModel

PHOTO_URI = "data:image/png;base64," + base64.b64encode(portrait_as_png()).decode()
EXAMPLES = "#photo\\.examples button"
# It is not used before it is allowed.
LATE_CAMERA = """() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const allowed = new Promise((resolve) => (window.allow = resolve));
    navigator.mediaDevices.getUserMedia = (wanted) => allowed.then(() => ask(wanted));
}"""


@needs_chromium
def test_a_camera_is_a_mirror_only_where_one_sees_oneself_and_its_snapshot_gets_four_answers(app_url: str) -> None:
    BROWSER.show_to_camera(load_portrait())
    with open_page(app_url, permissions=["camera"]) as page:
        for facing, is_mirrored in (("environment", False), ("user", True), (None, True)):
            page.locator("[data-example]").first.click()  # switches the camera off
            page.wait_for_selector("#photo > video", state="detached")
            settings = {"facingMode": facing} if facing else {}
            page.evaluate("settings => { MediaStreamTrack.prototype.getSettings = () => settings; }", settings)
            page.get_by_role("button", name="Take a photo").click()
            page.wait_for_selector("#photo > video[data-camera]")
            transform = page.evaluate("getComputedStyle(document.querySelector('#photo > video')).transform")
            assert transform == ("matrix(-1, 0, 0, 1, 0, 0)" if is_mirrored else "none")
        page.get_by_role("button", name="Remove the photo").click()
        page.wait_for_selector(ANSWERED, state="detached")
        page.get_by_role("button", name="Take a photo").click()
        page.wait_for_function("document.querySelector('#photo > video')?.videoWidth > 0")
        page.get_by_role("button", name="Take it now").click()
        assert all(read_winners(page))
        assert page.locator("#photo > video").count() == 0, "the camera is off"
        assert page.locator("[data-face]").count() == 1


@needs_chromium
def test_a_camera_goes_on_in_another_language_and_is_off_once_it_is_left_unplugged_or_no_longer_wanted(
    app_url: str,
) -> None:
    camera = "#photo > video[data-camera]"
    with open_page(app_url, permissions=["camera"]) as page:
        take = page.locator("[data-do=take]")
        take.click()
        track = page.wait_for_selector(camera).evaluate_handle("video => video.srcObject.getVideoTracks()[0]")
        page.get_by_label("Español").click()
        take.filter(has_text="Hacerla ahora").wait_for()
        assert track.evaluate("track => track.readyState") == "live"
        page.locator("[data-tab-id=models]").click()
        page.wait_for_selector(camera, state="detached")
        assert track.evaluate("track => track.readyState") == "ended"
        page.locator("[data-tab-id=compare]").click()
        take.click()
        page.wait_for_selector(camera).evaluate(
            "video => video.srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
        )
        page.wait_for_selector("#results >> text=La cámara se ha apagado o desconectado")
        assert page.locator(camera).count() == 0
        page.evaluate(LATE_CAMERA)
        take.click()
        page.locator(EXAMPLES).first.click()
        page.evaluate("allow()")
        page.wait_for_timeout(500)
        assert page.locator(camera).count() == 0


@needs_chromium
def test_a_page_over_plain_http_copies_and_says_why_it_has_no_camera(app_url: str) -> None:
    there = app_url.replace("127.0.0.1", "classroom.example")
    with open_page(there) as page:
        assert not page.evaluate("isSecureContext")
        page.get_by_role("button", name="Take a photo").click()
        page.wait_for_selector("#results >> text=https")
        page.evaluate(
            "document.addEventListener('copy', () => { window.copied = String(document.activeElement.value); })"
        )
        page.locator(EXAMPLES).first.click()
        read_winners(page)
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_function("window.copied")
        assert page.evaluate("window.copied").startswith(there)


@needs_chromium
def test_four_answers_are_explained_saved_and_shared_and_nothing_is_asked_of_another_server(app_url: str) -> None:
    with open_page(app_url) as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.set_input_files(PHOTO_INPUT, str(portrait_path()))
        shown = read_winners(page)
        assert len(shown) == SHOWN_AT_FIRST
        assert re.search(r"\w+ (four|of four) agree|They disagree", page.inner_text(".fer-verdict"))
        assert page.locator(".fer-why").count() == 0, "it costs nothing until somebody asks"
        page.locator("#why > button").click()
        page.wait_for_selector(".fer-why img")
        assert page.locator(".fer-why img").count() == SHOWN_AT_FIRST

        saved = {}
        for format in ("json", "csv", "png", "png"):  # one of them once more
            with page.expect_download() as download:
                page.locator(f"#save\\.{format}").click()
            assert download.value.suggested_filename == f"fer-comparison.{format}"
            saved[format] = Path(download.value.path()).read_bytes()
        assert [row["winner"] for row in json.loads(saved["json"])["models"]] == shown
        assert saved["csv"].count(b"\n") == 1 + 4 + 1
        assert saved["png"].startswith(b"\x89PNG")

        page.get_by_label("batchnorm", exact=True).uncheck()
        page.wait_for_function("document.querySelectorAll('.fer-card').length === 3")
        page.wait_for_function("document.querySelectorAll('.fer-why img').length === 3")
        for tab in (1, 0):  # another tab, and back
            page.locator("[role=tab]").nth(tab).click()
        page.get_by_label("Español").click()
        page.wait_for_selector(".fer-why .fer-small >> text=/señal/")
        page.locator("#share > button").click()
        page.wait_for_function("document.querySelector('#share textarea, #share input')?.value.includes('lang=es')")
        page.goto(page.locator("#share textarea, #share input").first.input_value())
        page.wait_for_selector("text=Cuatro modelos pequeños leen una cara")
        page.wait_for_function("document.querySelectorAll('.fer-card').length === 3")
        assert page.evaluate("[document.documentElement.lang, document.title]") == ["es", "Cuatro modelos, una cara"]
        assert requested
        assert all(url.startswith((app_url, "data:", "blob:")) for url in requested)


@needs_chromium
def test_a_link_is_that_of_the_answer_and_repeats_it(app_url: str, samples: Path) -> None:
    two, sky = samples / "two.png", samples / "sky.png"

    def read_link(page: Any, end: str) -> str:
        field = "document.querySelector('#share textarea, #share input')"
        page.wait_for_function(f"(end) => {field}?.value.endsWith(end)", arg=end)
        return page.evaluate(f"{field}.value")

    find_cards = "cards => cards.map(card => card.getBoundingClientRect().top + scrollY)"
    with open_page(app_url) as page:
        page.set_input_files(PHOTO_INPUT, str(two))
        page.locator("#share > button").click()
        read_link(page, "batchnorm-dropout")
        places = page.locator(".fer-card").evaluate_all(find_cards)
        page.locator('[data-face="1"] .fer-box').click()
        read_link(page, "&face=2")
        assert page.locator(".fer-card").evaluate_all(find_cards) == places, "nothing moves"
        tag = page.locator("#tag input").last
        tag.check()  # the face stays
        one = read_link(page, f"tag={tag.input_value()}&models=baseline,dense,batchnorm,batchnorm-dropout&face=2")
        assert "face_index=1" in page.inner_text("#share .cm-content >> nth=0")
        assert page.locator("#photo\\.faces input").last.is_checked()
        for key, end in (("ArrowLeft", "batchnorm-dropout"), ("ArrowRight", "&face=2")):
            page.locator("#photo\\.faces input:checked").press(key)
            read_link(page, end)
        page.set_input_files(PHOTO_INPUT, str(portrait_path()))
        read_link(page, "batchnorm-dropout")  # another photo, whose face is the first
        page.get_by_role("button", name="Remove the photo").click()
        page.set_input_files(PHOTO_INPUT, str(sky))
        page.get_by_role("button", name="Use the whole picture").click()
        other = read_link(page, "batchnorm-dropout&whole=1")
        assert "whole_image=True" in page.inner_text("#share .cm-content >> nth=0")
        is_read = "[...document.querySelectorAll('#tag input')].at(-1)?.checked"
        page.goto(one)
        page.wait_for_function(is_read)
        page.set_input_files(PHOTO_INPUT, str(two))
        page.wait_for_selector(".fer-notes >> text=Face 2 of 2")
        assert page.locator("#tag input").last.is_checked()
        page.goto(other)
        page.wait_for_function(is_read)
        page.set_input_files(PHOTO_INPUT, str(sky))
        page.wait_for_selector(".fer-verdict >> text=The whole picture was taken for the face")
        page.get_by_role("button", name="Remove the photo").click()
        page.set_input_files(PHOTO_INPUT, str(two))
        page.wait_for_selector(".fer-notes >> text=Face 1 of 2")  # where there is a face, it is looked at


@needs_chromium
def test_trouble_in_the_browser_gets_sentences_in_the_pages_language(app_url: str, tmp_path: Path) -> None:
    with open(tmp_path / "large.png", "wb") as large:
        large.truncate(101 * 1024**2)  # takes no room on the disk
    with open_page(app_url) as page:
        uploads: list[str] = []
        page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
        page.set_input_files(PHOTO_INPUT, str(tmp_path / "large.png"))
        page.wait_for_selector("#results >> text=This file is larger than 100 MB")
        assert uploads == []
        page.get_by_label("Español").click()
        page.locator(".fer-problem").click()  # a click beside all buttons is no new try
        page.wait_for_selector("#results >> text=El archivo ocupa más de 100 MB")
        page.get_by_role("button", name="Hacer una foto").click()
        page.wait_for_selector("#results >> text=no deja que esta página use la cámara")
        full = {"detail": "Queue is full. Max size is 64 and size is 64."}
        page.route("**/queue/join*", lambda route: route.fulfill(status=503, json=full))
        page.locator(EXAMPLES).first.click()
        page.wait_for_selector("#results >> text=Demasiadas personas usan esta página")
        assert not page.locator("[data-testid=toast-body]").first.is_visible()
        page.unroute("**/queue/join*")
        full = {"detail": "The server's disk is full. Uploads go after some minutes: try again then."}
        page.route("**/upload*", lambda route: route.fulfill(status=507, json=full))
        page.set_input_files(PHOTO_INPUT, str(portrait_path()))
        page.wait_for_selector("#results >> text=No queda espacio para archivos")
        page.unroute("**/upload*")
        for selector in ("[id='photo.view']", "[id='photo.view'] .fer-photo"):  # a place without, and with a photo
            drop(page, selector, "report.pdf", "application/pdf", b"no picture")
            page.wait_for_selector(".fer-message-error >> text=no es una imagen que se pueda leer")
            page.locator(EXAMPLES).first.click()
            read_winners(page)  # and then all goes on
        assert page.locator(".fer-problem").count() == 0


@contextmanager
def hold_answer(page: Any, ask: Callable[[], None], address: str = "**/queue/join*") -> Iterator[None]:
    """Ask for something, and let its answer come no earlier than at the end of the block."""
    held: list[Any] = []
    page.route(address, lambda route: route.continue_() if held else held.append(route))
    ask()
    while not held:
        page.wait_for_timeout(50)
    yield
    page.wait_for_timeout(500)  # so that what does not wait for it comes first
    held[0].continue_()
    page.unroute(address)


@needs_chromium
def test_of_two_answers_on_their_way_the_one_to_what_was_chosen_last_stays(app_url: str, samples: Path) -> None:
    """A language, a face and a photo were lost to the answer to what was chosen before them."""

    def stays(selector: str) -> Any:
        page.wait_for_selector(selector)
        page.wait_for_timeout(500)  # in which nothing older may come
        return page.locator(selector).is_visible()

    with open_page(app_url) as page:
        with hold_answer(page, lambda: page.set_input_files(PHOTO_INPUT, str(samples / "two.png"))):
            page.get_by_label("Español").click()
            page.wait_for_selector("text=Cuatro modelos pequeños leen una cara")
        assert stays(".fer-verdict >> text=Una conjetura")

        with hold_answer(page, lambda: page.get_by_label("batchnorm", exact=True).uncheck()):
            page.locator('[data-face="1"] .fer-box').click()
        assert stays(".fer-notes >> text=Cara 2 de 2")
        assert page.locator("#photo\\.faces input").last.is_checked()

        with hold_answer(page, lambda: page.locator('[data-face="0"] .fer-box').click()):
            page.set_input_files(PHOTO_INPUT, str(portrait_path()))
        assert stays("body:not(:has([data-face='1'])) [data-face='0']")
        assert not re.search("Cara . de 2", page.inner_text("#results"))

        page.set_input_files(PHOTO_INPUT, str(samples / "sky.png"))
        page.wait_for_selector("#photo\\.whole")
        with hold_answer(page, lambda: page.locator("#photo\\.whole").click()):
            page.set_input_files(PHOTO_INPUT, str(portrait_path()))
        assert stays("[data-face='0']")
        assert page.locator(".fer-verdict >> text=imagen entera").count() == 0

        for choose, answer in (
            (lambda: page.locator(EXAMPLES).first.click(), "body:not(:has([data-face='1'])) [data-face='0']"),
            (lambda: page.set_input_files(PHOTO_INPUT, str(samples / "sky.png")), "#photo\\.whole"),
            (lambda: page.locator("[data-do=remove]").click(), ".fer-empty"),
        ):
            with hold_answer(page, lambda: page.set_input_files(PHOTO_INPUT, str(samples / "two.png")), "**/upload*"):
                choose()
            assert stays(answer), "a photo that is uploaded late is no longer wanted"
            assert page.locator("#photo[data-busy]").count() == 0


@needs_chromium
def test_an_explanation_of_the_photo_before_is_dropped(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, may_answer = Event(), Event()

    def explain(_: Any, shown: Shown, *__: Any) -> str:
        if not asked.is_set():
            asked.set()
            may_answer.wait(60)
        return f'<p class="fer-why">{Path(shown.photo_path).name}</p>'

    monkeypatch.setattr(CompareHandlers, "explain", explain)
    with open_page(running.local_url) as page:
        page.locator(EXAMPLES).first.click()
        read_winners(page)
        page.locator("#why > button").click()
        assert asked.wait(60)
        page.locator(EXAMPLES).last.click()
        page.wait_for_selector(".fer-why >> text=split.jpg")
        may_answer.set()
        page.wait_for_timeout(500)
        assert page.inner_text(".fer-why") == "split.jpg"


@needs_chromium
def test_an_answer_that_is_forgotten_stays_on_the_page_with_a_sentence(running: Any, samples: Path) -> None:
    with open_page(running.local_url) as page:
        page.set_input_files(PHOTO_INPUT, str(samples / "two.png"))
        winners = read_winners(page)
        page.wait_for_selector(".pending", state="detached")
        for session in running.app.state_holder.session_data.values():
            for key, value in list(session.state_data.items()):
                if isinstance(value, Shown) and value.photo_path.endswith("two.png"):
                    del session.state_data[key]  # as after its lifetime
                    Path(value.photo_path).unlink()
        for clicked in ("#save\\.png", "#why > button", '[data-face="1"] .fer-box'):
            page.locator(clicked).click()
            page.wait_for_selector(
                "#results .fer-problem[data-key=missing] >> text=The photo and its answers are forgotten"
            )
            assert read_winners(page) == winners
        page.get_by_label("Español").click()
        page.wait_for_selector("#results .fer-problem >> text=La foto y sus respuestas ya están olvidadas")
        assert read_winners(page) == winners
        page.set_input_files(PHOTO_INPUT, str(samples / "two.png"))
        page.wait_for_selector(".fer-verdict >> text=Una conjetura")
        assert page.locator(".fer-problem").count() == 0


# --- programs ---


def test_programs_get_the_same_comparison_as_json_and_sentences_for_their_mistakes(app_url: str, client: Any) -> None:
    from gradio_client import handle_file

    photo = handle_file(str(portrait_path()))
    content = client.predict(photo, api_name="/compare")
    assert len(content["faces"]) == 1
    assert [row["model"] for row in content["models"]] == ["baseline", "dense", "batchnorm", "batchnorm-dropout"]
    explained = client.predict(photo, label="sad", models=["dense"], api_name="/explain")
    assert [(row["model"], row["label"]) for row in explained["explanations"]] == [("dense", "sad")]
    by_default = client.predict(photo, face_index=None, models=None, tag=None, api_name="/compare")
    assert [row["winner"] for row in by_default["models"]] == [row["winner"] for row in content["models"]]
    # Gradio fails at some of these by itself, without a word.
    wrong = [(index, "face_index must be a whole number") for index in (0.5, True, "first", [0], {})]
    wrong += [(index, f"There is no face {index}: 1 found") for index in (1, -1, 10**400)]
    for index, sentence in wrong:
        with pytest.raises(Exception, match=sentence):
            client.predict(photo, face_index=index, api_name="/compare")
    with pytest.raises(Exception, match="face_index must be a whole number"):
        client.predict(photo, face_index="0", api_name="/explain")
    assert {"/compare", "/explain"} <= set(client.view_api(return_format="dict", print_info=False)["named_endpoints"])

    values = [PHOTO_URI, 0, False, ["dense"], None]  # without the client, a photo may be a data URI
    event = httpx.post(f"{app_url}/gradio_api/call/compare", json={"data": values}, timeout=60).json()["event_id"]
    answer = httpx.get(f"{app_url}/gradio_api/call/compare/{event}", timeout=60).text
    assert [row["model"] for row in json.loads(answer.split("data: ", 1)[1])[0]["models"]] == ["dense"]


def test_nothing_of_a_call_that_fails_is_printed(running: Any, capfd: pytest.CaptureFixture[str]) -> None:
    file = {"path": PHOTO_URI, "meta": {"_type": "gradio.FileData"}}
    for name, values in (
        ("compare", [{"url": PHOTO_URI}]),
        ("compare", [file, 0, False, None, None]),
        ("batch", [[file]]),
    ):
        call = f"{running.local_url}gradio_api/call/{name}"
        event = httpx.post(call, json={"data": values}, timeout=60).json()["event_id"]
        assert "error" in httpx.get(f"{call}/{event}", timeout=60).text
    printed = "".join(capfd.readouterr())
    assert "Error" in printed, "what happened is told"
    assert PHOTO_URI[:200] not in printed


# --- how the app starts ---


def test_a_taken_port_gets_a_sentence(models: list[LoadedModel], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        monkeypatch.setattr("browsing.find_free_port", lambda: port)
        with pytest.raises(SystemExit, match=f"port {port} is taken"), run_main(models[:1]):
            pass


def test_an_app_without_the_detectors_weights_says_which_are_missing(
    models: list[LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fer_models.faces.WEIGHTS_FILE", "no_such_weights.onnx")
    message = r"error: The face detector's weights are missing: .*no_such_weights"
    with pytest.raises(SystemExit, match=message), run_main(models[:1]):
        pass


@pytest.mark.parametrize("port", ["abc", "0", "70000"])
def test_a_port_that_is_none_gets_a_sentence(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import app

    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit, match="PORT must be a number"):
        app.read_port()
