"""The page's rules, each on a wide screen in English, and on a phone in Spanish."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browsing import needs_chromium, open_page
from photos import load_portrait, make_two_faces, portrait_path
from PIL import Image

from fer_models.demo.locales import LOCALES, translate

pytestmark = [pytest.mark.browser, needs_chromium]

SCREENS = {"wide": (1440, 900), "phone": (390, 844)}
ANSWERED = ".fer-card[data-winner]:not([data-winner=''])"
ALERTS = "[role=alert]:visible"
# What can be pressed, or its label where it stands in one, unless it is as tall as the line of text that it is part of.
FIND_SMALL_TARGETS = """() => {
    const small = [];
    const controls = document.querySelectorAll("button, input, select, textarea, summary, a[href], [role=tab]");
    for (const control of controls) {
        const target = control.closest("label, .wrap:has([role=combobox])") ?? control;
        const { width, height } = target.getBoundingClientRect();
        if (!control.checkVisibility({ visibilityProperty: true, opacityProperty: false }) || !width) continue;
        const isInText = target.parentElement.innerText !== target.innerText;
        if (isInText && getComputedStyle(target).display === "inline") continue;
        if (width < 24 || height < 24) small.push(`${target.outerHTML.slice(0, 120)} ${width}x${height}`);
    }
    return small;
}"""
# Of the controls that the keyboard should reach, those that have never had the focus; of radio buttons one is enough.
FIND_UNREACHED = """() => {
    const controls = document.querySelectorAll("button, input, select, textarea, summary, a[href], [tabindex='0']");
    const reached = document.querySelectorAll("[data-reached]");
    const groups = [...reached].filter(({ type }) => type === "radio").map(({ name }) => name);
    return [...controls].filter((control) => {
        const isUsed = !control.disabled && control.tabIndex >= 0;
        const isSeen = control.checkVisibility({ visibilityProperty: true, opacityProperty: false });
        return isUsed && isSeen && !("reached" in control.dataset) && !groups.includes(control.name);
    }).map((control) => control.outerHTML.slice(0, 120));
}"""
READ_HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility({ visibilityProperty: true }))
    .map((heading) => Number(heading.localName[1]))"""
# In a snapshot of the accessibility tree: a control that has a role, and no name in quotes after it.
NAMELESS = re.compile(
    r"^\s*- (?:button|checkbox|radio|combobox|textbox|tab|slider|spinbutton|link)\b(?! \")", re.MULTILINE
)


