"""What holds everywhere: answers on the first screen, no jumps, large letters, drop and paste; then Models."""

import base64
from pathlib import Path
from typing import Any

import pytest
from browsing import ANSWERED, FILES_INPUT, PHOTO_INPUT, drop, needs_chromium, open_page
from photos import make_two_faces, portrait_as_png
from PIL import ImageFilter

from fer_models.demo.components.models import describe_model
from fer_models.demo.locales import translate
from fer_models.results import read_checkpoints

pytestmark = needs_chromium

# Sums up how far things moved, as browsers measure it: 0.1 and less is what Web Vitals call good.
WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MAX_SHIFT, MAX_SHIFT_OF_AN_ANSWER = 0.1, 0.02
# Of each screen: its size, and what of the answer is whole on it, and how many of that.
SCREENS = {
    "desk": (1440, 900, ".fer-card", 4),
    "laptop less the browser's bars": (1366, 640, ".fer-winner", 4),
    "phone less its bars": (390, 664, ".fer-verdict", 1),
    "200 %": (683, 384, ".fer-verdict", 1),
}


def wait_until_nothing_moves(page: Any) -> None:
    for _ in range(20):
        page.evaluate("window.shifts = 0")
        page.wait_for_timeout(300)
        if page.evaluate("window.shifts") == 0:
            return
    pytest.fail("the page never stands still")


def test_on_every_screen_nothing_jumps_and_the_first_one_holds_the_answers_or_a_phones_the_verdict(
    app_url: str, tmp_path: Path
) -> None:
    image = make_two_faces().resize((300, 164)).point(lambda value: value // 9)  # there is more to say of bad ones
    image.filter(ImageFilter.GaussianBlur(1.5)).save(tmp_path / "bad.png")
    with open_page(app_url, locale="es-ES") as page:
        page.wait_for_selector("html.fer-ready[lang=es]")
        # Browsers forgive what moves within half a second of a click; a slower machine's answer comes later.
        page.evaluate(WATCH_SHIFTS.replace(", buffered: true", "").replace("if (!entry.hadRecentInput) ", ""))
        for screen, (width, height, whole, count) in SCREENS.items():
            page.set_viewport_size({"width": width, "height": height})
            for remove in page.locator("[data-do=remove]:visible").all():  # the photo of the screen before
                remove.click()
                page.wait_for_selector(ANSWERED, state="detached")
            page.evaluate("scrollTo(0, 0)")
            wait_until_nothing_moves(page)
            page.set_input_files(PHOTO_INPUT, str(tmp_path / "bad.png"))
            page.wait_for_selector(ANSWERED)
            page.wait_for_selector("#photo\\.faces input", state="attached")
            page.wait_for_timeout(300)
            assert page.locator(".fer-hints b:not(:empty)").count() == 1
            bottoms = [box["y"] + box["height"] for part in page.locator(whole).all() if (box := part.bounding_box())]
            assert len(bottoms) == count, screen
            assert max(bottoms) <= height + 1, screen
            assert page.locator(".fer-verdict").bounding_box()["y"] >= 0, screen
            assert page.evaluate("window.shifts") <= MAX_SHIFT_OF_AN_ANSWER, screen
            assert page.evaluate("document.documentElement.scrollWidth") <= width, screen
            if width == 390:
                end = page.locator(".fer-cards").evaluate("cards => cards.getBoundingClientRect().bottom + scrollY")
                assert end <= 2 * 844, "a phone's whole answer takes two screens"
        for width in (900, 1000, 1440):
            page.set_viewport_size({"width": width, "height": 700})
            boxes = [card.bounding_box() for card in page.locator(".fer-card").all()]
            assert len({box["y"] for box in boxes}) == 1, "they stand beside each other"
            assert [box["x"] for box in boxes] == sorted({box["x"] for box in boxes})
            assert max(box["x"] + box["width"] for box in boxes) < width
        page.set_viewport_size({"width": 720, "height": 450})  # letters of twice the size, on a screen of 1440x900
        for tab in page.locator("[role=tab]").all():
            tab.click()
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= 720, tab.inner_text()


def test_no_other_tab_jumps_when_it_is_opened_or_at_work(app_url: str, samples: Path) -> None:
    with open_page(app_url, size=(390, 844), locale="es-ES") as page:
        for tab in ("live", "models", "code", "many"):
            page.goto(f"{app_url}/?tab={tab}")
            page.wait_for_selector("html.fer-ready")
            page.wait_for_timeout(700)
            page.evaluate(WATCH_SHIFTS)
            page.wait_for_timeout(100)
            assert page.evaluate("window.shifts") <= MAX_SHIFT, tab
        page.set_input_files(FILES_INPUT, str(samples / "two.png"))
        page.wait_for_selector("#many\\.files .file-preview")
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-faces")
        page.wait_for_timeout(300)
        assert page.evaluate("window.shifts") <= MAX_SHIFT


def test_a_photo_is_dropped_on_another_one_and_pasted_by_its_shortcut(app_url: str, samples: Path) -> None:
    with open_page(app_url, permissions=["clipboard-read", "clipboard-write"]) as page:

        def choose_two() -> None:
            page.set_input_files(PHOTO_INPUT, str(samples / "two.png"))
            page.wait_for_selector('[data-face="1"]')

        def wait_for_portrait() -> None:
            page.wait_for_selector('[data-face="1"]', state="detached")
            page.wait_for_selector(ANSWERED)

        page.evaluate(
            """async (photo) => {
                const blob = await (await fetch("data:image/png;base64," + photo)).blob();
                await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
            }""",
            base64.b64encode(portrait_as_png()).decode(),
        )
        page.keyboard.press("Control+V")  # on the empty page
        page.wait_for_selector(ANSWERED)
        choose_two()
        page.keyboard.press("Control+V")
        wait_for_portrait()
        choose_two()
        drop(page, "[data-face] .fer-box >> nth=0", "photo.png", "image/png", portrait_as_png())
        wait_for_portrait()


def test_every_model_can_be_looked_at_in_both_languages_on_every_screen(app_url: str) -> None:
    bundled = read_checkpoints()
    first, other = bundled[:2]
    with open_page(f"{app_url}/?tab=models", size=(390, 844)) as page:
        page.wait_for_selector(".fer-overview")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            box = page.locator(".fer-overview").bounding_box()
            assert box["y"] + box["height"] <= 844, "the answer is on the first screen"
        for fold in page.locator("#models button.label-wrap").all():
            fold.click()
        assert page.locator(".fer-model").get_attribute("data-model") == first.key
        page.locator("#models\\.choice input").click()
        assert page.get_by_role("option").count() == len(bundled)
        page.get_by_role("option", name=describe_model(other, "en"), exact=True).click()
        page.wait_for_selector(f".fer-model[data-model='{other.key}']")
        page.get_by_label("Español").check()
        page.wait_for_selector(f".fer-model:has-text('{translate('es', 'models.confusion.title')}')")
        assert page.locator(".fer-model").get_attribute("data-model") == other.key
        # Wide tables scroll inside themselves, the page does not, and all of them can be reached by keyboard.
        tables = page.locator("#models .fer-scroll")
        assert [table for table in tables.all() if table.get_attribute("tabindex") != "0"] == []
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            hidden = tables.evaluate_all("tables => tables.map(table => table.scrollWidth - table.clientWidth)")
            assert any(pixels > 0 for pixels in hidden) == (width == 390)
