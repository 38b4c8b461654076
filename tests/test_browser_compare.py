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
from browsing import needs_chromium, open_page, run_main, serve_here
from photos import load_portrait, make_no_face, make_two_faces, portrait_as_png, portrait_path

from fer_models.demo.handlers.compare import CompareHandlers, Shown
from fer_models.faces import FaceDetector
from fer_models.inference import LoadedModel, load_models
from training.benchmarks.live import write_camera_film


def read_winners(page: Any) -> list[str]:
    page.wait_for_selector(".fer-card[data-winner]:not([data-winner=''])")
    return [card.get_attribute("data-winner") for card in page.locator(".fer-card").all()]


def pretend_camera(film: Path) -> list[str]:
    write_camera_film(film, load_portrait())
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return [*fake, f"--use-file-for-fake-video-capture={film}"]


@pytest.mark.browser
@needs_chromium
def test_an_uploaded_photo_gets_four_answers_and_nothing_is_asked_of_another_server(app_url: str) -> None:
    with open_page(app_url) as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.set_input_files("input[type=file]", str(portrait_path()))
        assert len(read_winners(page)) == 4
        assert re.search(r"\w+ (four|of four) agree|They disagree", page.inner_text(".fer-verdict"))
        assert requested
        assert all(url.startswith((app_url, "data:", "blob:")) for url in requested)


@pytest.mark.browser
@needs_chromium
def test_ones_own_camera_is_a_mirror_and_its_snapshot_gets_four_answers(app_url: str, tmp_path: Path) -> None:
    with open_page(app_url, *pretend_camera(tmp_path / "camera.y4m"), permissions=["camera"]) as page:
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
        page.wait_for_selector(".fer-card[data-winner]:not([data-winner=''])", state="detached")
        page.get_by_role("button", name="Take a photo").click()
        page.wait_for_function("document.querySelector('#photo > video')?.videoWidth > 0")
        page.get_by_role("button", name="Take it now").click()
        assert all(read_winners(page))
        assert page.locator("#photo > video").count() == 0, "the camera is off"
        assert page.locator("[data-face]").count() == 1


@pytest.mark.browser
@needs_chromium
def test_a_page_over_plain_http_copies_and_says_why_it_has_no_camera(app_url: str) -> None:
    there = app_url.replace("127.0.0.1", "classroom.example")
    with open_page(there, "--host-resolver-rules=MAP classroom.example 127.0.0.1") as page:
        assert not page.evaluate("isSecureContext")
        page.get_by_role("button", name="Take a photo").click()
        page.wait_for_selector("#results >> text=https")
        page.evaluate(
            "document.addEventListener('copy', () => { window.copied = String(document.activeElement.value); })"
        )
        page.locator("#photo\\.examples button").first.click()
        assert len(read_winners(page)) == 4
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_function("window.copied")
        assert page.evaluate("window.copied").startswith(there)


