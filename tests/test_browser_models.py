"""The tabs Models and Code in a real Chromium."""

from typing import Any

import pytest
from browsing import needs_chromium, open_page

from fer_models.demo.components.models import describe_model
from fer_models.demo.handlers.models import choose_first
from fer_models.demo.locales import translate
from fer_models.results import read_checkpoints

pytestmark = [pytest.mark.browser, needs_chromium]


def open_tab(page: Any, name: str) -> None:
    page.locator(f"[data-tab-id={name}]").click()
    page.wait_for_selector(f"#{name}", state="visible")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")], ids=["wide", "phone"])
def test_every_model_can_be_looked_at_in_both_languages(app_url: str, width: int, scheme: str) -> None:
    keys = [one.key for one in read_checkpoints()]
    first = choose_first(read_checkpoints())
    other = next(one for one in read_checkpoints() if one.key != first)
    with open_page(app_url, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        open_tab(page, "models")
        box = page.locator(".fer-overview").bounding_box()
        assert box["y"] + box["height"] <= 844, "the answer is on the first screen"
        for fold in page.locator("#models button.label-wrap").all():
            fold.click()
        assert page.locator(".fer-model").get_attribute("data-model") == first
        page.locator("#models\\.choice input").click()
        assert page.get_by_role("option").count() == len(keys)
        page.get_by_role("option", name=describe_model(other, "en"), exact=True).click()
        page.wait_for_selector(f".fer-model[data-model='{other.key}']")
        page.get_by_label("Español").check()
        page.wait_for_selector(f".fer-model:has-text('{translate('es', 'models.confusion.title')}')")
        assert page.locator(".fer-model").get_attribute("data-model") == other.key
        # Wide tables scroll inside themselves, the page does not, and all of them can be reached by keyboard.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        tables = page.locator("#models .fer-scroll")
        assert [table for table in tables.all() if table.get_attribute("tabindex") != "0"] == []
        widths = tables.evaluate_all("tables => tables.map(table => table.scrollWidth - table.clientWidth)")
        assert any(width > 0 for width in widths) == (width == 390)


def test_snippets_name_the_page_and_can_be_copied(app_url: str) -> None:
    with open_page(app_url, permissions=["clipboard-read", "clipboard-write"]) as page:
        open_tab(page, "code")
        page.wait_for_selector(f"#code\\.client >> text={app_url}")
        page.locator("#code\\.client").get_by_role("button").first.click()
        page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('gradio_client'))")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert f'Client("{app_url}")' in copied
