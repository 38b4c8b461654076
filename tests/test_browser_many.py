"""Many photos in a real Chromium, and their API through the real client."""

import os
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from browsing import needs_chromium, open_page
from photos import load_portrait, make_no_face, make_two_faces, portrait_as_png, portrait_path
from test_archives import write_zip
from test_tables import read_csv

from fer_models.configuration_fer import FER_CNN_ARCHITECTURES
from fer_models.demo.ui import MAX_UPLOAD_MB

FILES_INPUT = "#many\\.files input[type=file]"


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    load_portrait().save(tmp_path / "niña.png")
    make_two_faces().save(tmp_path / "two.png")
    make_no_face().save(tmp_path / "sky.png")
    (tmp_path / "broken.jpg").write_bytes(portrait_as_png()[:5000])
    write_zip(tmp_path / "album.zip", {"summer/a.png": portrait_as_png(), "__MACOSX/._a.png": b"x", "notes.txt": b"x"})
    return [str(tmp_path / name) for name in ("niña.png", "two.png", "sky.png", "broken.jpg", "album.zip")]


def write_album(folder: Path, num_photos: int) -> str:
    """A zip that keeps the models busy for a while."""
    make_two_faces().resize((550, 300)).save(folder / "two.jpg")
    photo = (folder / "two.jpg").read_bytes()
    entries = {f"{index}.jpg": photo for index in range(num_photos)}
    return str(write_zip(folder / "album.zip", entries, zipfile.ZIP_STORED))


def open_many(page: Any, files: list[str]) -> None:
    page.locator("button[role=tab]", has_text=re.compile("^(Many|Varias fotos)$")).click()
    if files:
        page.set_input_files(FILES_INPUT, files)
        page.wait_for_selector("#many\\.files .file-preview")


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("width", [1440, 390], ids=["wide", "phone"])
def test_photos_and_a_zip_become_a_table_and_a_csv(app_url: str, photos: list[str], width: int, tmp_path: Path) -> None:
    with open_page(app_url, viewport={"width": width, "height": 844}) as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        open_many(page, photos)
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-download")
        rows = page.locator(".fer-faces tbody tr")
        assert rows.count() == 7
        assert page.locator(".fer-faces img").count() == 4
        assert "No face was found" in rows.nth(3).inner_text()
        assert "damaged" in rows.nth(4).inner_text()
        assert "album.zip/summer/a.png" in rows.nth(5).inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert all(url.startswith((app_url, "data:", "blob:")) for url in requested)
        # As a table it is read out too, also where it is laid out as cards.
        assert page.get_by_role("table").get_by_role("columnheader").count() == 3 + 4
        page.get_by_label("Most disputed first").check()
        splits = page.locator(".fer-faces tbody tr").evaluate_all("rows => rows.map(row => Number(row.dataset.split))")
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


