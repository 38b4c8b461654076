"""What visitors do on a running Space, in its rehearsal: a program, a person, a page that embeds it."""

import re
import sys
from pathlib import Path

from browsing import ANSWERED, PHOTO_INPUT, REPOSITORY, open_page
from gradio_client import Client, handle_file
from photos import portrait_path

from fer_models.demo.handlers.compare import SHOWN_AT_FIRST
from fer_models.zoo import list_models
from training.publishing.static_page import serve

STATIC_SPACE_ID = "alice/fer-compare-static"
OPEN_CAMERA = "navigator.mediaDevices.getUserMedia({video: true}).then(stream => stream.active, error => error.name)"


def compare_as_program(url: str) -> None:
    photo, names = handle_file(str(portrait_path())), list_models()
    answer = Client(url, verbose=False).predict(photo, models=names, api_name="/compare")
    if len(answer["faces"]) != 1 or [row["model"] for row in answer["models"]] != names:
        sys.exit(f"error: the API answers something else: {answer}")
    print(f"  gradio_client: {answer['favourite']}", flush=True)


def compare_in_browser(url: str) -> None:
    asked: list[str] = []
    with open_page(url) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        page.wait_for_selector(PHOTO_INPUT, state="attached")
        page.set_input_files(PHOTO_INPUT, portrait_path())
        page.wait_for_selector(ANSWERED)
        winners = [card.get_attribute("data-winner") for card in page.locator(ANSWERED).all()]
        link = page.get_attribute(".fer-other-door a", "href")
    elsewhere = [address for address in asked if not address.startswith((url, "data:", "blob:"))]
    if elsewhere or len(winners) != SHOWN_AT_FIRST:
        sys.exit(f"error: the page shows {winners}, and asks other servers for {elsewhere}.")
    if not (link or "").endswith("/spaces/" + STATIC_SPACE_ID):
        sys.exit(f"error: the page links to {link} instead of the static page.")
    print(f"  Chromium: {', '.join(winners)}", flush=True)


def compare_without_network(url: str) -> None:
    """On the static page, once it is loaded."""
    with open_page(url, wait_for="html[data-ready]") as page:
        page.context.set_offline(True)
        page.set_input_files("#file", portrait_path())
        page.wait_for_selector(".fer-verdict")
        winners = [card.inner_text() for card in page.locator(".fer-winner").all()]
    print(f"  Chromium without a network: {', '.join(winners)}", flush=True)


def open_camera_in_frame(url: str, folder: Path) -> None:
    """The frame of docs/space.md on another server's page has the camera; without its `allow` it would not."""
    page_of_docs = (REPOSITORY / "docs" / "space.md").read_text(encoding="utf-8")
    (frame,) = re.findall(r"```html\n(.*?)```", page_of_docs, re.DOTALL)
    frame = re.sub(r'src="[^"]*"', f'src="{url}"', frame)
    folder.mkdir()
    for html, expected in ((frame, True), (frame.replace('allow="camera"', ""), "NotAllowedError")):
        (folder / "index.html").write_text(html)
        with serve(folder) as other, open_page(url, permissions=["camera"]) as page:
            page.goto(other)
            page.frame_locator("iframe").locator(".fer-card").first.wait_for(state="attached")
            answer = page.frames[1].evaluate(OPEN_CAMERA)
        if answer != expected:
            sys.exit(f"error: in a frame the camera answers {answer!r} instead of {expected!r}: {html}")
    print("  in a frame: the camera opens", flush=True)
