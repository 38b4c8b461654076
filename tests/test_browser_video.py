"""A video in a real Chromium: from the upload to what can be taken away."""

import re
from pathlib import Path
from typing import Any

import av
import pytest
from browsing import needs_chromium, open_page
from test_tables import read_csv
from videos import write_video

FILES_INPUT = "#many\\.files input[type=file]"


def start(page: Any, path: Path) -> None:
    page.set_input_files(FILES_INPUT, str(path))
    page.wait_for_selector(f"#many\\.files .file-preview >> text={path.stem}")
    page.locator("#many\\.start").click()


@pytest.mark.browser
@needs_chromium
def test_a_video_is_watched_taken_away_and_another_one_cancelled(app_url: str, tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", 20)
    long = write_video(tmp_path / "long.mp4", 300, frames_per_second=1)
    with open_page(app_url) as page:
        page.locator("button[role=tab]", has_text=re.compile("^Many$")).click()
        assert not page.locator("#many\\.rate").is_visible()
        start(page, film)
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

        page.locator("#many\\.files").get_by_label("Remove all files").click()
        start(page, long)
        page.wait_for_selector("#many\\.progress >> text=left")
        assert "of 5:00 of the video" in page.locator("#many\\.progress").inner_text()
        page.locator("#many\\.cancel").click()
        page.wait_for_selector("#many\\.progress >> text=Cancelled")
        page.wait_for_selector(".fer-download")
        assert page.locator("#many\\.video video").count() == 0
        assert page.locator("#many\\.start").is_enabled()

        page.get_by_label("Español").click()
        page.wait_for_selector(".fer-timeline >> text=La cara principal")