@pytest.mark.browser
@needs_chromium
def test_files_that_are_too_large_together_are_refused_before_they_travel(app_url: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.zip" for number in range(MAX_UPLOAD_MB // 95 + 1)]
    for path in paths:
        path.touch()
        os.truncate(path, 95 * 1024**2)  # takes no room on the disk
    with open_page(app_url) as page:
        uploads: list[str] = []
        page.on("request", lambda request: uploads.append(request.url) if "/upload" in request.url else None)
        open_many(page, [])
        page.set_input_files(FILES_INPUT, [str(path) for path in paths])
        page.wait_for_selector("#many >> text=Together these files are larger than 2000 MB")
        assert uploads == []


@pytest.mark.browser
@needs_chromium
def test_cancel_ends_a_job_and_keeps_what_was_done(app_url: str, tmp_path: Path) -> None:
    with open_page(app_url) as page:
        open_many(page, [write_album(tmp_path, 400)])
        assert page.locator("#many\\.cancel").is_disabled()
        page.locator("#many\\.start").click()
        page.wait_for_selector("#many\\.progress progress")
        page.wait_for_selector("#many\\.progress >> text=left")
        page.locator("#many\\.cancel").click()
        page.wait_for_selector("#many\\.progress >> text=Cancelled")
        page.wait_for_selector(".fer-download")
        assert 0 < page.locator(".fer-faces tbody tr").count() < 400
        # The place is free for the next job.
        open_many(page, [])
        page.locator("#many\\.files").get_by_label("Remove all files").click()
        page.wait_for_selector("#many\\.start[disabled]")
        page.set_input_files(FILES_INPUT, str(tmp_path / "two.jpg"))
        page.wait_for_selector("#many\\.files .file-preview")
        page.locator("#many\\.start").click()
        page.wait_for_function("document.querySelectorAll('.fer-faces tbody tr').length == 2")


@pytest.mark.browser
@needs_chromium
def test_a_full_queue_gives_the_buttons_back(app_url: str, tmp_path: Path) -> None:
    """They stayed as they were, under a sentence that asks to try again: after an error gradio goes on with nothing."""
    full = {"detail": {"error": "Queue is full. Max size is 64 and size is 64."}}
    with open_page(app_url) as page:
        open_many(page, [write_album(tmp_path, 2)])
        page.route("**/queue/join*", lambda route: route.fulfill(status=503, json=full))
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-problem >> text=Too many people are using this page")
        page.wait_for_selector("#many\\.start:not([disabled])")
        assert page.locator("#many\\.cancel").is_disabled()
        assert "Waiting" not in page.inner_text("#many\\.progress")
        page.unroute("**/queue/join*")
        page.locator("#many\\.start").click()
        page.wait_for_function("document.querySelectorAll('.fer-faces tbody tr').length == 4")


@pytest.mark.browser
@needs_chromium
def test_trouble_of_a_job_stands_in_its_tab_whichever_is_open_by_then(app_url: str, photos: list[str]) -> None:
    held: list[Any] = []
    with open_page(app_url) as page:
        open_many(page, photos)
        page.route("**/queue/join*", lambda route: held.append(route))
        page.locator("#many\\.start").click()
        page.get_by_role("tab", name="Live").click()
        page.wait_for_timeout(500)
        held[0].abort()
        page.wait_for_selector(".fer-problem", state="attached")
        assert not page.locator(".fer-problem").is_visible()
        page.get_by_role("tab", name="Many").click()
        assert page.locator(".fer-problem").is_visible()


@pytest.mark.browser
@needs_chromium
def test_the_tab_says_what_to_do_and_speaks_both_languages(app_url: str, photos: list[str]) -> None:
    with open_page(app_url, locale="es-ES") as page:
        open_many(page, [])
        page.wait_for_selector("#many\\.intro >> text=Elige fotos")
        assert page.locator("#many\\.start").is_disabled(), "there is nothing to start"
        hint, files = (page.locator(part).bounding_box() for part in ("#many\\.intro", "#many\\.files"))
        assert hint["y"] < files["y"], "what to do comes first"
        open_many(page, photos[:3])
        assert page.get_by_role("button", name="Quitar este archivo").count() == 3
        before = page.locator("#many\\.start").bounding_box()
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-faces >> text=No se ha encontrado ninguna cara")
        page.wait_for_selector("text=Guardar como CSV")
        assert page.locator("#many\\.start").bounding_box() == before, "what to do stays where it is"
        page.get_by_label("English").click()
        page.wait_for_selector(".fer-faces >> text=No face was found")
        page.get_by_role("button", name="Remove this file").last.wait_for()
        page.wait_for_selector("text=Save as CSV")


@pytest.mark.browser
@needs_chromium
def test_a_long_job_does_not_keep_others_from_comparing(app_url: str, tmp_path: Path) -> None:
    from gradio_client import Client, handle_file

    with open_page(app_url) as page:
        open_many(page, [write_album(tmp_path, 400)])
        page.locator("#many\\.start").click()
        page.wait_for_selector("#many\\.progress progress")
        answer = Client(app_url, verbose=False).predict(handle_file(str(portrait_path())), api_name="/compare")
        assert answer["favourite"]
        assert page.locator("#many\\.progress progress").count() == 1
    # The page is closed in the middle of its job, which then ends; otherwise the next would wait for all of it.
    start = time.monotonic()
    rows = Client(app_url, verbose=False).predict([handle_file(str(tmp_path / "two.jpg"))], api_name="/batch")
    assert len(rows) == 2
    assert time.monotonic() - start < 20


def test_programs_get_the_rows_as_json(app_url: str, photos: list[str]) -> None:
    from gradio_client import Client, handle_file

    client = Client(app_url, verbose=False)
    rows = client.predict([handle_file(photo) for photo in photos], api_name="/batch")
    assert [(row["file"], row["face_index"], row["error"]) for row in rows] == [
        ("niña.png", 0, None),
        ("two.png", 0, None),
        ("two.png", 1, None),
        ("sky.png", None, "no_face"),
        ("broken.jpg", None, "unreadable"),
        ("album.zip/summer/a.png", 0, None),
        ("album.zip/notes.txt", None, "not_an_image"),
    ]
    assert [model["model"] for model in rows[0]["models"]] == list(FER_CNN_ARCHITECTURES)
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/batch"]
    assert "Find every face" in described["description"]
