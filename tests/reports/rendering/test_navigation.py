"""Five ways in: each page is in one of them, says where it is, and is found from every other."""

from pathlib import Path

import pytest

from reports.rendering import navigation
from reports.rendering.render import TEMPLATES
from support import sites


@pytest.fixture(scope="module")
def site(published_site: Path) -> Path:
    return published_site


def _links(page: sites.Page, label: str) -> list[sites.Element]:
    navs = [e for e in page.all("nav") if e.attributes["aria-label"] == label]
    return [e for e in page.all("a") if any(nav in e.parents for nav in navs)]


def test_every_template_of_a_page_is_in_one_way() -> None:
    """None is built that nobody can find, and none is listed that is not there."""
    listed = navigation.page_names()
    assert len(listed) == len(set(listed))
    assert set(listed) == {path.name for path in (TEMPLATES / "pages").glob("*.html")}


def test_each_page_says_in_which_way_it_is(site: Path) -> None:
    """One way is current, and below it the page, of which the others of the way are beside it."""
    seen = 0
    for way in navigation.WAYS:
        for place in way.pages:
            page = sites.Page(site / place.address)
            ways = _links(page, "Pages")
            assert [each.text for each in ways] == [each.title for each in navigation.WAYS]
            current = [each.text for each in ways if "aria-current" in each.attributes]
            assert current == [way.title]
            if len(way.pages) > 1:
                beside = _links(page, way.title)
                assert [e.attributes["href"] for e in beside] == [e.address for e in way.pages]
                (own,) = [e for e in beside if "aria-current" in e.attributes]
                assert own.attributes == {"href": place.address, "aria-current": "page"}
            seen += 1
    assert seen + 1 == len(navigation.page_names())
    aside = sites.Page(site / navigation.ASIDE.address)
    assert not [each for each in _links(aside, "Pages") if "aria-current" in each.attributes]
    (own,) = [e for e in aside.all("a") if e.attributes.get("class") == "aside"]
    assert own.attributes["aria-current"] == "page"


@pytest.mark.parametrize("folder", sorted(navigation.PARENTS))
def test_a_page_of_one_thing_is_in_the_way_it_comes_from(site: Path, folder: str) -> None:
    """Its way is marked, and no page says that a link to another is itself."""
    page = sites.Page(next((site / folder).glob("*.html")))
    (way,) = [each for each in navigation.WAYS if each.holds(navigation.PARENTS[folder])]
    current = [e for e in _links(page, "Pages") if "aria-current" in e.attributes]
    assert [(e.text, e.attributes["aria-current"]) for e in current] == [(way.title, "true")]


def test_titles_name_gpus_and_month(site: Path) -> None:
    """A tab or a bookmark says of what and of when."""
    for name in navigation.page_names():
        title = sites.Page(site / name).all("title")[0]  # others are of drawings
        assert title.text.endswith(" · Tunebench")
        assert "H100 and H200 · " in title.text
        assert "2026" in title.text
