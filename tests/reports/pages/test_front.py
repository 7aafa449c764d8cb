"""The first screen: its findings are the data's, its picker remembers, nothing needs scrolling."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from reports.analysis.card_pairs import pairs
from reports.analysis.dataset import Dataset, load
from reports.pages.front.findings import findings
from reports.pages.front.page import FrontPage, front_page
from reports.pages.front.strip import strip
from reports.pages.overview import overview_tables
from reports.published.headline_claim import ClaimCase, claim_cases, plain_kind
from reports.site.build import build
from suite import units
from suite.paths import RESULTS
from suite.results.record import Record
from suite.results.storage.run_folder import read
from support import gpu_records, records, sites
from support.browsers import Browser, needs_browser, scheme, size

CSS = "css selector"


@pytest.fixture(scope="module")
def published() -> Dataset:
    return load(read([RESULTS]))


@pytest.fixture(scope="module")
def site(published_site: Path) -> Path:
    return published_site


def front(*found: Record) -> FrontPage:
    dataset = load(sites.collection(*found))
    return front_page(dataset, overview_tables(dataset, {}))


def test_several_gpus_are_one_click_away_where_one_stands_beside_them() -> None:
    """The link goes to the part of the model's page; without a result to compare with, none."""
    alone, two = gpu_records.record(), gpu_records.several()
    dataset = load(sites.collection(alone, two))
    page = front_page(dataset, overview_tables(dataset, {alone.case.model: "models/a.html"}))
    assert page.several_gpus == "models/a.html#scaling"
    assert front(alone).several_gpus == front(two).several_gpus == ""


def test_findings_are_those_of_the_claims_cases(published: Dataset) -> None:
    """Ranges and counts are what anyone computes from the same comparisons."""
    cases = claim_cases(published)
    equal = [case.baselines[k] for case in cases if (k := plain_kind(case)) in case.baselines]
    speeds = [base.throughput.value for base in equal if base.throughput]
    kept = [1 - base.memory.value for base in equal if base.memory]
    smaller = [
        1 - base.memory.value
        for case in cases
        if plain_kind(case) == "quantized" and (base := case.baselines.get("plain"))
        if base.memory
    ]
    speed, memory, gpus = findings(published)
    assert speed.headline == f"{min(speeds):.1f}–{max(speeds):.1f}× as fast"
    assert f"({len(speeds)} comparisons)" in speed.text
    share = f"{min(smaller) * 100:.0f}–{max(smaller) * 100:.0f} %"
    assert memory.headline == f"{share} less memory"
    assert f"saves {min(kept) * 100:.0f}–{max(kept) * 100:.0f} %" in memory.text
    (pair,) = pairs(published)
    assert pair.mean is not None
    assert units.ratio(max(pair.mean, 1 / pair.mean)) in gpus.headline
    assert f"{pair.counting} shared cases" in gpus.text


def test_the_strip_has_a_dot_for_each_comparison(published: Dataset) -> None:
    """No comparison that has a pair of one launch is left out."""
    found = strip(published)
    assert found is not None

    def compared(case: ClaimCase, kind: str) -> bool:
        base = case.baselines.get(kind)
        return base is not None and base.throughput is not None

    cases = claim_cases(published)
    naive, liger = (sum(compared(case, kind) for case in cases) for kind in ("naive", "liger"))
    plain = sum(compared(case, plain_kind(case)) for case in cases)
    assert [len(row.dots) for row in found.rows] == [naive, plain, liger]
    assert all(0 <= dot.at <= 100 for row in found.rows for dot in row.dots)


def test_titles_and_sentences_are_short(published: Dataset) -> None:
    """A chart's finding has a dozen words at most, a sentence twenty."""
    page = front_page(published, overview_tables(published, {}))
    assert page.strip is not None
    titles = [plot.title for model in page.models for plot in model.plots]
    assert all(len(title.split()) <= 12 for title in (*titles, page.strip.title))
    said = [*page.scope, *(each.text for each in page.findings)]
    said += [plot.subtitle for model in page.models for plot in model.plots]
    sentences = [one for text in said for one in text.split(". ")]
    assert max(len(one.split()) for one in sentences) <= 20


def test_the_page_is_light_and_begins_with_the_usual_model(site: Path) -> None:
    """And its numbers are in a file behind a link that needs no server."""
    path = site / "index.html"
    assert path.stat().st_size < 120 << 10
    page = sites.Page(path)
    shown = [each for each in page.all("section") if "data-model" in each.attributes]
    first = [each.attributes for each in shown if "hidden" not in each.attributes]
    assert first[0]["data-model"] == "qwen3-32b"
    assert {each["data-metric"] for each in first} == {"speed"}
    (link,) = [each for each in page.all("a") if "download" in each.attributes]
    rows = unquote(link.attributes["href"]).splitlines()
    assert rows[0].endswith("model,metric,method,gpu,value in SI units")
    numbers = [e for e in page.all("data") if any(p in shown for p in e.parents)]
    assert len(rows) - 1 == len(numbers)


def test_another_model_than_the_smallest_comes_first() -> None:
    """Also where the usual one was not measured; a single one is shown all the same."""
    small, large = gpu_records.record("qwen3-0.6b"), gpu_records.record("qwen3-8b")
    assert front(small, large).models[0].name == "qwen3-8b"
    assert [each.name for each in front(small).models] == ["qwen3-0.6b"]


def test_a_method_without_a_number_says_why() -> None:
    """Out of memory is a word that leads to the record; what never ran is said to be so."""
    page = front(gpu_records.record(), gpu_records.failed(method="full"))
    rows = page.models[0].plots[0].rows
    texts = {row.method: row.figures[0].text for row in rows}
    assert texts["Full fine-tuning"] == "out of memory"
    assert not any(row.fastest for row in rows), "nothing was compared"


