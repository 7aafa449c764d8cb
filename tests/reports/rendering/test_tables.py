"""Tables sort, filter and hide columns by mouse and by key, and their address brings it back."""

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from reports.site.build import build
from support import cards, gpu_records, sites
from support.browsers import Browser, needs_browser, size

pytestmark = needs_browser
CSS = "css selector"
MIB = 1 << 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine records on a CPU, twelve on two made-up cards: fast, slow, and without numbers."""
    on_one = [
        gpu_records.record(method=method, seconds=seconds, launch=launch)
        for launch in (1, 2)
        for method, seconds in (("lora", 0.9), ("unsloth-lora", 0.12))
    ]
    on_one += [gpu_records.failed(method="full", launch=launch) for launch in (1, 2)]
    ordinary = sites.ordinary()
    found = sites.collection(
        *ordinary.records, *cards.many(on_one, ("a", "b")), plans=ordinary.plans
    )
    return build(found, tmp_path_factory.mktemp("tables") / "site").parent


def opened(browser: Browser, site: Path, query: str = "") -> None:
    size(browser, 1280)
    browser.get((site / "all-results.html").as_uri() + query)


def column(browser: Browser, key: str) -> list[str]:
    """Return what stands in one column, of the rows that are shown."""
    script = """
        const index = document.querySelector(`th[data-key=${arguments[0]}]`).cellIndex;
        return [...document.querySelector("table.all").tBodies[0].rows]
          .filter((row) => !row.hidden).map((row) => row.cells[index].innerText.trim());"""
    return list(browser.execute_script(script, key))


def select(browser: Browser, title: str) -> Select:
    path = f"//div[contains(@class, 'tools')]/label[starts-with(., '{title}')]/select"
    return Select(browser.find_element("xpath", path))


def count(browser: Browser) -> str:
    return str(browser.find_element(CSS, ".tools output").text)


def test_a_filter_leaves_its_rows_and_says_how_many(browser: Browser, site: Path) -> None:
    """Filters add up, the count follows, and reset brings every row and the plain address back."""
    opened(browser, site)
    assert count(browser) == "26 of 26 shown"
    select(browser, "On").select_by_visible_text("a")
    select(browser, "Method").select_by_visible_text("LoRA")
    assert count(browser) == "2 of 26 shown"
    assert set(column(browser, "on")) == {"a"}
    assert set(column(browser, "method")) == {"LoRA"}
    browser.find_element(CSS, ".tools .state button").click()
    assert count(browser) == "26 of 26 shown"
    assert browser.current_url == (site / "all-results.html").as_uri()


def test_failures_stay_among_the_rows(browser: Browser, site: Path) -> None:
    """An outcome in words can be chosen like any other, whatever phase it names."""
    opened(browser, site)
    select(browser, "Outcome").select_by_visible_text("Out of memory")
    assert set(column(browser, "outcome")) == {"Out of memory while loading the weights"}
    assert count(browser) == "6 of 26 shown"
    assert set(column(browser, "rate")) == {"–"}


def test_on_a_phone_a_result_is_a_card(browser: Browser, site: Path) -> None:
    """Its rate and memory are inside the screen, with no sideways scroll, and heads still sort."""
    size(browser, 390)
    browser.get((site / "all-results.html").as_uri() + "?all.show=rate,memory,step")
    page = browser.find_element(CSS, "html")
    assert page.get_property("scrollWidth") <= 390
    card = browser.find_element(CSS, "table.all tbody tr:has(data)")
    for cell in card.find_elements(CSS, "td:has(data)"):
        if cell.is_displayed():
            assert cell.rect["x"] + cell.rect["width"] <= 390
    assert "token/s" in browser.execute_script(
        "return getComputedStyle(arguments[0].cells[5], '::after').content", card
    )
    browser.find_element(CSS, "th[data-key=rate] button").click()
    assert browser.find_element(CSS, "th[data-key=rate]").get_attribute("aria-sort")


def test_seven_columns_come_first(browser: Browser, site: Path) -> None:
    """The answer is among them; the others are one click away, and a link can ask for any."""
    opened(browser, site)
    heads = browser.find_elements(CSS, "table.all th[data-key]")
    shown = [each.get_attribute("data-key") for each in heads if each.is_displayed()]
    assert shown == ["method", "model", "work", "on", "outcome", "rate", "memory"]
    assert len(heads) > 12
    opened(browser, site, "?all.show=rate,step,energy,losses")
    heads = browser.find_elements(CSS, "table.all th[data-key]")
    shown = [each.get_attribute("data-key") for each in heads if each.is_displayed()]
    assert shown[5:] == ["rate", "step", "energy", "losses"]


def test_sorting_goes_by_the_number_not_by_its_text(browser: Browser, site: Path) -> None:
    """A column has one unit; rows without a number stay last."""
    opened(browser, site, "?all.show=step")
    head = browser.find_element(CSS, "th[data-key=step]")
    for direction, ordered in (("descending", "0.9 s first"), ("ascending", "0.1 s first")):
        head.find_element(CSS, "button").click()
        assert head.get_attribute("aria-sort") == direction
        shown = [text for text in column(browser, "step") if text != "–"]
        seconds = [float(text.split()[0]) for text in shown]
        assert {text.split()[1] for text in shown} == {"s"}
        assert all("± " in text for text in shown), "one repeat each"
        assert seconds == sorted(seconds, reverse=direction == "descending"), ordered
        assert column(browser, "step")[-8:] == ["–"] * 8
    before = column(browser, "method")
    head.find_element(CSS, "button").click()
    assert head.get_attribute("aria-sort") is None
    assert column(browser, "method") != before


def test_the_address_restores_what_was_chosen(browser: Browser, site: Path) -> None:
    """A link carries filter, order, search and columns, from a file and with no server."""
    opened(browser, site)
    select(browser, "Model").select_by_visible_text("Qwen3-8B")
    browser.find_element(CSS, ".tools input[type=search]").send_keys("unsloth")
    browser.find_element(CSS, "th[data-key=rate] button").click()
    browser.find_element(CSS, ".tools .columns summary").click()
    browser.find_element("xpath", "//div[@class='choices']/label[contains(., 'Losses')]").click()
    link, rows = browser.current_url, column(browser, "rate")
    assert count(browser) == "4 of 26 shown"
    browser.get("about:blank")
    browser.get(link)
    assert column(browser, "rate") == rows
    assert count(browser) == "4 of 26 shown"
    assert select(browser, "Model").first_selected_option.text == "Qwen3-8B"
    assert browser.find_element(CSS, "th[data-key=losses]").is_displayed()
    assert not browser.find_element(CSS, "th[data-key=step]").is_displayed()
    assert browser.find_element(CSS, "th[data-key=rate]").get_attribute("aria-sort")


def test_a_link_that_asks_for_what_is_not_here_shows_it(browser: Browser, site: Path) -> None:
    """A stale or hostile address filters to nothing in plain sight, and runs nothing."""
    bad = "%3Cimg%20src=x%20onerror=document.title='owned'%3E"
    opened(browser, site, f"?all.model={bad}&all.sort=nonsense&all.show=nothing#%E0%A4%A")
    assert count(browser) == "0 of 26 shown"
    assert select(browser, "Model").first_selected_option.text.endswith("(none here)")
    assert browser.title == "All results · a and b · November 2026 · Tunebench"
    assert browser.find_elements(CSS, "img") == []
    assert browser.get_log("browser") == []


def test_all_of_it_works_by_key(browser: Browser, site: Path) -> None:
    """Tab reaches each control in turn; Enter sorts, arrows choose, Escape closes the columns."""
    opened(browser, site)
    browser.find_element(CSS, ".tools select").send_keys(Keys.ARROW_DOWN)
    assert len(set(column(browser, "method"))) == 1
    reached = []
    for _ in range(12):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        now = browser.switch_to.active_element
        reached.append(now.tag_name)
        if now.tag_name == "summary":
            now.send_keys(Keys.ENTER)
            assert browser.find_element(CSS, ".choices").is_displayed()
            now.send_keys(Keys.ESCAPE)
            assert not browser.find_element(CSS, ".choices").is_displayed()
        if now.get_attribute("class") == "sort":
            now.send_keys(Keys.ENTER)
            break
    assert {"select", "input", "summary", "button"} <= set(reached)
    assert browser.find_element(CSS, "th[data-key=method]").get_attribute("aria-sort")


def test_without_a_script_every_row_and_column_is_there(browser: Browser, site: Path) -> None:
    """Nothing is hidden until the script hides it, and its controls are not there either."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, site, "?all.model=nothing")
        assert browser.find_elements(CSS, ".tools") == []
        cells = browser.find_elements(CSS, "table.all th, table.all td")
        assert len(cells) == 14 * 27
        assert all(cell.is_displayed() for cell in cells[:14])
        assert cells[-1].is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_tables_of_runs_and_of_the_overview_sort(browser: Browser, site: Path) -> None:
    """By throughput, with the row that has none last, and at a glance as well."""
    size(browser, 1280)
    browser.get((site / "runs.html").as_uri())
    table = browser.find_element(CSS, "table.methods")
    table.find_element("xpath", ".//th[2]/button").click()
    rows = table.find_elements(CSS, "tbody tr")
    values = [row.find_elements(CSS, "td:nth-child(2) data") for row in rows]
    known = [float(found[0].get_attribute("value")) for found in values if found]
    assert len(known) > 1
    assert known == sorted(known, reverse=True)
    assert not values[-1]
    assert len(known) < len(rows)
    browser.get((site / "index.html").as_uri())
    matrices = browser.find_elements(CSS, "table.matrix")
    matrix = max(matrices, key=lambda each: len(each.find_elements(CSS, "td:nth-child(2) data")))
    matrix.find_element("xpath", ".//th[2]/button").click()
    shown = [
        float(e.get_attribute("value")) for e in matrix.find_elements(CSS, "td:nth-child(2) data")
    ]
    assert len(shown) > 1
    assert shown == sorted(shown, reverse=True)