@pytest.fixture(
    scope="module",
    params=[("wide", "en"), ("phone", "es")],
    ids=lambda param: "-".join(param),
)
def page(app_url: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    screen, language = request.param
    width, height = SCREENS[screen]
    with open_page(app_url, viewport={"width": width, "height": height}, locale=language) as page:
        page.language, page.start = language, f"{app_url}/?lang={language}"
        yield page


@pytest.fixture(autouse=True)
def start(page: Any) -> None:
    page.goto(page.start)
    page.wait_for_selector(f"html.fer-ready[lang={page.language}]")
    page.wait_for_selector(".fer-card", state="attached")


@pytest.fixture
def two_faces(tmp_path: Path) -> str:
    make_two_faces().save(tmp_path / "two.png")
    return str(tmp_path / "two.png")


def choose(page: Any, path: str | Path) -> None:
    page.set_input_files("#photo input[type=file]", str(path))


def test_there_is_one_message_the_latest(page: Any, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for _ in range(2):
        choose(page, tmp_path / "text.png")
        page.wait_for_selector(".fer-message-error")
        page.wait_for_timeout(700)
        assert page.locator(ALERTS).count() == 1
    assert page.inner_text(ALERTS).startswith("text.png: "), "which file"
    page.locator("[data-do=take]").click()  # there is no camera
    page.wait_for_selector(".fer-problem")
    assert page.locator(ALERTS).count() == 1
    choose(page, tmp_path / "text.png")
    page.wait_for_selector(".fer-problem", state="detached")
    assert page.locator(ALERTS).count() == 1
    page.locator("[data-example]").first.click()
    page.wait_for_selector(ANSWERED)
    assert page.locator(ALERTS).count() == 0
    page.context.set_offline(True)
    for _ in range(2):
        page.locator("[data-example]").last.click()
        page.wait_for_timeout(700)
        assert page.locator(ALERTS).count() == 1, "each try without a network is told"
    page.context.set_offline(False)


def test_you_first_below_an_answer_begins_with_the_next_face(page: Any, two_faces: str) -> None:
    choose(page, two_faces)
    page.wait_for_selector(ANSWERED)
    page.locator(".fer-guess input").check()
    assert page.inner_text(".fer-guess [role=status]") == translate(page.language, "guess.next")
    page.locator('[data-face="1"] .fer-box').click()
    page.wait_for_selector(".fer-guessing")
    page.locator("[data-guess=sad]").click()
    said = page.locator(".fer-guess [role=status]")
    said.filter(has_text=re.compile("0 (of|de) 4")).wait_for()
    page.get_by_label("transfer").check()  # its answer is there, too
    said.filter(has_text=re.compile("0 (of|de) 5")).wait_for()
    other = next(language for language in LOCALES if language != page.language)
    page.get_by_label(translate(other, "language.name")).check()
    said.filter(has_text=translate(other, "label.sad")).wait_for()
    page.locator(".fer-guess input").uncheck()
    assert page.inner_text(".fer-guess [role=status]") == ""


def test_a_photo_comes_back_when_the_page_is_loaded_anew(page: Any, two_faces: str) -> None:
    """As gradio does once a lost connection is back: photo and answers were gone without a word."""
    choose(page, two_faces)
    page.locator('[data-face="1"] .fer-box').click()
    words = translate(page.language, "faces.number", number=2, count=2)
    page.wait_for_selector(f".fer-notes >> text={words}")
    page.reload()
    page.wait_for_selector(f".fer-notes >> text={words}")
    page.wait_for_timeout(800)
    assert words in page.inner_text(".fer-notes"), "it stays"
    page.locator("[data-do=remove]").click()
    page.wait_for_selector(".fer-notes", state="detached")
    page.reload()
    page.wait_for_selector(f"html.fer-ready[lang={page.language}]")
    page.wait_for_timeout(800)
    assert page.locator(".fer-notes, [role=alert]").count() == 0


def test_files_that_are_gone_when_the_page_is_loaded_anew_are_told(page: Any) -> None:
    page.goto(f"{page.start}&tab=many")
    page.wait_for_selector("#many\\.start")
    page.evaluate("history.replaceState({ ...history.state, isLost: true }, '')")
    page.reload()
    page.wait_for_selector(f"#many [role=alert] >> text={translate(page.language, 'app.back')[:20]}")
    page.reload()
    page.wait_for_selector("#many\\.start")
    page.wait_for_timeout(800)
    assert page.locator("[role=alert]").count() == 0, "it is told once"


def test_words_where_files_are_dropped_are_the_page_s(page: Any) -> None:
    """Gradio's follow the browser, whatever the switch says."""
    page.goto(page.start.replace("lang=en", "lang=xx").replace("lang=es", "lang=en").replace("xx", "es") + "&tab=many")
    language = {"en": "es", "es": "en"}[page.language]
    place = page.locator("#many\\.files .upload-container")
    page.wait_for_selector(f"html.fer-ready[lang={language}]")
    page.wait_for_function(
        "name => document.querySelector('#many\\\\.files .upload-container')?.ariaLabel === name",
        arg=translate(language, "many.drop"),
    )
    shown = place.evaluate("element => getComputedStyle(element, '::after').content")
    assert shown == f'"{translate(language, "many.drop")}"'
    icon = place.locator("[data-testid=upload-text]")
    assert icon.evaluate("element => getComputedStyle(element).fontSize") == "0px"
    assert icon.bounding_box()["height"] < 80, "there is room below it"
    page.set_input_files("#many\\.files input[type=file]", str(portrait_path()))
    page.wait_for_selector("#many\\.files .file-preview")
    assert place.evaluate("element => getComputedStyle(element, '::after').content") == "none", "it is a symbol now"


def test_buttons_that_copy_code_have_their_name_in_the_page_s_language(page: Any) -> None:
    page.goto(f"{page.start}&tab=code")
    page.wait_for_selector("#code .icon-button")
    page.wait_for_function(
        "name => [...document.querySelectorAll('#code .icon-button')].every(({ ariaLabel }) => ariaLabel === name)",
        arg=translate(page.language, "code.copy"),
    )


def test_the_first_line_says_how_often_the_models_that_are_chosen_are_wrong(page: Any) -> None:
    """It spoke of those that are shown at first, whatever was chosen."""
    low, high = {"en": (" 2 times", " 4 to 5 times"), "es": (" 2 de cada", " entre 4 y 5 de cada")}[page.language]
    notice = page.locator("#notice\\.view summary")
    notice.filter(has_text=low).wait_for()
    page.locator("#tag label").last.click()
    notice.filter(has_text=high).filter(has_text=translate(page.language, "tab.compare")).wait_for()
    page.locator("#tag label").first.click()
    notice.filter(has_text=low).wait_for()


def test_each_of_many_faces_can_be_tapped(page: Any, tmp_path: Path) -> None:
    sheet, portrait = Image.new("RGB", (750, 600), "grey"), load_portrait().resize((230, 270))
    for place in range(6):
        sheet.paste(portrait, (place % 3 * 250 + 10, place // 3 * 300 + 15))
    sheet.save(tmp_path / "six.png")
    choose(page, tmp_path / "six.png")
    page.wait_for_selector("#photo\\.faces input >> nth=5", state="attached")
    page.locator("#photo\\.faces label").nth(5).click()
    page.wait_for_selector(f".fer-notes >> text={translate(page.language, 'faces.number', number=6, count=6)}")


def test_an_answer_comes_into_view_from_wherever_it_was_asked(page: Any, two_faces: str) -> None:
    is_in_view = """() => {
        const { top, bottom } = document.querySelector(".fer-verdict").getBoundingClientRect();
        return top >= -1 && bottom <= innerHeight + 1;
    }"""
    page.locator("[data-example]").first.click()
    page.wait_for_selector(ANSWERED)
    page.wait_for_function(is_in_view)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    was_away = not page.evaluate(is_in_view)
    choose(page, two_faces)
    page.wait_for_selector("#photo\\.faces input")
    page.wait_for_function(is_in_view)
    if was_away:
        page.wait_for_function("document.activeElement.matches('.fer-verdict')")


def test_what_was_asked_for_survives_a_change_of_tab_language_tag_and_models(page: Any, two_faces: str) -> None:
    choose(page, two_faces)
    page.locator('[data-face="1"] .fer-box').click()

    def wait_for_second_face(language: str) -> None:
        words = translate(language, "faces.number", number=2, count=2)
        page.wait_for_selector(f".fer-notes >> text={words}")

    wait_for_second_face(page.language)
    page.locator("#why > button").click()
    page.wait_for_selector(".fer-why img")
    page.locator("[role=tab]").nth(1).click()
    page.locator("[role=tab]").nth(0).click()
    wait_for_second_face(page.language)
    before = page.get_attribute(".fer-why img", "src")
    page.locator("#tag input").last.check()
    page.wait_for_function("(before) => document.querySelector('.fer-why img')?.src !== before", arg=before)
    wait_for_second_face(page.language)
    page.locator("#compare\\.models input").nth(1).uncheck()
    page.wait_for_function("document.querySelectorAll('.fer-why img').length === 3")
    wait_for_second_face(page.language)
    other = {"en": "es", "es": "en"}[page.language]
    page.locator(f"#header\\.language input[value={other}]").check()
    wait_for_second_face(other)
    assert page.locator(ANSWERED).count() == page.locator(".fer-why img").count() == 3


def test_targets_are_large_enough_controls_have_names_and_headings_are_in_order(page: Any, two_faces: str) -> None:
    choose(page, two_faces)
    page.wait_for_selector("#photo\\.faces input")
    for fold in ("why", "break", "numbers", "share"):
        page.locator(f"#{fold} > button").click()
    page.wait_for_selector(".fer-why img")
    for tab in page.locator("[role=tab]").all():
        tab.click()
        page.wait_for_timeout(500)
        for fold in page.locator("#models button.label-wrap:visible").all():
            fold.click()
        assert page.evaluate(FIND_SMALL_TARGETS) == [], tab.inner_text()
        assert NAMELESS.findall(page.locator("body").aria_snapshot()) == [], tab.inner_text()
        levels = page.evaluate(READ_HEADINGS)
        assert levels[0] == 1
        assert all(below <= above + 1 for above, below in pairwise(levels)), levels


def walk(page: Any) -> list[int]:
    """Press Tab from the first control to the last one.

    Returns:
        When each had the focus, counted from 0, in the order of the document.
    """
    page.evaluate(
        """() => {
            document.activeElement.blur();
            for (const one of document.querySelectorAll("[data-reached]")) delete one.dataset.reached;
            scrollTo(0, 0);
        }"""
    )
    page.mouse.click(1, 1)  # where the walk begins
    for step in range(150):
        page.keyboard.press("Tab")
        is_new = page.evaluate(
            """(step) => {
                const one = document.activeElement;
                if (one === document.body || "reached" in one.dataset) return false;
                return (one.dataset.reached = String(step));
            }""",
            step,
        )
        if not is_new:
            reached = "[...document.querySelectorAll('[data-reached]')].map(({ dataset }) => Number(dataset.reached))"
            return page.evaluate(reached)
    pytest.fail("Tab does not come to an end")


def test_the_keyboard_reaches_every_control_in_the_order_of_the_page(page: Any, two_faces: str) -> None:
    def check(state: str) -> None:
        page.wait_for_timeout(500)
        steps = walk(page)
        assert page.evaluate(FIND_UNREACHED) == [], state
        assert steps == sorted(steps), state

    check("nothing chosen")
    choose(page, two_faces)
    page.wait_for_selector("#photo\\.faces input", state="attached")
    for fold in ("why", "break", "numbers", "share"):
        page.locator(f"#{fold} > button").click()
    page.wait_for_selector("#share .cm-content >> text=gradio_client")
    check("answered")
    for tab in ("live", "many", "models", "code"):
        page.locator(f'[role=tab][data-tab-id="{tab}"]').click()
        page.wait_for_timeout(500)
        if tab == "many":
            page.set_input_files("#many\\.files input[type=file]", two_faces)
            page.wait_for_selector("#many\\.files .file-preview")
            page.locator("#many\\.start").click()
            page.wait_for_selector(".fer-faces [data-open]")
        check(tab)


def test_a_first_visit_finds_two_buttons_three_examples_and_what_it_is_about(page: Any) -> None:
    height = page.viewport_size["height"]
    boxes = [page.locator(f"[data-do={action}]").bounding_box() for action in ("take", "choose")]
    assert min(box["height"] for box in boxes) >= 44
    boxes += [one.bounding_box() for one in page.locator("[data-example]").all()]
    boxes += [page.locator(part).bounding_box() for part in ("h1", ".fer-notice summary")]
    tabs = [one.bounding_box() for one in page.locator("[role=tab]").all()]
    assert len(boxes + tabs) == 2 + 3 + 2 + 5
    assert max(box["y"] + box["height"] for box in boxes) <= height
    assert max(tab["x"] + tab["width"] for tab in tabs) <= page.viewport_size["width"], "every tab is in sight"


def test_another_way_to_break_a_face_begins_at_its_first_step(page: Any) -> None:
    page.locator("[data-example]").first.click()
    page.wait_for_selector(ANSWERED)
    page.locator("#break > button").click()
    page.wait_for_selector(".fer-step img")
    slider = page.locator(".fer-break input[type=range]")
    slider.fill("3")
    assert page.locator(".fer-step").nth(3).is_visible()
    page.locator("#break\\.way input").nth(1).check()
    page.wait_for_function("document.querySelector('.fer-break input').value === '0'")
    assert page.locator(".fer-step").nth(0).is_visible()


def test_a_label_is_called_the_same_everywhere(page: Any) -> None:
    choose(page, portrait_path())
    page.wait_for_selector(ANSWERED)
    winner = page.get_attribute(".fer-verdict", "data-top")
    word = translate(page.language, f"label.{winner}")
    assert word in page.inner_text(".fer-headline").lower()
    assert word in page.inner_text(f".fer-card[data-winner={winner}] .fer-winner >> nth=0").lower()
    page.locator("#numbers > button").click()
    assert word in page.inner_text(".fer-heat tbody").lower()
