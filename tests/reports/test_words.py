"""Pages say what readers already know: no private word stands in what they show."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.rendering.render import TEMPLATES
from support.plain_words import GONE, private_words

UNREAD = {"code", "pre", "script", "style"}
#: What is read without being between tags: tooltips, names for screen readers, heads of columns.
SHOWN = {"title", "aria-label", "data-label", "data-title"}
#: Still to be written anew: only words that stand nowhere any more are looked for.
LATER = ("records/", "each/record.html")
#: A stored record's word; pages say result. Sources of a fact may name records.
RECORD = re.compile(r"(?<![-\w/])records?(?![-\w/])(?! in )", re.IGNORECASE)
JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)


class _Text(HTMLParser):
    """What a reader sees of a page, code and file names left out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unread = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in UNREAD
        # Dots keep what stands in an attribute from reading on in the text.
        self.parts += [f" . {value} . " for name, value in attrs if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.parts.append(data)


def _found(page: str, *, later: bool = False) -> list[str]:
    """Return each private word of a page in its surroundings, with the plain one."""
    text = " ".join(_Text(page).parts)
    if later:
        return private_words(text, GONE)
    records = [f"{each.group()!r}, say 'result'" for each in RECORD.finditer(text)]
    return [*private_words(text), *records]


def _all(folder: Path) -> dict[str, list[str]]:
    """Return what was found on each page, or in each template, of a folder."""
    found = {}
    for page in sorted(folder.rglob("*.html")):
        name = page.relative_to(folder).as_posix()
        text = JINJA.sub(" ", page.read_text(encoding="utf-8"))
        if said := _found(text, later=name.startswith(LATER)):
            found[name] = said
    return found


@pytest.fixture(scope="module")
def site(published_site: Path) -> Path:
    return published_site


def test_pages_have_no_private_words(site: Path) -> None:
    """What one person made up, others have to look up."""
    assert len(list(site.rglob("*.html"))) > 20
    found = _all(site)
    assert not found, "\n".join(f"{page}: {said[0]}" for page, said in list(found.items())[:40])


def test_templates_have_no_private_words() -> None:
    """What a page says where something is missing, which the published results do not show."""
    found = _all(TEMPLATES)
    assert not found, "\n".join(f"{page}: {said}" for page, said in found.items())


def test_a_private_word_is_seen() -> None:
    """In text and tooltips it is found; in code and as a file's name it may stand."""
    assert len(_found('<p title="card">One <b>card</b>, 2 Launches, no record</p>')) == 4
    kept = "<p>20 k kernel launches, <code>--launches 3</code>, card-against-card.html</p>"
    assert _found(kept) == []
