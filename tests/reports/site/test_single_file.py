"""The report as one file: all pages, all links inside, nothing left out in silence."""

import json
import os
from pathlib import Path

import pytest

from reports.site import build as building
from reports.site.build import build, build_file
from suite.errors import BadInput
from suite.paths import RESULTS
from suite.results.record import Record
from suite.results.storage.folder import open_folder
from suite.results.storage.run_folder import read
from support import records, sites
from support.browsers import Browser, needs_browser, requests, serious, size

CSS = "css selector"


MOST_BYTES = 3_000_000  #: of the published results in one file
MOST_OPENING_SHARE = 0.2  #: of a file's elements that a browser has to lay out at first


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, left_out = build_file(sites.ordinary(), tmp_path_factory.mktemp("one") / "report.html")
    assert left_out == ""
    return place


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("raw") / "report.html"
    assert build_file(sites.ordinary(), place, with_raw=True)[1] == ""
    return place


@pytest.fixture(scope="module")
def published(published_file: Path) -> Path:
    return published_file


@pytest.mark.parametrize("kind", ["report", "raw", "published"])
def test_every_link_leads_to_a_place_in_the_file(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """No id twice and no link that leads out or nowhere, over all pages."""
    report = request.getfixturevalue(kind)
    page = sites.Page(report)
    ids = set(page.ids)
    assert len(page.ids) == len(ids)
    assert sites.broken_links(report) == []
    inside = [a for a in page.all("a") if a.attributes.get("rel") != "external"]
    held = [a for a in inside if "download" in a.attributes]  # the address is the file
    assert all(a.attributes["href"].startswith("data:text/csv") for a in held)
    assert all(a.attributes["href"].startswith("#") for a in inside if a not in held)
    for name in ("aria-labelledby", "aria-controls", "for"):
        for element in page.elements:
            assert set(element.attributes.get(name, "").split()) <= ids


def test_with_raw_it_says_what_the_site_says(raw: Path, tmp_path: Path) -> None:
    """The words of each page of the folder stand in its section, and the JSON is the record."""
    site = build(sites.ordinary(), tmp_path / "site").parent
    page = sites.Page(raw)
    sections = {e.attributes["id"]: e.text for e in page.all("section") if "id" in e.attributes}
    for path in site.rglob("*.html"):
        name = path.relative_to(site).as_posix().removesuffix(".html").replace("/", ".")
        whole = sites.Page(path)
        said = whole.all("main")[0].text
        for each in whole.all("nav"):
            if each.attributes.get("class") == "within" and "." in name:
                said = said.replace(each.text, "", 1).strip()
        assert sections[name] == said.replace(" · CSV · SVG", ""), "files beside a page"
    (first, *_) = sites.ordinary().records
    (raw,) = [
        e.text
        for e in page.all("pre")
        if e.parents[-1].attributes.get("id") == f"records.{first.record_id}.json"
    ]
    assert json.loads(raw)["record_id"] == first.record_id


def test_without_raw_it_has_the_numbers_of_each_record(report: Path, raw: Path) -> None:
    """Title, first numbers and every metric are those of the whole page; no step and no JSON."""
    brief, whole = sites.Page(report), sites.Page(raw)
    for record in sites.ordinary().records:
        said, all_said = (
            {e.text for e in page.elements if e.tag in ("h1", "dd", "td") and _within(e, record)}
            for page in (brief, whole)
        )
        assert len(said) > 10
        assert said <= all_said
    for ending in ("--steps", ".json"):
        assert [i for i in brief.ids if i.startswith("records.") and i.endswith(ending)] == []
        assert [i for i in whole.ids if i.startswith("records.") and i.endswith(ending)]


def _within(element: sites.Element, record: Record) -> bool:
    return f"records.{record.record_id}" in [e.attributes.get("id") for e in element.parents]


def test_the_published_results_are_small(published: Path) -> None:
    """They fit a mail, with a page for each record or the count of those left out."""
    assert published.stat().st_size <= MOST_BYTES
    page = sites.Page(published)
    kept = sum(e.attributes.get("data-page", "").startswith("records.") for e in page.elements)
    total = len(read([RESULTS]).records)
    assert kept == total or f"the pages of {total - kept:,} of {total:,} records" in page.text


def test_strangers_text_stays_text(tmp_path: Path) -> None:
    """Markup in a record gets no further than in the folder, in its JSON neither."""
    hostile = "</pre></script></main><script>alert(1)</script> id=\"x\" href='y'"
    found = sites.collection(records.record(weights=hostile, notes=(hostile,)))
    page = sites.Page(build_file(found, tmp_path / "report.html", with_raw=True)[0])
    assert len([e for e in page.all("script") if "type" not in e.attributes]) == 1
    assert len(page.all("main")) == 1
    assert page.text.count(hostile) >= 2


def test_records_left_out_for_size_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one record the file says how many it lacks; their links lead to their rows."""
    one = sites.ordinary()
    whole, _ = build_file(one, tmp_path / "whole.html")
    monkeypatch.setattr(building, "MOST_FILE_BYTES", whole.stat().st_size - 20_000)
    place, left_out = build_file(one, tmp_path / "report.html")
    page = sites.Page(place)
    kept = [e for e in page.elements if e.attributes.get("data-page", "")[:8] == "records."]
    assert f"of {14 - len(kept)} of 14 records" in left_out
    assert 0 < len(kept) < 14
    assert left_out in page.text
    assert place.stat().st_size <= whole.stat().st_size - 20_000 + len(left_out) + 40
    assert sites.broken_links(place) == []
    rows = [i for i in page.ids if i.startswith("all-results--record-")]
    assert len(rows) == 14


def test_pages_of_two_records_go_first_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each record stays; a link to the two of them leads to the row of the first."""
    found = [
        records.record(run_id=f"run-{day}", started_at=f"2026-11-0{day}T00:00:00Z")
        for day in (1, 2, 3)
    ]
    whole, _ = build_file(sites.collection(*found), tmp_path / "whole.html")
    monkeypatch.setattr(building, "MOST_FILE_BYTES", whole.stat().st_size - 1_000)
    place, left_out = build_file(sites.collection(*found), tmp_path / "report.html")
    assert "leaves out the pages that set two records side by side (1)" in left_out
    assert sites.broken_links(place) == []
    kept = [
        e.attributes.get("data-page", "").partition(".")[0] for e in sites.Page(place).elements
    ]
    assert (kept.count("records"), kept.count("diffs")) == (3, 1)


def test_only_an_earlier_report_is_replaced(report: Path, tmp_path: Path) -> None:
    """Somebody's own page, or a folder, is refused untouched."""
    own = tmp_path / "own.html"
    own.write_text("<h1>precious</h1>")
    (tmp_path / "folder").mkdir()
    for name in ("own.html", "folder"):
        with pytest.raises(BadInput, match=r"no earlier report|a folder is there"):
            build_file(sites.ordinary(), tmp_path / name)
    assert own.read_text() == "<h1>precious</h1>"
    before = report.read_bytes()
    build_file(sites.ordinary(), report)
    assert report.read_bytes() == before


def test_what_a_killed_report_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Its half file goes; one that is being written now, or has another name, stays."""
    for name in ("0123abcd", "01234567"):
        (tmp_path / f".report.html.{name}.part").write_text("half")
    (tmp_path / ".other.html.0123abcd.part").write_text("precious")
    with open_folder(tmp_path) as folder:
        held = folder.locked(".report.html.01234567.part")
    build_file(sites.ordinary(), tmp_path / "report.html")
    os.close(held)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*("report.html", ".report.html.01234567.part", ".other.html.0123abcd.part")}


def shown(browser: Browser) -> str:
    """Return the one page that is in the document."""
    (section,) = browser.find_elements(CSS, ".page")
    assert section.is_displayed()
    return str(section.get_attribute("id"))


@needs_browser
def test_a_reader_goes_from_a_figure_to_the_json_in_it(browser: Browser, raw: Path) -> None:
    """One page shows at a time, links turn to others, Back returns; no error, no request."""
    size(browser, 1280)
    browser.get("about:blank")
    requests(browser)
    browser.get(raw.as_uri())
    assert shown(browser) == "index"
    browser.find_element(CSS, ".matrix a.number").click()
    record = shown(browser)
    assert record.startswith("records.")
    assert "Tiny " in browser.title
    browser.find_element(CSS, "a.json").click()
    assert shown(browser) == f"{record}.json"
    browser.back()
    assert shown(browser) == record
    browser.get(f"{raw.as_uri()}?all-results--all.model=Tiny+Qwen3#all-results")
    assert shown(browser) == "all-results"
    assert browser.find_element(CSS, ".page output").text == "8 of 14 shown"
    assert browser.find_element(CSS, "header nav [aria-current]").text == "Data"
    within = browser.find_element(CSS, ".page .within")
    assert within.find_element(CSS, "[aria-current]").text == "All results"
    next(e for e in within.find_elements(CSS, "a") if e.text == "Sessions").click()
    assert shown(browser) == "runs"
    assert browser.find_element(CSS, "header nav [aria-current]").text == "Data"
    assert [u for u in requests(browser) if not u.startswith(("file:", "data:"))] == []
    assert serious(browser) == []
    assert browser.get_log("browser") == []


@needs_browser
def test_pages_keep_their_state_and_their_place(browser: Browser, published: Path) -> None:
    """A filter set on one page is there after another; Back goes to where the reader was."""
    size(browser, 1280)
    browser.get("about:blank")
    browser.get(f"{published.as_uri()}#all-results")
    find = browser.find_element(CSS, ".tools input[type=search]")
    find.send_keys("Qwen3-32B")
    counted = browser.find_element(CSS, ".tools output").text
    assert not counted.startswith("0 of")
    links = browser.find_elements(
        CSS, "[data-table='all-results--all'] tbody tr:not([hidden]) th a"
    )
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", links[-1])
    place = browser.execute_script("return scrollY")
    assert place > 0
    title, name = browser.title, links[-1].get_attribute("hash").removeprefix("#")
    links[-1].click()
    assert shown(browser) == name
    assert "Qwen3-32B" in browser.title
    assert browser.execute_script("return scrollY") == 0
    browser.back()
    assert (shown(browser), browser.title) == ("all-results", title)
    assert browser.find_element(CSS, ".tools output").text == counted
    assert browser.execute_script("return scrollY") == pytest.approx(place, abs=2)
    browser.refresh()
    assert browser.find_element(CSS, ".tools output").text == counted, "the address has it"
    assert browser.get_log("browser") == []


@needs_browser
def test_a_link_leads_to_a_place_within_a_page(browser: Browser, published: Path) -> None:
    """Also into a page whose own name has the sign between page and place."""
    ids = sites.Page(published).ids
    pair = next(i for i in ids if i.startswith("card-against-card.") and i.count("--") == 2)
    for anchor in ("how-it-was-measured--step_seconds", pair):
        browser.get("about:blank")
        browser.get(f"{published.as_uri()}#{anchor}")
        assert shown(browser) == anchor.rpartition("--")[0]
        top = browser.execute_script(
            "return document.getElementById(arguments[0]).getBoundingClientRect().top", anchor
        )
        assert -1 <= top < 900


@needs_browser
def test_opening_it_costs_one_page(browser: Browser, published: Path) -> None:
    """What waits in templates is laid out by nobody: the document has few of all elements."""
    browser.get("about:blank")
    browser.get(published.as_uri())
    laid_out = browser.execute_script("return document.querySelectorAll('*').length")
    assert laid_out < MOST_OPENING_SHARE * len(sites.Page(published).elements)
