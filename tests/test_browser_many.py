"""Many photos, and a video, in a real Chromium, and their API through the real client."""

import os
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import av
import pytest
from browsing import FILES_INPUT, needs_chromium, open_page
from photos import make_two_faces, portrait_as_png, portrait_path
from test_archives import write_zip
from test_tables import read_csv
from videos import write_video

from fer_models.demo.locales import translate
from fer_models.demo.ui import MAX_UPLOAD_MB

pytestmark = needs_chromium

ROWS = ".fer-faces tbody tr"


@pytest.fixture
def photos(tmp_path: Path, samples: Path) -> list[str]:
    (tmp_path / "niña.png").write_bytes(portrait_as_png())
    (tmp_path / "broken.jpg").write_bytes(portrait_as_png()[:5000])
    write_zip(tmp_path / "album.zip", {"summer/a.png": portrait_as_png(), "__MACOSX/._a.png": b"x", "notes.txt": b"x"})
    own = [tmp_path / name for name in ("niña.png", "broken.jpg", "album.zip")]
    return [str(path) for path in (own[0], samples / "two.png", samples / "sky.png", *own[1:])]


def write_album(folder: Path, num_photos: int) -> Path:
    """A zip that keeps the models busy for a while."""
    make_two_faces().resize((550, 300)).save(folder / "two.jpg")
    photo = (folder / "two.jpg").read_bytes()
    entries = {f"{index}.jpg": photo for index in range(num_photos)}
    return write_zip(folder / f"album-{num_photos}.zip", entries, zipfile.ZIP_STORED)


def choose(page: Any, files: list[str]) -> None:
    """These files instead of those that are there."""
    page.wait_for_selector("#many\\.cancel[disabled]")
    if page.locator("#many\\.files .file-preview").count():
        page.locator("#many\\.files").get_by_label("Remove all files").click()
        page.wait_for_selector("#many\\.start[disabled]")
    page.set_input_files(FILES_INPUT, files)
    page.wait_for_selector(f"#many\\.files .file-preview >> text={Path(files[-1]).stem}")