@pytest.mark.browser
@needs_chromium
def test_another_face_is_chosen_by_click_and_by_keyboard_and_nothing_moves(app_url: str, tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    with open_page(app_url) as page:
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector(".fer-notes >> text=Face 1 of 2")
        places = [card.bounding_box() for card in page.locator(".fer-card").all()]
        page.locator('[data-face="1"] .fer-box').click()
        page.wait_for_selector(".fer-notes >> text=Face 2 of 2")
        assert page.locator("#photo\\.faces input").last.is_checked()
        page.locator("#photo\\.faces input").last.focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(".fer-notes >> text=Face 1 of 2")
        assert [card.bounding_box() for card in page.locator(".fer-card").all()] == places
        assert page.locator(".fer-chosen").get_attribute("data-face") == "0"


@pytest.mark.browser
@needs_chromium
def test_why_save_and_share(app_url: str, tmp_path: Path) -> None:
    with open_page(app_url) as page:
        page.set_input_files("input[type=file]", str(portrait_path()))
        shown = read_winners(page)
        assert page.locator(".fer-why").count() == 0  # costs nothing until somebody asks
        page.locator("#why > button").click()
        page.wait_for_selector(".fer-why img")
        assert page.locator(".fer-why img").count() == 4

        saved = {}
        for format in ("json", "csv", "png"):
            with page.expect_download() as download:
                page.locator(f"#save\\.{format}").click()
            assert download.value.suggested_filename == f"fer-comparison.{format}"
            saved[format] = Path(download.value.path()).read_bytes()
        assert [row["winner"] for row in json.loads(saved["json"])["models"]] == shown
        with page.expect_download():
            page.locator("#save\\.png").click()  # once more
        assert saved["csv"].count(b"\n") == 1 + 4 + 1
        assert saved["png"].startswith(b"\x89PNG")

        page.get_by_label("batchnorm", exact=True).uncheck()
        page.wait_for_function("document.querySelectorAll('.fer-card').length === 3")
        page.wait_for_function("document.querySelectorAll('.fer-why img').length === 3")
        page.get_by_label("Español").click()
        page.wait_for_selector(".fer-why .fer-small >> text=/señal/")
        page.locator("#share > button").click()
        page.wait_for_function("document.querySelector('#share textarea, #share input')?.value.includes('lang=es')")
        link = page.locator("#share textarea, #share input").first.input_value()
        page.goto(link)
        page.wait_for_selector("text=Cuatro modelos pequeños leen una cara")
        page.wait_for_function("document.querySelectorAll('.fer-card').length === 3")
        assert page.evaluate("[document.documentElement.lang, document.title]") == ["es", "Cuatro modelos, una cara"]


@pytest.mark.browser
@needs_chromium
def test_a_link_is_that_of_the_answer_and_repeats_it(app_url: str, tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    make_no_face().save(tmp_path / "sky.png")

    def read_link(page: Any, end: str) -> str:
        field = "document.querySelector('#share textarea, #share input')"
        page.wait_for_function(f"(end) => {field}?.value.endsWith(end)", arg=end)
        return page.evaluate(f"{field}.value")

    with open_page(app_url) as page:
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.locator("#share > button").click()
        tag = page.locator("#tag input").last
        tag.check()
        page.locator('[data-face="1"] .fer-box').click()
        one = read_link(page, f"tag={tag.input_value()}&models=baseline,dense,batchnorm,batchnorm-dropout&face=2")
        assert "face_index=1" in page.inner_text("#share .cm-content >> nth=0")
        page.set_input_files("input[type=file]", str(portrait_path()))
        read_link(page, "batchnorm-dropout")  # another photo, whose face is the first
        page.get_by_role("button", name="Remove the photo").click()
        page.set_input_files("input[type=file]", str(tmp_path / "sky.png"))
        page.locator("#photo\\.whole").click()
        other = read_link(page, "batchnorm-dropout&whole=1")
        assert "whole_image=True" in page.inner_text("#share .cm-content >> nth=0")
    is_read = "[...document.querySelectorAll('#tag input')].at(-1)?.checked"
    with open_page(one) as page:
        page.wait_for_function(is_read)
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector(".fer-notes >> text=Face 2 of 2")
        assert page.locator("#tag input").last.is_checked()
    with open_page(other) as page:
        page.wait_for_function(is_read)
        page.set_input_files("input[type=file]", str(tmp_path / "sky.png"))
        page.wait_for_selector(".fer-verdict >> text=The whole picture was taken for the face")
        page.get_by_role("button", name="Remove the photo").click()
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector(".fer-notes >> text=Face 1 of 2")  # where there is a face, it is looked at


@pytest.mark.browser
@needs_chromium
def test_trouble_in_the_browser_gets_sentences_in_the_pages_language(app_url: str, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(101 * 1024**2))
    with open_page(app_url) as page:
        uploads: list[str] = []
        page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
        page.set_input_files("input[type=file]", str(tmp_path / "large.png"))
        page.wait_for_selector("#results >> text=This file is larger than 100 MB")
        assert uploads == []
        page.get_by_label("Español").click()
        page.locator(".fer-problem").click()  # a click beside all buttons is no new try
        page.wait_for_selector("#results >> text=El archivo ocupa más de 100 MB")
        page.get_by_role("button", name="Hacer una foto").click()
        page.wait_for_selector("#results >> text=/no deja que esta página use la cámara|ninguna cámara/")
        full = {"detail": "Queue is full. Max size is 64 and size is 64."}
        page.route("**/queue/join*", lambda route: route.fulfill(status=503, json=full))
        page.locator("#photo\\.examples button").first.click()
        page.wait_for_selector("#results >> text=Demasiadas personas usan esta página")
        assert not page.locator("[data-testid=toast-body]").first.is_visible()
        page.unroute("**/queue/join*")
        full = {"detail": "The server's disk is full. Uploads go after some minutes: try again then."}
        page.route("**/upload*", lambda route: route.fulfill(status=507, json=full))
        page.set_input_files("input[type=file]", str(portrait_path()))
        page.wait_for_selector("#results >> text=No queda espacio para archivos")
        page.unroute("**/upload*")
        page.locator("#photo\\.examples button").first.click()
        assert len(read_winners(page)) == 4  # and then all goes on
        assert page.locator(".fer-problem").count() == 0


@pytest.mark.browser
@needs_chromium
def test_no_face_and_bad_files_get_sentences(app_url: str, tmp_path: Path) -> None:
    make_no_face().save(tmp_path / "sky.png")
    (tmp_path / "text.png").write_text("no picture")
    with open_page(app_url) as page:
        page.set_input_files("input[type=file]", str(tmp_path / "text.png"))
        page.wait_for_selector("text=not a picture that can be read")
        page.set_input_files("input[type=file]", str(tmp_path / "sky.png"))
        page.wait_for_selector("text=No face was found")
        page.get_by_role("button", name="Use the whole picture").click()
        assert len(read_winners(page)) == 4
        assert "this answer means nothing" in page.inner_text(".fer-headline")


def drop_file(page: Any, selector: str, name: str, kind: str) -> None:
    page.evaluate(
        """([selector, name, type]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["what it says does not matter"], name, { type }));
            const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
            document.querySelector(selector).dispatchEvent(event);
        }""",
        [selector, name, kind],
    )


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "not a picture that can be read. Please choose a JPEG"), ("es", "no es una imagen que se pueda leer")],
)
def test_what_is_no_picture_is_refused_in_the_pages_language(app_url: str, language: str, sentence: str) -> None:
    with open_page(f"{app_url}?lang={language}") as page:
        page.wait_for_selector(f"html[lang={language}]")
        for selector in ("[id='photo.view']", "[id='photo.view'] .fer-photo"):
            drop_file(page, selector, "report.pdf", "application/pdf")
            page.wait_for_selector(f".fer-message-error >> text={sentence}")
            page.locator("#photo\\.examples button").first.click()
            read_winners(page)


