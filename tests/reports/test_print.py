"""On paper a table says on every sheet what its columns are, and loses none of them."""

import re
from pathlib import Path

import pytest

from support import pdf
from support.browsers import Browser, needs_browser

pytestmark = needs_browser


@pytest.fixture(scope="module")
def site(published_site: Path) -> Path:
    return published_site


def heads(browser: Browser) -> list[str]:
    """Return the words that each column of the page's table shows, without spaces."""
    cells = browser.find_elements("css selector", "table thead th:not([hidden])")
    return [re.sub(r"\s", "", each.get_property("textContent")) for each in cells]


def test_each_sheet_of_a_long_table_has_its_heads(browser: Browser, site: Path) -> None:
    """The buttons that sort, which the script adds, do not hide them."""
    alone = "[...document.querySelectorAll('table')].slice(1).forEach((each) => each.remove())"
    sheets = pdf.printed(browser, site / "all-results.html", alone)
    names = heads(browser)
    assert len(names) > 5
    assert len(sheets) > 3
    for sheet in sheets[:-1]:  # the footer may have the last for itself
        assert [name for name in names if name not in sheet.text] == []


@pytest.mark.parametrize("name", ["all-results", "what-fits"])
def test_a_wide_table_turns_the_sheet_and_is_whole_on_it(
    browser: Browser, site: Path, name: str
) -> None:
    """Every letter lies on the paper; an upright sheet would lose the last columns."""
    for sheet in pdf.printed(browser, site / f"{name}.html"):
        assert sheet.width > sheet.height
        assert min(sheet.lefts) > 0
        assert max(sheet.lefts) < sheet.width - 20


def test_a_result_is_printed_upright_and_whole(browser: Browser, site: Path) -> None:
    """Its raw steps have many narrow columns, which fit."""
    page = max((site / "records").glob("*.html"), key=lambda path: path.stat().st_size)
    sheets = pdf.printed(browser, page)
    assert "Copythecommand" not in "".join(sheet.text for sheet in sheets)
    for sheet in sheets:
        assert sheet.width < sheet.height
        assert max(sheet.lefts, default=0) < sheet.width - 20
