"""The inputs of the page that plans a job: the same numbers as the command line, in a browser."""

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import pytest

from suite.catalog import method as methods
from suite.catalog import profile as profiles
from suite.catalog import toml
from suite.cli import main
from support.browsers import Browser, needs_browser, serious, size

CSS = "css selector"
WIDTHS = (1440, 390)
MAX_Q, H100, H200 = "rtx-pro-6000-max-q", "h100-sxm", "h200-sxm"

#: Inputs of the page by their key in the address, and the same for the command line.
JOBS: Sequence[tuple[Mapping[str, str], str]] = (
    ({}, f"--model qwen3-32b --tokens 120M --gpus {MAX_Q},{H100}"),
    (
        {"price": "9,000", "kwh": "0.3", "jobs": "4", "with": f"{H100},{H200}"},
        f"--model qwen3-32b --tokens 120M --gpus {MAX_Q},{H100},{H200}"
        " --price 9000 --kwh 0.3 --jobs 4",
    ),
    (
        {"model": "qwen3-8b", "gpu": "rtx-4090", "with": "none", "tokens": "2.5M", "epochs": "3"},
        "--model qwen3-8b --tokens 2.5M --epochs 3 --gpus rtx-4090",
    ),
    (
        {"tokens": "60000 x 8192", "gpu": H100, "with": H200, "hours": "20"},
        f"--model qwen3-32b --tokens 491520000 --seq 8192 --gpus {H100},{H200} --hours 20",
    ),
    (
        {"model": "gpt-oss-120b", "gpu": "l40s", "with": H200, "length": "512"},
        f"--model gpt-oss-120b --tokens 120M --seq 512 --gpus l40s,{H200}",
    ),
    (
        {"method": "qlora", "tokens": "7000", "gpu": H200, "with": MAX_Q, "price": "40"},
        f"--model qwen3-32b --tokens 7000 --methods qlora --gpus {H200},{MAX_Q} --price 40",
    ),
    (
        {
            "gpu": H200,
            "with": "b200",
            "tokens": "3B",
            "price": "35000",
            "kwh": "0.25",
            "jobs": "3",
        },
        f"--model qwen3-32b --tokens 3B --gpus {H200},b200 --price 35000 --kwh 0.25 --jobs 3",
    ),
)


@pytest.fixture(scope="module")
def page(published_site: Path) -> str:
    return (published_site / "plan.html").as_uri()


