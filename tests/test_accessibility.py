"""No tab has barriers that axe finds, on a light or a dark screen."""

import re
from pathlib import Path

import pytest
from browsing import find_violations, needs_chromium, open_page
from photos import make_two_faces


@pytest.mark.browser
@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_tab_has_barriers(app_url: str, tmp_path: Path, theme: str) -> None:
    make_two_faces().save(tmp_path / "two.png")
    (tmp_path / "text.png").write_text("no picture")
    with open_page(f"{app_url}/?__theme={theme}") as page:
        assert find_violations(page) == []
        page.set_input_files("input[type=file]", str(tmp_path / "two.png"))
        page.wait_for_selector("#photo\\.faces input")
        page.locator("#why\\.button").click()
        page.wait_for_selector(".fer-why img")
        page.locator("#share > button").click()
        page.wait_for_selector("#share .cm-content >> text=gradio_client")
        assert find_violations(page) == []
        page.get_by_label(re.compile("Remove Image")).click()
        page.wait_for_selector("#results .fer-message")
        page.set_input_files("input[type=file]", str(tmp_path / "text.png"))
        page.wait_for_selector(".fer-message-error")
        assert find_violations(page) == []
        tabs = page.locator("[role=tab]")
        assert tabs.count() == 5
        for tab in tabs.all()[1:]:
            tab.click()
            page.wait_for_timeout(1500)  # what a tab brings along, such as its code, comes after it
            assert find_violations(page) == [], tab.inner_text()
