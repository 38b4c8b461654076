"""The page's rules, most of them on a phone in Spanish."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browsing import ANSWERED, FILES_INPUT, PHOTO_INPUT, needs_chromium, open_page
from photos import load_portrait
from PIL import Image

from fer_models.demo.locales import translate

pytestmark = needs_chromium

SCREENS = {"wide": (1440, 900, "en"), "phone": (390, 844, "es")}
ALERTS = "[role=alert]:visible"
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
# Notes that a control has the focus, and says whether that is seen; nothing once all have had it.
NOTE_FOCUS = """(step) => {
    const one = document.activeElement;
    if (one === document.body || "reached" in one.dataset) return null;
    one.dataset.reached = String(step);
    return [one, one.closest("label, fieldset")].some((element) => {
        const style = element && getComputedStyle(element);
        return style && (style.outlineStyle !== "none" || style.boxShadow !== "none");
    });
}"""


@contextmanager
def open_screen(app_url: str, screen: str) -> Iterator[Any]:
    width, height, language = SCREENS[screen]
    with open_page(f"{app_url}/?lang={language}", locale=language, size=(width, height)) as page:
        page.wait_for_selector(f"html.fer-ready[lang={language}]")
        yield page


@pytest.fixture
def phone(app_url: str) -> Iterator[Any]:
    with open_screen(app_url, "phone") as page:
        yield page


def choose(page: Any, path: str | Path) -> None:
    page.set_input_files(PHOTO_INPUT, str(path))


def test_there_is_one_message_the_latest(phone: Any, samples: Path) -> None:
    for _ in range(2):
        choose(phone, samples / "text.png")
        phone.wait_for_selector(".fer-message-error")
        phone.wait_for_timeout(400)
        assert phone.locator(ALERTS).count() == 1
    assert phone.inner_text(ALERTS).startswith("text.png: "), "which file"
    phone.locator("[data-do=take]").click()  # which is not allowed
    phone.wait_for_selector(".fer-problem")
    assert phone.locator(ALERTS).count() == 1
    choose(phone, samples / "text.png")
    phone.wait_for_selector(".fer-problem", state="detached")
    assert phone.locator(ALERTS).count() == 1
    phone.locator("[data-example]").first.click()
    phone.wait_for_selector(ANSWERED)
    assert phone.locator(ALERTS).count() == 0
    phone.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    phone.locator("[data-example]").last.click()
    phone.wait_for_timeout(400)
    assert phone.locator(ALERTS).count() == 0, "the server is on this machine, and answers without a network"
    phone.context.set_offline(True)
    for _ in range(2):
        phone.locator("[data-example]").last.click()
        phone.wait_for_timeout(400)
        assert phone.locator(ALERTS).count() == 1, "each try without a network is told"
    phone.context.set_offline(False)


def test_you_first_below_an_answer_begins_with_the_next_face(phone: Any, samples: Path) -> None:
    choose(phone, samples / "two.png")
    phone.wait_for_selector(ANSWERED)
    phone.locator(".fer-guess input").check()
    assert phone.inner_text(".fer-guess [role=status]") == translate("es", "guess.next")
    phone.locator('[data-face="1"] .fer-box').click()
    phone.wait_for_selector(".fer-guessing")
    names = ("baseline", "dense", "batchnorm", "batchnorm-dropout")
    for name in names:
        phone.get_by_label(name, exact=True).uncheck()
    phone.locator(f".fer-message-error >> text={translate('es', 'choice.none')[:20]}").wait_for()  # and is seen
    for name in names:
        phone.get_by_label(name, exact=True).check()
    phone.locator("[data-guess=sad]").click()
    said = phone.locator(".fer-guess [role=status]")
    said.filter(has_text="0 de 4").wait_for()
    phone.get_by_label("transfer").check()  # its answer is there, too
    said.filter(has_text="0 de 5").wait_for()
    phone.get_by_label("English").check()
    said.filter(has_text=translate("en", "label.sad")).wait_for()
    phone.locator(".fer-guess input").uncheck()
    assert phone.inner_text(".fer-guess [role=status]") == ""


def walk(page: Any) -> list[int]:
    """Press Tab from the first control to the last one; the focus must be seen on each.

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
        is_seen = page.evaluate(NOTE_FOCUS, step)
        if is_seen is None:
            reached = "[...document.querySelectorAll('[data-reached]')].map(({ dataset }) => Number(dataset.reached))"
            return page.evaluate(reached)
        assert is_seen, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    pytest.fail("Tab does not come to an end")