def test_numbers_with_units_are_understood(browser: Browser, tmp_path: Path) -> None:
    """A summary's figures are texts: signs, separators, shares and prefixes order by meaning."""
    from reports.rendering.render import render
    from reports.text.blocks import TextRow, table

    texts = ["3 min 20 s", "504 ms", "1.2 s", "unknown", "2 h 05 min", "12 µs"]
    shares = ["−7.0 %", "+32 %", "0.02 %", "–", "−56 %", "1,000 %"]
    energy = ["83.3 mJ/token", "1.2 J/token", "", "9 mJ/token", "101 mJ/token", "no"]
    vendors = ["96 GB", "1.8 TB/s", "1 TB", "141 GB", "900 GB/s", "not published"]
    rows = [
        TextRow(cells=(str(number), *each))
        for number, each in enumerate(zip(texts, shares, energy, vendors, strict=True))
    ]
    blocks = (table(["N", "A", "B", "C", "D"], rows),)
    values = {"title": "Part", "good": True, "verdict": "", "blocks": blocks}
    page = tmp_path / "page.html"
    text = render("alone.html", {**values, "root": "", "current": ""})
    page.write_text(text, encoding="utf-8")
    browser.get(page.as_uri())
    expected = {
        2: [4, 0, 2, 1, 5, 3],
        3: [5, 1, 2, 0, 4, 3],
        4: [1, 4, 0, 3, 2, 5],
        5: [1, 2, 4, 3, 0, 5],
    }
    for index, order in expected.items():
        browser.find_element(CSS, f"thead th:nth-child({index}) button").click()
        shown = [int(e.text) for e in browser.find_elements(CSS, "tbody th")]
        assert shown == order, index
