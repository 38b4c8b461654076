"""The tabs Models and Code in a real Chromium."""

import pytest
from browsing import needs_chromium, open_page

from fer_models.demo.components.models import describe_model
from fer_models.demo.handlers.models import choose_first
from fer_models.demo.locales import translate
from fer_models.results import read_checkpoints

pytestmark = [pytest.mark.browser, needs_chromium]


def test_every_model_can_be_looked_at_in_both_languages_on_every_screen(app_url: str) -> None:
    keys = [one.key for one in read_checkpoints()]
    first = choose_first(read_checkpoints())
    other = next(one for one in read_checkpoints() if one.key != first)
    with open_page(f"{app_url}/?tab=models", viewport={"width": 390, "height": 844}) as page:
        page.wait_for_selector(".fer-overview")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
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
        tables = page.locator("#models .fer-scroll")
        assert [table for table in tables.all() if table.get_attribute("tabindex") != "0"] == []
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            hidden = tables.evaluate_all("tables => tables.map(table => table.scrollWidth - table.clientWidth)")
            assert any(pixels > 0 for pixels in hidden) == (width == 390)


def test_snippets_name_the_page_and_can_be_copied(app_url: str) -> None:
    with open_page(f"{app_url}/?tab=code", permissions=["clipboard-read", "clipboard-write"]) as page:
        page.wait_for_selector(f"#code\\.client >> text={app_url}")
        page.locator("#code\\.client").get_by_role("button").first.click()
        page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('gradio_client'))")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert f'Client("{app_url}")' in copied