def test_photos_and_a_zip_become_a_table_and_a_csv_in_both_languages_and_on_every_screen(
    app_url: str, photos: list[str], tmp_path: Path
) -> None:
    with open_page(f"{app_url}/?tab=many", locale="es-ES") as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.wait_for_selector("#many\\.intro >> text=Elige fotos")
        assert page.locator("#many\\.start").is_disabled(), "there is nothing to start"
        hint, place = (page.locator(part).bounding_box() for part in ("#many\\.intro", "#many\\.files"))
        assert hint["y"] < place["y"], "what to do comes first"

        large = [tmp_path / f"{number}.zip" for number in range(MAX_UPLOAD_MB // 95 + 1)]
        for path in large:
            path.touch()
            os.truncate(path, 95 * 1024**2)  # takes no room on the disk
        page.set_input_files(FILES_INPUT, [str(path) for path in large])
        page.wait_for_selector("#many .fer-problem >> text=2000 MB")
        assert not [url for url in requested if "/upload" in url], "refused before they travel"

        choose(page, photos)
        assert page.get_by_role("button", name="Quitar este archivo").count() == 5
        before = page.locator("#many\\.start").bounding_box()
        page.locator("#many\\.start").click()
        page.wait_for_selector(f".fer-download >> text={translate('es', 'many.csv')}")
        assert page.locator("#many\\.start").bounding_box() == before, "what to do stays where it is"
        page.wait_for_selector(".fer-faces >> text=No se ha encontrado ninguna cara")
        page.get_by_label("English").click()
        page.wait_for_selector(".fer-faces >> text=No face was found")
        page.get_by_role("button", name="Remove this file").last.wait_for()

        page.set_viewport_size({"width": 390, "height": 844})
        rows = page.locator(ROWS)
        assert rows.count() == 7
        assert page.locator(".fer-faces img").count() == 4
        assert "No face was found" in rows.nth(3).inner_text()
        assert "damaged" in rows.nth(4).inner_text()
        assert "album.zip/summer/a.png" in rows.nth(5).inner_text()
        # As a table it is read out too, also where it is laid out as cards.
        assert page.get_by_role("table").get_by_role("columnheader").count() == 3 + 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_label("Most disputed first").check()
        splits = rows.evaluate_all("rows => rows.map(row => Number(row.dataset.split))")
        assert splits == sorted(splits, reverse=True)
        with page.expect_download() as download:
            page.click(".fer-download")
        download.value.save_as(tmp_path / "faces.csv")
        table = read_csv((tmp_path / "faces.csv").read_text(encoding="utf-8"))
        assert table[0]["file"] == "niña.png"
        assert len(table) == 7
        assert page.locator("#many\\.start").is_enabled()
        for name, chosen in (("two.png", "Face 2 of 2"), ("album.zip/summer/a.png", "agree")):
            page.get_by_role("tab", name="Many").click()
            page.locator(f"[data-open][aria-label*='{name}']").last.press("Enter")
            page.wait_for_selector(f"#compare .fer-verdict >> text={chosen}")
            page.wait_for_function("document.activeElement.matches('.fer-verdict')")
            assert "tab=compare" in page.url
        assert all(url.startswith((app_url, "data:", "blob:")) for url in requested)


def test_trouble_of_a_job_gives_the_buttons_back_and_stands_in_its_tab_whichever_is_open(
    app_url: str, tmp_path: Path
) -> None:
    """They stayed as they were, under a sentence that asks to try again: after an error gradio goes on with nothing."""
    full = {"detail": {"error": "Queue is full. Max size is 64 and size is 64."}}
    held: list[Any] = []
    with open_page(f"{app_url}/?tab=many") as page:
        choose(page, [str(write_album(tmp_path, 2))])
        page.route("**/queue/join*", lambda route: route.fulfill(status=503, json=full))
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-problem >> text=Too many people are using this page")
        page.wait_for_selector("#many\\.start:not([disabled])")
        assert page.locator("#many\\.cancel").is_disabled()
        assert "Waiting" not in page.inner_text("#many\\.progress")
        page.unroute("**/queue/join*")
        page.locator("#many\\.start").click()
        page.wait_for_function(f"document.querySelectorAll('{ROWS}').length == 4")

        page.wait_for_selector("#many\\.start:not([disabled])")
        page.route("**/queue/join*", lambda route: held.append(route))
        page.locator("#many\\.start").click()
        page.get_by_role("tab", name="Live").click()
        while not held:
            page.wait_for_timeout(50)
        held[0].abort()
        page.wait_for_selector(".fer-problem", state="attached")
        assert not page.locator(".fer-problem").is_visible()
        page.get_by_role("tab", name="Many").click()
        assert page.locator(".fer-problem").is_visible()


def test_a_long_job_lets_others_compare_keeps_what_was_done_when_cancelled_and_ends_with_its_page(
    app_url: str, client: Any, tmp_path: Path
) -> None:
    from gradio_client import handle_file

    with open_page(f"{app_url}/?tab=many") as page:
        choose(page, [str(write_album(tmp_path, 400))])
        page.locator("#many\\.start").click()
        page.wait_for_selector("#many\\.progress progress")
        assert client.predict(handle_file(str(portrait_path())), api_name="/compare")["favourite"]
        page.wait_for_selector("#many\\.progress >> text=left")
        page.locator("#many\\.cancel").click()
        page.wait_for_selector("#many\\.progress >> text=Cancelled")
        page.wait_for_selector(".fer-download")
        assert 0 < page.locator(ROWS).count() < 400
        page.locator("#many\\.start").click()
        page.wait_for_selector("#many\\.progress progress")
    # The page is closed in the middle of its job, which then ends; otherwise the next would wait for all of it.
    start = time.monotonic()
    rows = client.predict([handle_file(str(tmp_path / "two.jpg"))], api_name="/batch")
    assert len(rows) == 2
    assert time.monotonic() - start < 20


def test_a_video_is_watched_and_taken_away(app_url: str, tmp_path: Path) -> None:
    with open_page(app_url) as page:
        page.locator("button[role=tab]", has_text=re.compile("^Many$")).click()
        assert not page.locator("#many\\.rate").is_visible()
        choose(page, [str(write_video(tmp_path / "film.mp4", 20))])
        page.locator("#many\\.start").click()
        page.wait_for_selector("#many\\.rate")
        # It plays: the browser has decoded a picture.
        page.wait_for_function("document.querySelector('#many\\\\.video video')?.readyState >= 2")
        assert page.locator(".fer-timeline svg").count() == 7
        with page.expect_download() as download:
            page.click(".fer-download")
        download.value.save_as(tmp_path / "film.csv")
        assert len(read_csv((tmp_path / "film.csv").read_text(encoding="utf-8"))) == 8
        with page.expect_download() as download:
            page.locator("#many\\.video a[download]").click()
        download.value.save_as(tmp_path / "with-boxes.mp4")
        with av.open(str(tmp_path / "with-boxes.mp4")) as container:
            assert container.streams.video[0].codec_context.name == "h264"
            assert len(list(container.decode(video=0))) == 8
        page.get_by_label("Español").click()
        page.wait_for_selector(".fer-timeline >> text=La cara principal")
