"""No tab has barriers that axe finds, with all that it can show, on a light screen and on a dark phone."""

from pathlib import Path

import pytest
from browsing import BROWSER, FILES_INPUT, PHOTO_INPUT, find_violations, needs_chromium, open_page
from photos import load_portrait
from videos import write_video

# What may be found on a dark phone alone, where the page has the same elements.
OF_COLOUR_AND_SIZE = ("color-contrast", "target-size", "scrollable-region-focusable")


@pytest.mark.slow
@needs_chromium
def test_no_tab_has_barriers(app_url: str, samples: Path, tmp_path: Path) -> None:
    BROWSER.show_to_camera(load_portrait())
    with open_page(f"{app_url}/?__theme=dark", locale="es-ES", permissions=["camera"]) as page:

        def check(ready: str, on_phone: bool = True) -> None:
            page.wait_for_selector(ready)
            for is_dark, (width, height) in ((False, (1440, 900)), (True, (390, 844)))[: 1 + on_phone]:
                page.set_viewport_size({"width": width, "height": height})
                page.evaluate("(isDark) => document.body.classList.toggle('dark', isDark)", is_dark)
                assert find_violations(page, OF_COLOUR_AND_SIZE if is_dark else ()) == [], (ready, width)

        def open_tab(name: str) -> None:
            page.locator(f"[role=tab][data-tab-id={name}]").click()

        page.wait_for_selector("html.fer-ready[lang=es]")
        # Nothing is chosen yet: on the phone, more of each tab is looked at later.
        check("[data-example]", on_phone=False)
        for name, ready in (("live", ".fer-live button"), ("many", "#many\\.start")):
            open_tab(name)
            check(ready, on_phone=False)
        open_tab("compare")
        page.set_input_files(PHOTO_INPUT, str(samples / "two.png"))
        page.wait_for_selector("#photo\\.faces input")
        for fold in ("why", "break", "numbers", "share"):
            page.locator(f"#{fold} > button").click()
        page.wait_for_selector(".fer-why img")
        page.wait_for_selector(".fer-step img")
        check("#share .cm-content >> text=gradio_client")
        page.locator(".fer-guess input").check()
        page.locator('[data-face="1"] .fer-box').click()
        check(".fer-guessing")
        page.locator("[data-guess=sad]").click()
        page.locator(".fer-guess input").uncheck()
        page.set_input_files(PHOTO_INPUT, str(samples / "sky.png"))
        check("[data-do=whole]")
        page.set_input_files(PHOTO_INPUT, str(samples / "text.png"))
        check(".fer-message-error")

        open_tab("live")
        page.click(".fer-live-start")
        check(".fer-live-followed")
        page.click(".fer-live-start")
        check(".fer-live[data-state=idle] .fer-live-answers[data-answered]")

        photos = [str(samples / name) for name in ("two.png", "sky.png")]
        film = [str(write_video(tmp_path / "film.mp4", 5))]
        for files, done in ((photos, ".fer-faces"), (film, ".fer-timeline svg")):
            if page.url.endswith("tab=many"):
                page.reload()  # without the files
                page.wait_for_selector("html.fer-ready[lang=es]")
            else:
                open_tab("many")
            page.set_input_files(FILES_INPUT, files)
            page.wait_for_selector("#many\\.files .file-preview")
            page.locator("#many\\.start").click()
            check(done)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

        for name, ready in (("code", ".cm-content"), ("models", ".fer-overview")):
            open_tab(name)
            page.wait_for_selector(ready)
            for fold in page.locator("#models button.label-wrap:visible").all():
                fold.click()
            check(ready)
