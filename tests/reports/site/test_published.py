"""The site of the published results: pages told apart by title, and light enough to keep."""

import re
from collections import Counter
from pathlib import Path

import pytest

from support import sites

MOST_RECORD_BYTES = 100_000  #: of a record's page: a thousand make 100 MB


@pytest.fixture(scope="module")
def site(published_site: Path) -> Path:
    return published_site


@pytest.fixture(scope="module")
def pages(site: Path) -> list[sites.Page]:
    return sites.pages(site)


def test_every_link_resolves(site: Path, pages: list[sites.Page]) -> None:
    """Nothing points outside, to a missing file or to a missing place on a page."""
    assert sites.broken_links(site, pages) == []


def test_no_two_pages_share_a_title(pages: list[sites.Page]) -> None:
    """Bookmarks, tabs and search results tell them apart."""
    titles = Counter(page.all("title")[0].text for page in pages)
    assert len(titles) > 100
    assert [title for title, count in titles.items() if count > 1] == []


def test_the_title_of_a_result_says_what_where_and_when(pages: list[sites.Page]) -> None:
    """Method, model, GPU, day and repeat; the heading says the same."""
    pattern = re.compile(r".+ · .+ · H[12]00 · \d{1,2} \w{3} \d{4}.* \(repeat \d+ of \d+\)")
    for page in pages:
        if page.path.parent.name == "records":
            heading = page.all("h1")[0].text
            assert pattern.fullmatch(heading), heading
            assert page.all("title")[0].text == f"{heading} · Tunebench"


def test_a_page_of_a_result_is_small(site: Path) -> None:
    """Its raw samples are in the JSON beside it."""
    sizes = {path.name: path.stat().st_size for path in (site / "records").glob("*.html")}
    assert len(sizes) > 100
    assert {name: size for name, size in sizes.items() if size > MOST_RECORD_BYTES} == {}


def test_style_and_script_are_there_once(site: Path, pages: list[sites.Page]) -> None:
    """Each page links to the two files that all share, and holds no style or script itself."""
    for page in pages:
        assert page.all("style") == []
        (script,) = [e for e in page.all("script") if "type" not in e.attributes]
        (style,) = [each for each in page.all("link") if each.attributes["rel"] == "stylesheet"]
        assert script.text == ""
        for address in (script.attributes["src"], style.attributes["href"]):
            assert (page.path.parent / address).resolve().parent == site.resolve()
            assert (page.path.parent / address).is_file()


def test_a_link_in_a_chat_says_what_it_leads_to(site: Path, pages: list[sites.Page]) -> None:
    """Title, description and picture of a preview; of a result its JSON; the day of the data."""
    for page in pages:
        said = {
            each.attributes.get("property") or each.attributes.get("name", ""): each.attributes
            for each in page.all("meta")
        }
        title = page.all("title")[0].text.removesuffix(" · Tunebench")
        assert said["og:title"]["content"] == title
        assert said["description"]["content"] == said["og:description"]["content"] != ""
        assert (page.path.parent / said["og:image"]["content"]).resolve().is_file()
        assert re.search(r"Data of \d{1,2} \w{3} \d{4}\.", page.all("footer")[0].text)
        alternates = [e for e in page.all("link") if e.attributes["rel"] == "alternate"]
        if page.path.parent.name == "records":
            (json,) = alternates
            assert json.attributes["href"] == f"{page.path.stem}.json"
            numbers = r"[Tt]okens per second: [\d,]+ token/s; |Out of memory|Not supported"
            assert re.search(numbers, said["description"]["content"])


#: Columns whose rows are several quantities, each in its own unit.
_SEVERAL = {
    *("Value", "Left", "Right", "Right vs left", "Lowest", "Median", "Highest", "Detail"),
    *("Before the first step", "After the last", "Published", "Nearest here", "Running"),
    *("NVIDIA H100 SXM", "NVIDIA H200 SXM"),
}
#: Estimates have the digits that they deserve, and ratios those that their pairs allow.
_ESTIMATED = {"Predicted", "Estimated", "Predicted step", "Time", "Electricity", "Weights", "Step"}
_UNIT = r"µs|ms|s|min|h|[KMGT]iB|[kMGT]?B(?:/s)?|W|kWh|[mµ]?J(?:/token)?|%|×|[TGP]?FLOP/s|token/s"
_NUMBER = re.compile(rf"[+−]?\d[\d,]*(?:\.(\d+))?(?: ?({_UNIT})(?![a-z]))?")
_RANGE = re.compile(r"(?:below )?[\d.,]+ (?:to|and|of|to the) .*")


def _tables(page: sites.Page) -> list[list[list[str]]]:
    """The texts of each table by row, the head first."""
    rows: dict[int, tuple[sites.Element, list[str]]] = {}
    for cell in page.elements:
        if cell.tag in ("td", "th"):
            row = cell.parents[-1]
            rows.setdefault(id(row), (row, []))[1].append(cell.text.strip())
    tables: dict[int, list[list[str]]] = {}
    for row, texts in rows.values():
        table = next(each for each in reversed(row.parents) if each.tag == "table")
        tables.setdefault(id(table), []).append(texts)
    return list(tables.values())


def test_a_column_has_one_unit_and_equal_decimals(pages: list[sites.Page]) -> None:
    """Numbers of a column compare by eye, on every page."""
    odd: dict[str, object] = {}
    seen = 0
    for page in pages:
        estimates = _ESTIMATED if page.path.name == "plan.html" else {"Predicted", "Estimated"}
        for head, *body in _tables(page):
            for place, title in enumerate(head):
                if title in _SEVERAL | estimates or title.startswith("Activations"):
                    continue
                whole = [row[place] for row in body if len(row) == len(head)]
                found = [_NUMBER.match(text) for text in whole if not _RANGE.fullmatch(text)]
                units = {(each[2] or "", len(each[1] or "")) for each in found if each}
                units = {unit for unit in units if unit[0] != "×"}
                seen += len(found)
                if len(units) > 1:
                    odd[f"{page.path.parent.name}/{page.path.name}: {title}"] = units
    assert seen > 10_000
    assert odd == {}