@contextmanager
def hold_answer(page: Any, ask: Callable[[], None]) -> Iterator[None]:
    """Ask for something, and let its answer come no earlier than at the end of the block."""
    held: list[Any] = []
    page.route("**/queue/join*", lambda route: route.continue_() if held else held.append(route))
    ask()
    while not held:
        page.wait_for_timeout(50)
    yield
    page.wait_for_timeout(1000)  # so that what does not wait for it comes first
    held[0].continue_()


@pytest.mark.browser
@needs_chromium
def test_a_language_chosen_while_an_answer_is_on_its_way_is_the_one_that_stays(app_url: str) -> None:
    with open_page(app_url) as page:
        with hold_answer(page, lambda: page.set_input_files("input[type=file]", str(portrait_path()))):
            page.get_by_label("Español").click()
            page.wait_for_selector("text=Cuatro modelos pequeños leen una cara")
        page.wait_for_selector(".fer-verdict >> text=Una conjetura")
        page.wait_for_timeout(700)  # in which nothing older may come
        assert "Una conjetura" in page.inner_text(".fer-verdict")


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize(
    ("make_photo", "ready", "clicked"),
    [
        (make_two_faces, ".fer-notes >> text=Face 1 of 2", '[data-face="1"] .fer-box'),
        (make_no_face, "text=No face was found", "#photo\\.whole"),
    ],
    ids=["a face", "the whole picture"],
)
def test_a_photo_chosen_while_an_answer_to_a_click_is_on_its_way_is_the_one_that_stays(
    app_url: str, tmp_path: Path, make_photo: Callable[[], Any], ready: str, clicked: str
) -> None:
    make_photo().save(tmp_path / "first.png")
    with open_page(app_url) as page:
        page.set_input_files("input[type=file]", str(tmp_path / "first.png"))
        page.wait_for_selector(ready)
        with hold_answer(page, lambda: page.locator(clicked).click()):
            page.set_input_files("input[type=file]", str(portrait_path()))
        page.wait_for_function("document.querySelectorAll('[data-face]').length === 1")
        page.wait_for_timeout(700)  # in which nothing older may come
        assert page.locator("[data-face]").count() == 1
        assert not re.search("Face 2 of 2|whole picture was", page.inner_text("#results"))


@pytest.mark.browser
@needs_chromium
def test_a_face_clicked_while_an_answer_is_on_its_way_is_the_one_that_stays(app_url: str, tmp_path: Path) -> None:
    make_two_faces().save(tmp_path / "two.png")
    with open_page(app_url) as page:
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector(".fer-notes >> text=Face 1 of 2")
        with hold_answer(page, lambda: page.get_by_label("batchnorm", exact=True).uncheck()):
            page.locator('[data-face="1"] .fer-box').click()
        page.wait_for_selector(".fer-notes >> text=Face 2 of 2")
        page.wait_for_timeout(700)
        assert "Face 2 of 2" in page.inner_text(".fer-verdict")
        assert page.locator("#photo\\.faces input").last.is_checked()