def test_the_fastest_is_faster_than_every_other_row() -> None:
    """Adapters and full fine-tuning are two races; the plot shows one winner of both."""
    seconds = {"lora": 0.2, "unsloth-lora": 0.1, "full": 0.4, "unsloth-full": 0.3}
    page = front(*(gpu_records.record(method=m, seconds=s) for m, s in seconds.items()))
    rows = page.models[0].plots[0].rows
    assert [row.method for row in rows if row.fastest] == ["Unsloth LoRA"]


def test_without_a_gpu_nothing_is_empty(tmp_path: Path) -> None:
    """A CPU's results have a neutral title, no finding, no claim and no fastest method."""
    cpu = [records.record(seconds=0.2), records.record(method="unsloth-lora", seconds=0.1)]
    found = front(*cpu)
    assert found.title == "Fine-tuning methods, side by side"
    assert found.findings == ()
    assert found.strip is None
    rows = [row for model in found.models for plot in model.plots for row in plot.rows]
    assert rows
    assert not any(row.fastest for row in rows)
    page = sites.Page(build(sites.collection(*cpu), tmp_path / "site"))
    for tag in ("ul", "section", "tbody", "h2", "p"):
        assert all(each.text for each in page.all(tag)), f"an empty {tag}"


def test_without_any_number_the_page_still_leads_on(tmp_path: Path) -> None:
    """Only failures: no plot, no picker, no file to download, no page without an answer."""
    page = sites.Page(build(sites.collection(gpu_records.failed()), tmp_path / "site"))
    assert not [each for each in page.elements if "data-front" in each.attributes]
    assert not [each for each in page.all("a") if "download" in each.attributes]
    assert "Check or repeat a number" in page.text
    assert "Is the claim I read true?" not in page.text


@pytest.fixture
def opened(browser: Browser, site: Path) -> Iterator[Browser]:
    size(browser, 1440)
    scheme(browser, "light")
    browser.get((site / "index.html").as_uri())
    yield browser
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def shown(browser: Browser) -> list[tuple[str, str]]:
    plots = browser.find_elements(CSS, "section[data-model]")
    return [
        (each.get_attribute("data-model"), each.get_attribute("data-metric"))
        for each in plots
        if each.is_displayed()
    ]


@needs_browser
def test_the_choice_is_in_the_address(opened: Browser) -> None:
    """A link to a model's memory shows it again; the usual choice needs no words."""
    assert shown(opened) == [("qwen3-32b", "speed")]
    opened.find_element(CSS, "[data-pick=model] [value='qwen3-8b']").click()
    opened.find_element(CSS, "[data-pick=metric] [value=memory]").click()
    assert shown(opened) == [("qwen3-8b", "memory")]
    address = opened.current_url
    assert address.endswith("?front.model=qwen3-8b&front.metric=memory")
    opened.get("about:blank")
    opened.get(address)
    assert shown(opened) == [("qwen3-8b", "memory")]
    opened.find_element(CSS, "[data-pick=model] [value='qwen3-32b']").click()
    opened.find_element(CSS, "[data-pick=metric] [value=speed]").click()
    assert "front." not in opened.current_url
    opened.get(f"{address.partition('?')[0]}?front.model=nothing")
    assert shown(opened) == [("qwen3-32b", "speed")]


@needs_browser
def test_a_gpu_can_be_taken_away_and_is_in_the_address(opened: Browser) -> None:
    """Its name in the head is the button; its numbers and marks go, the other GPU's stay."""

    def marks(kind: str) -> set[bool]:
        found = opened.find_elements(CSS, f".dots:not([hidden]) tbody svg .{kind}")
        return {each.value_of_css_property("visibility") == "visible" for each in found}

    def press(name: str) -> None:
        buttons = opened.find_elements(CSS, ".dots:not([hidden]) .gpu")
        next(each for each in buttons if each.text == name).click()

    assert (marks("open"), marks("full")) == ({True}, {True})
    press("H100")
    assert (marks("open"), marks("full")) == ({False}, {True})
    cells = opened.find_elements(CSS, ".dots:not([hidden]) tbody .n1")
    assert cells
    assert not any(each.is_displayed() for each in cells)
    address = opened.current_url
    assert address.endswith("?front.without=H100")
    press("H200")
    assert (marks("open"), marks("full")) == ({True}, {False})
    press("H200")
    assert (marks("open"), marks("full")) == ({True}, {True})
    assert "front." not in opened.current_url
    opened.get("about:blank")
    opened.get(address)
    assert (marks("open"), marks("full")) == ({False}, {True})
    opened.get(f"{address.partition('?')[0]}?front.without=nothing")
    assert (marks("open"), marks("full")) == ({True}, {True})


@needs_browser
def test_without_a_script_all_models_are_there(opened: Browser) -> None:
    """One below another, by their first metric, and no button that does nothing."""
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    opened.refresh()
    found = shown(opened)
    assert len(found) > 1
    assert {metric for _, metric in found} == {"speed"}
    assert not opened.find_element(CSS, "[data-front]").is_displayed()


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 800), (390, 844)])
def test_the_answer_needs_no_scrolling(opened: Browser, width: int, height: int) -> None:
    """Findings and the whole plot are in the first window; on a wide one also what is next."""
    size(opened, width, height)
    opened.refresh()
    parts = [".findings", ".dotplot", *([".strip", ".tasks"] if width > 600 else [])]
    for part in parts:
        (found,) = [e for e in opened.find_elements(CSS, part) if e.is_displayed()]
        assert found.rect["y"] + found.rect["height"] <= height, part
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