def test_the_keyboard_reaches_every_control_in_the_order_of_the_page(app_url: str, samples: Path) -> None:
    def check(state: str) -> None:
        page.wait_for_timeout(200)
        steps = walk(page)
        assert page.evaluate(FIND_UNREACHED) == [], state
        assert steps == sorted(steps), state

    with open_screen(app_url, "wide") as page:
        check("nothing chosen")
        with page.expect_file_chooser():
            page.locator("[data-do=choose]").press("Enter")
        choose(page, samples / "two.png")
        page.wait_for_selector("#photo\\.faces input", state="attached")
        for fold in ("why", "break", "numbers", "share"):
            page.locator(f"#{fold} > button").click()
        page.wait_for_selector("#share .cm-content >> text=gradio_client")
        check("answered")
        for tab in ("live", "many", "models", "code"):
            page.locator(f'[role=tab][data-tab-id="{tab}"]').click()
            page.wait_for_selector(f"#{tab}")
            if tab == "many":
                page.set_input_files(FILES_INPUT, samples / "two.png")
                page.wait_for_selector("#many\\.files .file-preview")
                with page.expect_file_chooser():  # to add files to those that are there
                    page.locator("#many\\.files button[aria-dropeffect]").press("Enter")
                page.wait_for_selector("#many\\.start:not([disabled])")
                page.locator("#many\\.start").press("Enter")
                page.wait_for_selector(".fer-faces [data-open]")
            check(tab)


ABOUT = {
    "en": ("times in 10", "emotion recognition", "reads no minds", "at work", "at school", "consent"),
    "es": ("de cada 10", "reconocimiento de emociones", "no lee la mente", "trabajo", "escuela", "consentim"),
}


@pytest.mark.parametrize("screen", SCREENS)
def test_a_first_visit_finds_two_buttons_three_examples_and_what_it_is_and_is_not_for(
    app_url: str, screen: str
) -> None:
    width, height, language = SCREENS[screen]
    with open_screen(app_url, screen) as page:
        boxes = [page.locator(f"[data-do={action}]").bounding_box() for action in ("take", "choose")]
        assert min(box["height"] for box in boxes) >= 44
        boxes += [one.bounding_box() for one in page.locator("[data-example]").all()]
        notice = page.locator(".fer-notice summary")
        notice.filter(has_text=ABOUT[language][0]).wait_for()
        assert notice.bounding_box()["height"] < 30, "in one line"
        boxes += [page.locator("h1").bounding_box(), notice.bounding_box()]
        tabs = [one.bounding_box() for one in page.locator("[role=tab]").all()]
        assert len(boxes + tabs) == 2 + 3 + 2 + 5
        assert max(box["y"] + box["height"] for box in boxes) <= height
        assert max(tab["x"] + tab["width"] for tab in tabs) <= width, "every tab is in sight"
        notice.click()
        assert [word for word in ABOUT[language] if word not in page.inner_text(".fer-notice")] == []


def test_an_answer_comes_into_view_from_wherever_it_was_asked_and_comes_back_when_the_page_is_loaded_anew(
    phone: Any, samples: Path
) -> None:
    """Gradio loads it anew once a lost connection is back: photo and answers were gone without a word."""
    is_in_view = """() => {
        const { top, bottom } = document.querySelector(".fer-verdict").getBoundingClientRect();
        return top >= -1 && bottom <= innerHeight + 1;
    }"""
    phone.locator("[data-example]").first.click()
    phone.wait_for_selector(ANSWERED)
    phone.wait_for_function(is_in_view)
    phone.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert not phone.evaluate(is_in_view)
    choose(phone, samples / "two.png")
    phone.wait_for_selector("#photo\\.faces input")
    phone.wait_for_function(is_in_view)
    phone.wait_for_function("document.activeElement.matches('.fer-verdict')")

    phone.locator('[data-face="1"] .fer-box').click()
    phone.wait_for_selector(".fer-notes >> text=Cara 2 de 2")
    phone.reload()
    phone.wait_for_selector(".fer-notes >> text=Cara 2 de 2")
    phone.wait_for_timeout(500)
    assert "Cara 2 de 2" in phone.inner_text(".fer-notes"), "it stays"
    phone.locator("[data-do=remove]").click()
    phone.wait_for_selector(".fer-notes", state="detached")
    phone.reload()
    phone.wait_for_selector("html.fer-ready[lang=es]")
    phone.wait_for_timeout(500)
    assert phone.locator(".fer-notes, [role=alert]").count() == 0, "what was removed is gone"


