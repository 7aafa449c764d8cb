"""The report as one file: all pages, all links inside, nothing left out in silence."""

import json
import os
from pathlib import Path

import pytest

from reports.site import build as building
from reports.site.build import build, build_file
from suite.errors import BadInput
from suite.results.storage.folder import open_folder
from support import records, sites
from support.browsers import Browser, needs_browser, requests, serious, size

CSS = "css selector"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, left_out = build_file(sites.ordinary(), tmp_path_factory.mktemp("one") / "report.html")
    assert left_out == ""
    return place


def test_every_link_leads_to_a_place_in_the_file(report: Path) -> None:
    """No id twice and no link that leads out or nowhere, over all pages."""
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


def test_it_says_what_the_site_says(report: Path, tmp_path: Path) -> None:
    """The words of each page of the folder stand in its section, and the JSON is the record."""
    site = build(sites.ordinary(), tmp_path / "site").parent
    page = sites.Page(report)
    sections = {e.attributes["id"]: e.text for e in page.all("section") if "id" in e.attributes}
    for path in site.rglob("*.html"):
        name = path.relative_to(site).as_posix().removesuffix(".html").replace("/", ".")
        assert sections[name] == sites.Page(path).all("main")[0].text
    (first, *_) = sites.ordinary().records
    (raw,) = [
        e.text
        for e in page.all("pre")
        if e.parents[-1].attributes.get("id") == f"records.{first.record_id}.json"
    ]
    assert json.loads(raw)["record_id"] == first.record_id


def test_strangers_text_stays_text(tmp_path: Path) -> None:
    """Markup in a record gets no further than in the folder, in its JSON neither."""
    hostile = "</pre></script></main><script>alert(1)</script> id=\"x\" href='y'"
    found = sites.collection(records.record(weights=hostile, notes=(hostile,)))
    page = sites.Page(build_file(found, tmp_path / "report.html")[0])
    assert len(page.all("script")) == 1
    assert len(page.all("main")) == 1
    assert page.text.count(hostile) >= 2


def test_records_left_out_for_size_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one record the file says how many it lacks; their links lead to their rows."""
    one = sites.ordinary()
    whole, _ = build_file(sites.collection(one.records[0]), tmp_path / "whole.html")
    monkeypatch.setattr(building, "MOST_RECORDS_BYTES", whole.stat().st_size)
    place, left_out = build_file(one, tmp_path / "report.html")
    page = sites.Page(place)
    kept = [i for i in page.ids if i.startswith("records.") and i.endswith(".json")]
    assert f"of {14 - len(kept)} of 14 records" in left_out
    assert 0 < len(kept) < 14
    assert left_out in page.text
    assert sites.broken_links(place) == []
    rows = [i for i in page.ids if i.startswith("all-results--record-")]
    assert len(rows) == 14


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


@needs_browser
def test_a_reader_goes_from_a_figure_to_the_json_in_it(browser: Browser, report: Path) -> None:
    """One page shows at a time, links turn to others, back returns; no error, no request."""
    size(browser, 1280)
    browser.get("about:blank")
    requests(browser)
    browser.get(report.as_uri())

    def shown() -> list[str]:
        sections = browser.find_elements(CSS, ".page")
        return [each.get_attribute("id") for each in sections if each.is_displayed()]

    assert shown() == ["index"]
    browser.find_element(CSS, ".matrix a.number").click()
    (record,) = shown()
    assert record.startswith("records.")
    assert browser.title.startswith("Tiny ")
    browser.find_element(CSS, ".page:not([hidden]) a.json").click()
    assert shown() == [f"{record}.json"]
    browser.back()
    assert shown() == [record]
    browser.get(f"{report.as_uri()}?all-results--all.model=Tiny+Qwen3#all-results")
    assert shown() == ["all-results"]
    assert browser.find_element(CSS, ".page:not([hidden]) output").text == "8 of 14 shown"
    assert browser.find_element(CSS, "header nav [aria-current]").text == "Data"
    (within,) = (e for e in browser.find_elements(CSS, ".within") if e.is_displayed())
    assert within.find_element(CSS, "[aria-current]").text == "All results"
    next(e for e in within.find_elements(CSS, "a") if e.text == "Sessions").click()
    assert shown() == ["runs"]
    assert browser.find_element(CSS, "header nav [aria-current]").text == "Data"
    assert [u for u in requests(browser) if not u.startswith(("file:", "data:"))] == []
    assert serious(browser) == []
    assert browser.get_log("browser") == []
