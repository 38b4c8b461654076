"""What holds everywhere: answers on the first screen, no jumps, and a keyboard, large letters, drop and paste."""

import base64
from pathlib import Path
from typing import Any

import pytest
from browsing import needs_chromium, open_page
from photos import make_two_faces, portrait_as_png
from PIL import ImageFilter

pytestmark = [pytest.mark.browser, needs_chromium]

ANSWERED = ".fer-card[data-winner]:not([data-winner=''])"
# Sums up how far things moved, as browsers measure it: 0.1 and less is what Web Vitals call good.
WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MAX_SHIFT, MAX_SHIFT_OF_AN_ANSWER = 0.1, 0.02
# A file as the browser hands it over when somebody drops or pastes it.
MAKE_TRANSFER = """async (photo) => {
    const blob = await (await fetch("data:image/png;base64," + photo)).blob();
    const transfer = new DataTransfer();
    transfer.items.add(new File([blob], "photo.png", { type: "image/png" }));
    return transfer;
}"""


@pytest.fixture
def two_faces(tmp_path: Path) -> str:
    make_two_faces().save(tmp_path / "two.png")
    return str(tmp_path / "two.png")


@pytest.fixture
def bad_faces(tmp_path: Path) -> str:
    """Two that are dark and blurred, so that there is more to say of them."""
    image = make_two_faces().resize((300, 164)).point(lambda value: value // 9)
    image.filter(ImageFilter.GaussianBlur(1.5)).save(tmp_path / "bad.png")
    return str(tmp_path / "bad.png")


@pytest.mark.parametrize(
    ("width", "height", "locale", "whole", "count"),
    [
        (1440, 900, "es-ES", ".fer-card", 4),
        (1366, 768, "es-ES", ".fer-card dl", 4),
        (1280, 720, "en-US", ".fer-card dl", 4),
        (1366, 640, "en-US", ".fer-winner", 4),
        (390, 844, "es-ES", ".fer-verdict", 1),
        (390, 664, "es-ES", ".fer-verdict", 1),
        (683, 384, "en-US", ".fer-verdict", 1),
    ],
    ids=["desk", "laptop", "projector", "laptop less the browser's bars", "phone", "phone less its bars", "200 %"],
)
def test_nothing_jumps_and_the_first_screen_holds_the_answers_or_a_phones_the_verdict(
    app_url: str, bad_faces: str, width: int, height: int, locale: str, whole: str, count: int
) -> None:
    with open_page(app_url, viewport={"width": width, "height": height}, locale=locale) as page:
        page.wait_for_selector(f"html.fer-ready[lang={locale[:2]}]")
        page.wait_for_timeout(500)
        # Browsers forgive what moves within half a second of a click; a slower machine's answer comes later.
        page.evaluate(WATCH_SHIFTS.replace(", buffered: true", "").replace("if (!entry.hadRecentInput) ", ""))
        page.set_input_files("input[type=file]", bad_faces)
        page.wait_for_selector(ANSWERED)
        page.wait_for_selector("#photo\\.faces input")
        assert page.locator(".fer-hints b:not(:empty)").count() == 1
        bottoms = [box["y"] + box["height"] for part in page.locator(whole).all() if (box := part.bounding_box())]
        assert len(bottoms) == count
        page.wait_for_timeout(500)
        bottoms = [box["y"] + box["height"] for part in page.locator(whole).all() if (box := part.bounding_box())]
        assert max(bottoms) <= height + 1
        assert page.locator(".fer-verdict").bounding_box()["y"] >= 0
        assert page.evaluate("window.shifts") <= MAX_SHIFT_OF_AN_ANSWER
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if height == 844:
            end = page.locator(".fer-cards").evaluate("cards => cards.getBoundingClientRect().bottom + scrollY")
            assert end <= 2 * height, "a phone's whole answer takes two screens"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_no_other_tab_jumps_when_it_is_opened_or_at_work(app_url: str, two_faces: str, width: int, height: int) -> None:
    with open_page(app_url, viewport={"width": width, "height": height}, locale="es-ES") as page:
        for tab in ("live", "models", "code", "many"):
            page.goto(f"{app_url}/?tab={tab}")
            page.wait_for_selector("html.fer-ready")
            page.wait_for_timeout(1000)
            page.evaluate(WATCH_SHIFTS)
            page.wait_for_timeout(200)
            assert page.evaluate("window.shifts") <= MAX_SHIFT, tab
        page.set_input_files("#many\\.files input[type=file]", two_faces)
        page.wait_for_selector("#many\\.files .file-preview")
        page.locator("#many\\.start").click()
        page.wait_for_selector(".fer-faces")
        page.wait_for_timeout(500)
        assert page.evaluate("window.shifts") <= MAX_SHIFT


@pytest.mark.parametrize("locale", ["en-US", "es-ES"])
def test_on_a_wide_screen_four_answers_stand_beside_each_other(app_url: str, two_faces: str, locale: str) -> None:
    with open_page(app_url, viewport={"width": 1440, "height": 700}, locale=locale) as page:
        page.set_input_files("input[type=file]", two_faces)
        page.wait_for_selector(ANSWERED)
        page.wait_for_selector("#photo\\.faces input")
        for width in (900, 1000, 1440):
            page.set_viewport_size({"width": width, "height": 700})
            boxes = [card.bounding_box() for card in page.locator(".fer-card").all()]
            assert len({box["y"] for box in boxes}) == 1
            assert [box["x"] for box in boxes] == sorted({box["x"] for box in boxes})
            assert max(box["x"] + box["width"] for box in boxes) < width


def test_letters_of_twice_the_size_need_no_sideways_scrolling(app_url: str, two_faces: str) -> None:
    """A zoom of 200 % halves the screen of 1440x900 that the page is laid out for."""
    with open_page(app_url, viewport={"width": 720, "height": 450}, device_scale_factor=2) as page:
        page.set_input_files("input[type=file]", two_faces)
        page.wait_for_selector(ANSWERED)
        for tab in page.locator("[role=tab]").all():
            tab.click()
            page.wait_for_timeout(300)
            assert page.evaluate("document.documentElement.scrollWidth") <= 720, tab.inner_text()


def test_a_photo_is_dropped_on_another_one_and_pasted_by_its_shortcut(app_url: str, two_faces: str) -> None:
    portrait = base64.b64encode(portrait_as_png()).decode()
    with open_page(app_url, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.evaluate(
            """async (photo) => {
                const blob = await (await fetch("data:image/png;base64," + photo)).blob();
                await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
            }""",
            portrait,
        )
        page.keyboard.press("Control+V")  # on the empty page
        page.wait_for_selector(ANSWERED)
        page.set_input_files("input[type=file]", two_faces)
        page.wait_for_selector('[data-face="1"]')
        page.keyboard.press("Control+V")
        page.wait_for_selector('[data-face="1"]', state="detached")
        page.wait_for_selector(ANSWERED)
        page.set_input_files("input[type=file]", two_faces)
        page.wait_for_selector('[data-face="1"]')
        transfer = page.evaluate_handle(MAKE_TRANSFER, portrait)
        page.dispatch_event("[data-face] .fer-box >> nth=0", "drop", {"dataTransfer": transfer})
        page.wait_for_selector('[data-face="1"]', state="detached")
        page.wait_for_selector(ANSWERED)


def go_to(page: Any, selector: str) -> None:
    """Press Tab until an element has the focus, which must be seen there."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    else:
        pytest.fail(f"Tab does not reach {selector}")
    assert page.evaluate(
        """() => [document.activeElement, document.activeElement.closest("label, fieldset")].some((element) => {
            const style = element && getComputedStyle(element);
            return style && (style.outlineStyle !== "none" || style.boxShadow !== "none");
        })"""
    ), f"no one sees that {selector} has the focus"


def test_the_keyboard_leads_from_the_photo_to_another_tab(app_url: str, two_faces: str) -> None:
    with open_page(app_url) as page:
        go_to(page, "#header\\.language input")
        go_to(page, "[role=tab]")
        with page.expect_file_chooser() as chooser:
            go_to(page, "[data-do=choose]")
            page.keyboard.press("Enter")
        chooser.value.set_files(two_faces)
        page.wait_for_selector(".fer-notes >> text=Face 1 of 2")
        go_to(page, "#photo\\.faces input")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(".fer-notes >> text=Face 2 of 2")
        go_to(page, "#why > button")
        page.keyboard.press("Enter")
        page.wait_for_selector(".fer-why img")
        with page.expect_download():
            go_to(page, "#save\\.json")
            page.keyboard.press("Enter")
        page.locator("#header\\.language input").first.focus()
        go_to(page, "[role=tab]:nth-child(3)")
        page.keyboard.press("Enter")
        page.wait_for_selector("[role=tab][aria-selected=true]:nth-child(3)")


def test_the_keyboard_adds_files_to_those_that_are_there(app_url: str, two_faces: str) -> None:
    with open_page(f"{app_url}/?tab=many") as page:
        page.set_input_files("#many\\.files input[type=file]", two_faces)
        page.wait_for_selector("#many\\.files .file-preview")
        with page.expect_file_chooser():
            go_to(page, "#many\\.files button[aria-dropeffect]")
            page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en-US", ("times in 10", "emotion recognition", "reads no minds", "at work", "at school", "consent")),
        ("es-ES", ("de cada 10", "reconocimiento de emociones", "no lee la mente", "trabajo", "escuela", "consentim")),
    ],
)
def test_the_first_visit_says_what_this_is_and_is_not_for(app_url: str, locale: str, words: tuple[str, ...]) -> None:
    with open_page(app_url, locale=locale, viewport={"width": 390, "height": 844}) as page:
        notice = page.locator("#notice\\.view .fer-notice summary")
        notice.filter(has_text=words[0]).wait_for()
        box = notice.bounding_box()
        assert box["y"] + box["height"] < 844, "without scrolling"
        assert box["height"] < 30, "in one line"
        notice.click()
        assert [word for word in words if word not in page.inner_text(".fer-notice")] == []
