"""A real browser opens the site from the file system: no request leaves, no error, all in view."""

import json
import math
from pathlib import Path

import msgspec
import pytest
from selenium.webdriver.support.wait import WebDriverWait

from reports.site.build import build
from support import cards, gpu_records, records, sites
from support.browsers import WIDTHS, Browser, needs_browser, requests, scheme, size

pytestmark = needs_browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # An older run on a GPU: its page has more tables and charts than the others.
    on_gpu = records.on_gpu(run_id="gpu", started_at="2026-11-01T07:00:00Z")
    found = sites.ordinary()
    # Two cards with cases in common: pages of each and of both.
    two = [
        gpu_records.record(run_id="h200", started_at="2026-11-01T06:00:00Z"),
        gpu_records.failed(),
    ]
    two += cards.on_card(two, "a-card", slower=2.0)
    found = msgspec.structs.replace(found, records=(*found.records, on_gpu, *two))
    return build(found, tmp_path_factory.mktemp("browser") / "site").parent


def test_every_page_opens_from_a_file_without_error_or_request(
    browser: Browser, site: Path
) -> None:
    """The style applies under the page's own policy, nothing else is asked for, at both widths."""
    for path in sorted(site.rglob("*.html")):
        for width in WIDTHS:
            size(browser, width)
            browser.get(path.as_uri())
            asked = [url for url in requests(browser) if not url.startswith(("data:", "file:"))]
            assert asked == []
            assert browser.get_log("browser") == []
            margin = browser.execute_script("return getComputedStyle(document.body).maxWidth")
            assert margin == "1216px", f"{path.name} is without its style"
            wide = browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{path.name} scrolls sideways at {width}"


def test_a_number_leads_to_its_record_and_on_to_its_json(browser: Browser, site: Path) -> None:
    """A reader can go from a figure to the raw samples by clicking, and they are the same."""
    by = "css selector"
    browser.get((site / "runs.html").as_uri())
    number = browser.find_element(by, ".methods a.number")
    shown = float(number.find_element(by, "data").get_attribute("value"))
    number.click()
    value = browser.find_element(by, "#tokens_per_second data").get_attribute("value")
    browser.find_element(by, "a.json").click()
    record = json.loads(Path(browser.current_url.removeprefix("file://")).read_text())
    steady = [step for step in record["steps"] if step["role"] == "steady"]
    tokens = sum(step["tokens_real"] for step in steady)
    waits = math.fsum(step["data_seconds"] for step in steady[1:])
    assert float(value) == tokens / (math.fsum(step["seconds"] for step in steady) + waits)
    assert shown == pytest.approx(float(value), rel=0.05), "the median of two repeats"


def test_the_command_of_a_case_is_copied_by_keyboard(browser: Browser, site: Path) -> None:
    """Enter on the button puts the command in the clipboard, and the page says so."""
    by = "css selector"
    granted = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", granted)
    page = next(
        path for path in (site / "records").glob("*.html") if "tunebench run" in path.read_text()
    )
    for clipboard in (True, False):  # where a page may not use it there is an older way
        browser.get(page.as_uri())
        browser.execute_async_script("navigator.clipboard.writeText('').then(arguments[0])")
        if not clipboard:
            browser.execute_script("navigator.clipboard.writeText = () => Promise.reject()")
        command = browser.find_element(by, "pre.command").text
        assert command.startswith("./tunebench run --models ")
        browser.execute_script("document.querySelector('.copying button').focus()")
        browser.switch_to.active_element.send_keys("\n")
        WebDriverWait(browser, 10).until(
            lambda _: browser.find_element(by, ".copying output").text == "Copied"
        )
        read = "navigator.clipboard.readText().then(arguments[0], arguments[0])"
        assert browser.execute_async_script(read) == command


def test_the_list_of_settings_opens_from_its_ratio(browser: Browser, site: Path) -> None:
    """Following "settings differ" shows what differs."""
    browser.get((site / "runs.html").as_uri())
    browser.find_element("partial link text", "setting differs").click()
    assert browser.find_element("css selector", "details.settings td").is_displayed()


def test_the_settings_of_a_claim_open_from_its_verdict(
    browser: Browser, published_site: Path
) -> None:
    """Who asks why two figures are not comparable sees both settings, without a script."""
    page = published_site / "claims.html"
    for width in WIDTHS:
        size(browser, width)
        browser.get(page.as_uri())
        browser.find_element("link text", "side by side").click()
        assert browser.find_element("css selector", "table.aspects td").is_displayed()
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, f"the settings scroll sideways at {width}"


def test_dark_and_light_keep_text_readable(browser: Browser, site: Path) -> None:
    """Text, soft text, links and warnings stand off their ground by WCAG's 4.5 in both schemes."""
    browser.get((site / "runs.html").as_uri())
    for name_of_scheme in ("light", "dark"):
        scheme(browser, name_of_scheme)
        style = "getComputedStyle(document.documentElement).getPropertyValue"
        colors = {
            name: browser.execute_script(f"return {style}('--{name}')").strip()
            for name in ("ground", "raised", "ink", "soft", "accent", "bad")
        }
        for ground in ("ground", "raised"):
            for name in ("ink", "soft", "accent", "bad"):
                found = contrast(colors[name], colors[ground])
                assert found >= 4.5, f"{name} on {ground}, {name_of_scheme}: {found:.2f}"


def test_charts_take_their_colours_from_the_style(browser: Browser, site: Path) -> None:
    """A bar has its own colour in light and in dark, not the black of a colour nobody knows."""
    browser.get((site / "models" / "tiny-qwen3.html").as_uri())
    seen = set()
    for name_of_scheme in ("light", "dark"):
        scheme(browser, name_of_scheme)
        bars = browser.find_elements("css selector", ".plot path[fill*='--plot-']")
        colours = {bar.value_of_css_property("fill") for bar in bars}
        assert len(colours) > 1
        assert not colours & {"rgb(0, 0, 0)", "none"}
        seen |= colours
    assert len(seen) == 2 * len(colours), "dark has others than light"


def contrast(one: str, other: str) -> float:
    """Return WCAG 2's contrast ratio of two colours written #rrggbb."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