@cache
def printed(arguments: str) -> str:
    """What the command line says of a job."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["plan", *arguments.split()]) == 0
    return said.getvalue()


def titles() -> dict[str, str]:
    """The names that the command line has for what the page calls by title."""
    gpus = {each.title.removeprefix("NVIDIA "): each.name for each in profiles.everything()}
    known = toml.every(methods.names(), methods.load)
    return gpus | {method.title: method.name for method in known}


def opened(browser: Browser, page: str, width: int, asked: Mapping[str, str]) -> None:
    size(browser, width)
    browser.get(f"{page}?{urlencode({f'plan.{key}': value for key, value in asked.items()})}")


def texts(browser: Browser, selector: str) -> list[str]:
    found = browser.find_elements(CSS, selector)
    return [" ".join(each.get_property("innerText").split()) for each in found]


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("asked", "arguments"), JOBS)
def test_the_page_says_what_the_command_line_says(
    browser: Browser, page: str, width: int, asked: Mapping[str, str], arguments: str
) -> None:
    """Every sentence and every amount of every option, in the same digits."""
    opened(browser, page, width, asked)
    sentences, _, rest = printed(arguments).partition("\n\n")
    said = texts(browser, "[data-plan-answer] p:not(.fine)")
    said[0] = said[0].removesuffix(" How we estimate")
    said += texts(browser, "[data-plan-buy] li")
    assert said == [line for line in sentences.splitlines() if line]
    rows = {
        tuple(cells[:2]): cells
        for line in rest.splitlines()
        if len(cells := re.split(r"\s{2,}", line)) >= 9
    }
    names, compared = titles(), 0
    for row in browser.find_elements(CSS, "[data-plan-options] tr"):
        method, gpu, time, memory, done, rent, energy = (
            " ".join(cell.get_property("innerText").split())
            for cell in row.find_elements(CSS, "th, td")
        )
        if done == "–":
            continue
        known = next(
            cells
            for (name, of), cells in rows.items()
            if name.partition(" ")[0] == names[gpu] and of == names[method]
        )
        _, _, fits, needs, hours, night, kwh, dollars, *_ = known
        assert memory.partition(",")[0] == needs
        assert (", " in memory) == (fits != "fits")
        assert done.startswith(night)
        for shown, wanted in ((time, hours), (rent, dollars), (energy, kwh)):
            assert shown.startswith(re.sub(r" \((.*)\)", r" \1", wanted)), (method, gpu)
        compared += 1
    assert compared or "does not fit" in said[0]


@needs_browser
@pytest.mark.parametrize(
    ("asked", "arguments"),
    [
        ({}, f"--model qwen3-32b --tokens 120M --gpus {MAX_Q},{H100}"),
        (
            {"model": "qwen3-8b", "gpu": H200, "with": "none", "tokens": "2.5B", "epochs": "3"},
            f"--model qwen3-8b --tokens 2.5B --epochs 3 --gpus {H200}",
        ),
        (
            {"gpu": H200, "with": "l40s", "method": "lora", "length": "8192"},
            f"--model qwen3-32b --tokens 120M --methods lora --seq 8192 --gpus {H200},l40s",
        ),
        (
            {"model": "gpt-oss-120b", "gpu": H200, "with": "none", "method": "qlora"},
            f"--model gpt-oss-120b --tokens 120M --methods qlora --gpus {H200}",
        ),
    ],
)
def test_several_gpus_are_answered_as_by_the_command_line(
    browser: Browser, page: str, asked: Mapping[str, str], arguments: str
) -> None:
    """One GPU, two, four and eight: the sentences that stand behind those of one."""
    opened(browser, page, 1440, asked)
    sentences, _, _ = printed(f"{arguments} --count 1,2,4,8").partition("\n\n")
    alone = len(texts(browser, "[data-plan-answer] p:not(.fine)"))
    assert texts(browser, "[data-plan-counts] p") == sentences.splitlines()[alone:]


@needs_browser
def test_every_option_of_every_gpu_is_a_row_of_the_command_line(
    browser: Browser, page: str
) -> None:
    """The folded table has as many options with a time as the whole plan."""
    opened(browser, page, 1440, {"model": "qwen3-8b", "tokens": "1M"})
    printed_rows = re.findall(
        r"(?:estimated|measured, .*)$", printed("--model qwen3-8b --tokens 1M"), re.MULTILINE
    )
    rows = browser.find_elements(CSS, "[data-plan-every] tr")
    assert len(rows) == len(printed_rows) > 30
    title = browser.find_element(CSS, "[data-plan-every-title]").text
    assert title.endswith(f": {len(rows)} options with a time")


@needs_browser
def test_without_a_script_the_page_says_the_same(browser: Browser, page: str) -> None:
    """What is written into the page is what the script makes of the default job."""
    size(browser, 1440)
    parts = ("[data-plan-answer] p", "[data-plan-counts] p", "[data-plan-options] tr > *")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page)
        written = [texts(browser, part) for part in parts]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    browser.get(page)
    assert [texts(browser, part) for part in parts] == written
    assert all(written)


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_inputs_change_the_answer_and_the_address_brings_them_back(
    browser: Browser, page: str, width: int
) -> None:
    """Typed, chosen and ticked: the answer follows, and the address opens it again."""
    opened(browser, page, width, {})
    before = texts(browser, "[data-plan-answer] p")
    typed(browser, "Tokens", "3M")
    typed(browser, "Hours", "1")
    choose(browser, "Model", "qwen3-8b")
    browser.find_element(CSS, "[data-plan-inputs] summary").click()
    browser.find_element(
        "xpath", "//div[@class='choices']/label[contains(., 'H200')]/input"
    ).click()
    after = texts(browser, "[data-plan-answer] p")
    assert len(after) == len(before) + 1
    assert "tuning Qwen3-8B on 3 M tokens" in after[0]
    assert "In the time (1 h)" in after[0]
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    assert texts(browser, "[data-plan-answer] p") == after
    choose(browser, "Model", "qwen3-32b")
    typed(browser, "Tokens", "120M")
    typed(browser, "Hours", "8")
    browser.find_element(CSS, "[data-plan-inputs] summary").click()
    browser.find_element(
        "xpath", "//div[@class='choices']/label[contains(., 'H200')]/input"
    ).click()
    assert "?" not in browser.current_url
    assert texts(browser, "[data-plan-answer] p") == before


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("label", "value", "said"),
    [
        ("Tokens", "-5M", "Tokens: write 120M"),
        ("Tokens", "", "Tokens: write 120M"),
        ("Tokens", "abc", "Tokens: write 120M"),
        ("Tokens", "1e99", "Tokens: write 120M"),
        ("Tokens", "9999999B", "Tokens: write 120M"),
        ("Tokens", "0 x 2048", "Tokens: write 120M"),
        ("Epochs", "0", "Epochs: write a number above 0, at most 10,000."),
        ("Hours", "many", "Hours: write a number above 0"),
        ("Hours", "", "Hours: write a number above 0"),
        ("Price", "-1", "Price: write a number above 0, at most 1,000,000,000, or nothing."),
        ("USD a kWh", "NaN", "Electricity: write a number above 0"),
        ("Jobs", "9" * 40, "Jobs a month: write a number above 0"),
    ],
)
def test_a_bad_input_has_a_plain_message_and_no_number(
    browser: Browser, page: str, width: int, label: str, value: str, said: str
) -> None:
    """The input is marked, the answer is gone rather than stale, and comes back."""
    opened(browser, page, width, {})
    before = texts(browser, "[data-plan-answer] p")
    field = typed(browser, label, value)
    assert field.get_attribute("aria-invalid") == "true"
    (message,) = texts(browser, "[data-plan-wrong] p")
    assert message.startswith(said)
    assert not browser.find_element(CSS, "[data-plan-answer]").is_displayed()
    assert not browser.find_element(CSS, "[data-plan-options]").is_displayed()
    assert not re.search(r"NaN|undefined|Infinity", browser.find_element(CSS, "main").text)
    usual = {"Tokens": "120M", "Epochs": "1", "Hours": "8"}
    typed(browser, label, usual.get(label, ""))
    assert field.get_attribute("aria-invalid") == "false"
    assert texts(browser, "[data-plan-answer] p") == before
    assert texts(browser, "[data-plan-wrong] p") == []


@needs_browser
def test_an_address_of_what_is_not_there_opens_the_default(browser: Browser, page: str) -> None:
    """A link to a model, GPU or length that this site lacks is no error."""
    opened(browser, page, 1440, {})
    before = texts(browser, "[data-plan-answer] p")
    asked = {"model": "<b>", "gpu": "h999", "with": "h999,h100-sxm", "length": "7", "method": "x"}
    opened(browser, page, 1440, asked)
    assert texts(browser, "[data-plan-answer] p") == before


@needs_browser
@pytest.mark.parametrize("width", WIDTHS)
def test_buying_is_drawn_where_it_crosses_renting(browser: Browser, page: str, width: int) -> None:
    """One line to buy, one for each rent; the crossing has its jobs; nothing sticks out."""
    opened(browser, page, width, {"price": "9000", "kwh": "0.3", "with": f"{H100},{H200}"})
    drawn = [each.text for each in browser.find_elements(CSS, "[data-plan-buy] svg text")]
    assert {"rent H100 SXM", "rent H200 SXM", "buy RTX PRO 6000 Blackwell Max-Q"} <= set(drawn)
    crossing = next(text for text in drawn if text.startswith("H100 SXM: "))
    jobs = crossing.removeprefix("H100 SXM: ")
    (said,) = (text for text in texts(browser, "[data-plan-buy] li") if "an H100 SXM" in text)
    assert f"about {jobs} on" in said
    assert len(browser.find_elements(CSS, "[data-plan-buy] svg path")) == 3
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(wide) <= 0
    assert serious(browser) == []


@needs_browser
@pytest.mark.parametrize("directly", [True, False])
def test_a_report_of_one_file_has_the_same_page(
    browser: Browser, page: str, published_file: Path, directly: bool
) -> None:
    """Opened there or turned to: one set of inputs that work, and links within the file."""
    opened(browser, page, 1440, {})
    before = texts(browser, "[data-plan-answer] p")
    browser.get(published_file.as_uri() + ("#plan" if directly else ""))
    if not directly:
        browser.execute_script("location.hash = 'plan'")
    assert texts(browser, "[data-plan-answer] p") == before
    fields = browser.find_elements(CSS, "[data-plan] input[type=text]")
    assert len(fields) == 6
    typed(browser, "Tokens", "3M")
    assert "on 3 M tokens" in texts(browser, "[data-plan-answer] p")[0]
    links = browser.find_elements(CSS, "[data-plan-options] a")
    assert links
    for link in links:
        assert link.get_dom_attribute("href").startswith("#records.")


def typed(browser: Browser, label: str, value: str) -> Browser:
    """Type into the input whose label begins so, and return it."""
    field = browser.find_element("xpath", f"//label[starts-with(., '{label}')]/input")
    field.clear()
    field.send_keys(value)
    return field


def choose(browser: Browser, label: str, value: str) -> None:
    place = f"//label[starts-with(., '{label}')]/select/option[@value='{value}']"
    browser.find_element("xpath", place).click()
