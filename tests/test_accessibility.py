"""No tab has barriers that axe finds, at rest and at work, on a light screen and on a dark phone."""

from pathlib import Path

import pytest
from browsing import find_violations, needs_chromium, open_page
from photos import load_portrait, make_no_face, make_two_faces
from videos import write_video

from training.benchmarks.live import write_camera_film


@pytest.mark.browser
@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize(
    ("theme", "width", "height", "locale"),
    [("light", 1440, 900, "en-US"), ("dark", 390, 844, "es-ES")],
    ids=["light", "dark phone"],
)
def test_no_tab_has_barriers(app_url: str, tmp_path: Path, theme: str, width: int, height: int, locale: str) -> None:
    make_two_faces().save(tmp_path / "two.png")
    make_no_face().save(tmp_path / "sky.png")
    (tmp_path / "text.png").write_text("no picture")
    write_camera_film(tmp_path / "camera.y4m", load_portrait())
    camera = (
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
    )
    options = {"viewport": {"width": width, "height": height}, "locale": locale, "permissions": ["camera"]}
    with open_page(f"{app_url}/?__theme={theme}", *camera, **options) as page:

        def open_tab(name: str, selector: str) -> None:
            page.goto(f"{app_url}/?__theme={theme}&tab={name}")
            page.wait_for_selector(selector)
            page.wait_for_timeout(1500)  # what a tab brings along, such as its code, comes after it

        page.wait_for_timeout(1500)  # the language comes after the page
        assert find_violations(page) == []
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector("#photo\\.faces input")
        for fold in ("why", "break", "numbers", "share"):
            page.locator(f"#{fold} > button").click()
        page.wait_for_selector(".fer-why img")
        page.wait_for_selector(".fer-step img")
        page.wait_for_selector("#share .cm-content >> text=gradio_client")
        assert find_violations(page) == []
        page.locator(".fer-guess input").check()
        page.locator('[data-face="1"] .fer-box').click()
        page.wait_for_selector(".fer-guessing")
        assert find_violations(page) == []
        page.locator("[data-guess=sad]").click()
        page.locator(".fer-guess input").uncheck()
        page.set_input_files("input[type=file]", str(tmp_path / "sky.png"))
        page.wait_for_selector("[data-do=whole]")
        assert find_violations(page) == []
        page.set_input_files("input[type=file]", str(tmp_path / "text.png"))
        page.wait_for_selector(".fer-message-error")
        assert find_violations(page) == []

        open_tab("live", ".fer-live button")
        assert find_violations(page) == []
        page.click(".fer-live-start")
        page.wait_for_selector(".fer-live-followed")
        assert find_violations(page) == []
        page.click(".fer-live-start")
        page.wait_for_selector(".fer-live[data-state=idle] .fer-live-answers[data-answered]")
        assert find_violations(page) == []

        open_tab("many", "#many\\.start")
        assert find_violations(page) == []
        files = [str(tmp_path / name) for name in ("two.png", "sky.png")]
        page.set_input_files("#many\\.files input[type=file]", files)
        page.wait_for_selector("#many\\.files .file-preview")
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-faces")
        assert find_violations(page) == []

        open_tab("many", "#many\\.start")
        page.set_input_files("#many\\.files input[type=file]", str(write_video(tmp_path / "film.mp4", 20)))
        page.wait_for_selector("#many\\.files .file-preview")
        page.locator("#many\\.start").click()
        page.wait_for_function("document.querySelector('#many\\\\.video video')?.readyState >= 2")
        assert page.locator(".fer-timeline svg").count() == 7
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        for name, selector in (("models", ".fer-overview"), ("code", ".cm-content")):
            open_tab(name, selector)
            for fold in page.locator("#models button.label-wrap:visible").all():
                fold.click()
            assert find_violations(page) == []
