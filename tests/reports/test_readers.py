"""Six readers find their answer in two clicks at most, on a screen and on a phone, unscrolled."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.support.wait import WebDriverWait

from support.browsers import Browser, needs_browser, size

CSS = "css selector"
HEIGHTS = {1440: 900, 390: 844}

pytestmark = needs_browser


@pytest.fixture(scope="module")
def site(published_site: Path) -> Path:
    return published_site


@pytest.fixture(params=HEIGHTS)
def reader(browser: Browser, site: Path, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A reader on the first page."""
    size(browser, request.param, HEIGHTS[request.param])
    browser.get_log("browser")  # of other tests' pages
    browser.get((site / "index.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []


def click(reader: Browser, words: str) -> None:
    next(e for e in reader.find_elements(CSS, "a") if e.text == words).click()


def seen(reader: Browser, selector: str) -> str:
    """Return an element's text; it must be in the window, whole, without a scroll."""
    found = next(e for e in reader.find_elements(CSS, selector) if e.is_displayed())
    top, bottom, height = reader.execute_script(
        "const r = arguments[0].getBoundingClientRect(); return [r.top, r.bottom, innerHeight]",
        found,
    )
    assert top >= 0
    assert bottom <= height, found.text
    return str(found.text)


def test_the_owner_of_a_workstation_learns_what_a_night_is_enough_for(reader: Browser) -> None:
    """Hours, memory and tokens of Qwen3-32B on the card, and which method: one click."""
    click(reader, "What can my GPU train overnight?")
    answer = seen(reader, "[data-plan-answer] p")
    assert "RTX PRO 6000 Blackwell Max-Q" in answer
    assert "Qwen3-32B" in answer
    assert re.search(r"Overnight \(8 h\): about [\d,.]+ M tokens", answer)
    assert re.search(r"\d+ of 96 GiB", answer)
    assert re.search(r"methods?\b", answer)


def test_a_buyer_learns_after_how_many_jobs_a_price_pays(reader: Browser) -> None:
    """One click and a price: what renting costs, what owning costs, and where they cross."""
    click(reader, "Buy or rent: what does a job cost?")
    price = reader.find_element("xpath", "//label[contains(., 'Price of the GPU')]/input")
    price.send_keys("9000")
    WebDriverWait(reader, 10).until(lambda now: "price=9000" in now.current_url)
    said = reader.find_element(CSS, "[data-plan-buy]").text
    assert "USD" in said
    assert re.search(r"\bjobs?\b", said)


def test_whoever_read_the_claim_gets_the_verdict(reader: Browser) -> None:
    """What was reached, in how many comparisons, and who said it: one click."""
    click(reader, "Is the claim I read true?")
    assert re.search(r"3× as fast was reached in \d+ of \d+ comparisons", seen(reader, ".lead"))
    assert "up to a 3x speedup" in seen(reader, ".lead + p")


def test_whoever_upgraded_learns_what_these_results_can_say(reader: Browser) -> None:
    """Whether a package ever changed here, and the command that tells on one's own GPU."""
    click(reader, "Did an upgrade slow me down?")
    assert "peft 0.21.2" in seen(reader, ".lead")
    assert "upgrade-check" in seen(reader, ".lead + p code")


def test_an_engineer_comes_from_a_number_to_its_raw_data(reader: Browser, site: Path) -> None:
    """A number's page in one click, its JSON in two; the number is in it."""
    number = next(e for e in reader.find_elements(CSS, ".dots a.number") if e.is_displayed())
    number.click()
    link = next(e for e in reader.find_elements(CSS, "a.json") if e.is_displayed())
    record = json.loads((site / "records" / Path(link.get_attribute("href")).name).read_text())
    assert record["outcome"] == "ok"
    assert record["run_id"] in reader.page_source
    link.click()
    assert reader.current_url.endswith(f"{record['record_id']}.json")


def test_an_owner_of_another_gpu_learns_how_to_add_it(reader: Browser) -> None:
    """The first command is in sight after one click, the pull request on the same page."""
    click(reader, "Add your GPU")
    assert seen(reader, "ol pre") == "./tunebench check"
    commands = [each.text for each in reader.find_elements(CSS, "ol pre")]
    assert any("publish" in each for each in commands)
    assert any("git push" in each for each in commands)