def test_files_that_are_gone_when_the_page_is_loaded_anew_are_told_once_and_gradio_s_words_are_the_page_s(
    phone: Any,
) -> None:
    phone.locator("[data-tab-id=many]").click()
    phone.wait_for_selector("#many\\.start")
    phone.evaluate("history.replaceState({ ...history.state, isLost: true }, '')")
    phone.reload()
    phone.wait_for_selector(f"#many [role=alert] >> text={translate('es', 'app.back')[:20]}")
    phone.reload()
    phone.wait_for_selector("#many\\.start")
    phone.wait_for_timeout(500)
    assert phone.locator("[role=alert]").count() == 0, "files that are gone are told once"

    phone.goto(phone.url.replace("lang=es", "lang=en"))  # gradio's words follow the browser, whatever the switch says
    phone.wait_for_selector("html.fer-ready[lang=en]")
    has_name = "([place, name]) => [...document.querySelectorAll(place)].every(({ ariaLabel }) => ariaLabel === name)"
    for tab, place, key in (("many", ".upload-container", "many.drop"), ("code", ".icon-button", "code.copy")):
        phone.locator(f"[data-tab-id={tab}]").click()
        phone.wait_for_selector(f"#{tab} {place}")
        phone.wait_for_function(has_name, arg=[f"#{tab} {place}", translate("en", key)])
    phone.wait_for_selector(f"#code\\.client >> text={phone.url.split('/?')[0]}")
    shown = "getComputedStyle(document.querySelector('#many .upload-container'), '::after').content"
    assert phone.evaluate(shown) == f'"{translate("en", "many.drop")}"'


def test_a_label_is_called_the_same_everywhere_and_the_first_line_speaks_of_the_models_that_are_chosen(
    phone: Any,
) -> None:
    notice = phone.locator("#notice\\.view summary")
    notice.filter(has_text=" 2 de cada").wait_for()
    phone.locator("#tag label").last.click()  # the line spoke of those that are shown at first, whatever was chosen
    notice.filter(has_text=" entre 4 y 5 de cada").filter(has_text=translate("es", "tab.compare")).wait_for()
    phone.locator("#tag label").first.click()
    notice.filter(has_text=" 2 de cada").wait_for()

    phone.locator("[data-example]").first.click()
    phone.wait_for_selector(ANSWERED)
    winner = phone.get_attribute(".fer-verdict", "data-top")
    word = translate("es", f"label.{winner}")
    assert word in phone.inner_text(".fer-headline").lower()
    assert word in phone.inner_text(f".fer-card[data-winner={winner}] .fer-winner >> nth=0").lower()
    phone.locator("#numbers > button").click()
    assert word in phone.inner_text(".fer-heat tbody").lower()


def test_each_of_many_faces_can_be_tapped_and_another_way_to_break_one_begins_at_its_first_step(
    phone: Any, tmp_path: Path
) -> None:
    sheet, portrait = Image.new("RGB", (750, 600), "grey"), load_portrait().resize((230, 270))
    for place in range(6):
        sheet.paste(portrait, (place % 3 * 250 + 10, place // 3 * 300 + 15))
    sheet.save(tmp_path / "six.png")
    choose(phone, tmp_path / "six.png")
    phone.wait_for_selector("#photo\\.faces input >> nth=5", state="attached")
    phone.locator("#photo\\.faces label").nth(5).click()
    phone.wait_for_selector(".fer-notes >> text=Cara 6 de 6")

    phone.locator("#break > button").click()
    phone.wait_for_selector(".fer-step img")
    phone.locator(".fer-break input[type=range]").fill("3")
    assert phone.locator(".fer-step").nth(3).is_visible()
    phone.locator("#break\\.way input").nth(1).check()
    phone.wait_for_function("document.querySelector('.fer-break input').value === '0'")
    assert phone.locator(".fer-step").nth(0).is_visible()