@pytest.mark.browser
@needs_chromium
def test_an_explanation_of_the_photo_before_is_dropped(
    models: list[LoadedModel], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_answer = Event(), Event()

    def explain(_: Any, shown: Shown, *__: Any) -> str:
        if not asked.is_set():
            asked.set()
            may_answer.wait(60)
        return f'<p class="fer-why">{Path(shown.photo_path).name}</p>'

    monkeypatch.setattr(CompareHandlers, "explain", explain)
    with serve_here(models, detector) as url, open_page(url) as page:
        page.locator("#photo\\.examples button").first.click()
        read_winners(page)
        page.locator("#why > button").click()
        assert asked.wait(60)
        page.locator("#photo\\.examples button").last.click()
        page.wait_for_selector(".fer-why >> text=split.jpg")
        may_answer.set()
        page.wait_for_timeout(700)
        assert page.inner_text(".fer-why") == "split.jpg"


@pytest.mark.browser
@needs_chromium
def test_an_answer_that_is_forgotten_stays_on_the_page_with_a_sentence(
    models: list[LoadedModel], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("fer_models.demo.tabs.compare.SHOWN_LIFE_S", 1)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    make_two_faces().save(tmp_path / "two.png")
    with serve_here(models, detector) as url, open_page(url) as page:
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        winners = read_winners(page)
        page.wait_for_timeout(3000)  # until it is forgotten
        for upload in (tmp_path / "uploads").rglob("two.png"):
            upload.unlink()
        for clicked in ("#save\\.png", "#why > button", '[data-face="1"] .fer-box'):
            page.locator(clicked).click()
            page.wait_for_selector("#results .fer-problem >> text=The photo and its answers are forgotten")
            assert read_winners(page) == winners
        page.get_by_label("Español").click()
        page.wait_for_selector("#results .fer-problem >> text=La foto y sus respuestas ya están olvidadas")
        assert read_winners(page) == winners
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector(".fer-verdict >> text=Una conjetura")
        assert page.locator(".fer-problem").count() == 0


def test_programs_get_the_same_comparison_as_json(app_url: str) -> None:
    from gradio_client import Client, handle_file

    client = Client(app_url, verbose=False)
    content = client.predict(handle_file(str(portrait_path())), api_name="/compare")
    assert len(content["faces"]) == 1
    assert [row["model"] for row in content["models"]] == ["baseline", "dense", "batchnorm", "batchnorm-dropout"]
    assert content["models"][1]["model"] == "dense"
    explained = client.predict(handle_file(str(portrait_path())), label="sad", models=["dense"], api_name="/explain")
    assert [(row["model"], row["label"]) for row in explained["explanations"]] == [("dense", "sad")]
    nothing = {"face_index": None, "models": None, "tag": None}
    by_default = client.predict(handle_file(str(portrait_path())), **nothing, api_name="/compare")
    assert [row["winner"] for row in by_default["models"]] == [row["winner"] for row in content["models"]]
    with pytest.raises(Exception, match="There is no face 7"):
        client.predict(handle_file(str(portrait_path())), face_index=7, api_name="/compare")
    with pytest.raises(Exception, match="face_index must be a whole number"):
        client.predict(handle_file(str(portrait_path())), face_index=0.5, api_name="/compare")
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {"/compare", "/explain"} <= set(endpoints)


def test_a_photo_is_sent_as_a_data_uri(app_url: str) -> None:
    address = "data:image/png;base64," + base64.b64encode(portrait_as_png()).decode()
    values = [address, 0, False, ["dense"], None]
    event = httpx.post(f"{app_url}/gradio_api/call/compare", json={"data": values}, timeout=60).json()["event_id"]
    answer = httpx.get(f"{app_url}/gradio_api/call/compare/{event}", timeout=60).text
    content = json.loads(answer.split("data: ", 1)[1])[0]
    assert [row["model"] for row in content["models"]] == ["dense"]


def test_nothing_of_a_call_that_fails_is_printed(models: list[LoadedModel], capfd: pytest.CaptureFixture[str]) -> None:
    address = "data:image/png;base64," + base64.b64encode(portrait_as_png()).decode()
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    with run_main(models[:1]) as demo:
        for name, values in (
            ("compare", [{"url": address}]),
            ("compare", [file, 0, False, None, None]),
            ("batch", [[file]]),
        ):
            call = f"{demo.local_url}gradio_api/call/{name}"
            event = httpx.post(call, json={"data": values}, timeout=60).json()["event_id"]
            assert "error" in httpx.get(f"{call}/{event}", timeout=60).text
    printed = "".join(capfd.readouterr())
    assert "Error" in printed, "what happened is told"
    assert address[:200] not in printed


def test_a_taken_port_gets_a_sentence(models: list[LoadedModel], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        monkeypatch.setattr("browsing.find_free_port", lambda: port)
        with pytest.raises(SystemExit, match=f"port {port} is taken"), run_main(models[:1]):
            pass


def test_an_app_without_the_detectors_weights_says_which_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_models.faces.WEIGHTS_FILE", "no_such_weights.onnx")
    with (
        pytest.raises(SystemExit, match=r"error: The face detector's weights are missing: .*no_such_weights"),
        run_main(load_models(["baseline"])),
    ):
        pass


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1"])
def test_a_port_that_is_none_gets_a_sentence(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import app

    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit, match="PORT must be a number"):
        app.read_port()
