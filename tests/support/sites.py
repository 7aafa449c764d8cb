"""Collections to render, and a reader of the pages that come out."""

from collections.abc import Sequence
from functools import cached_property
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from suite.results.plan import Plan
from suite.results.record import Check, Record
from suite.results.storage.problems import Problem
from suite.results.storage.reader import Collection
from support import records

CHECKS = (
    Check(name="trainable parameters", status="ok", detail="147,456 as expected"),
    Check(name="adapters attached", status="unknown", detail="long " * 30 + "y" * 60),
)
VOID = {"meta", "link", "br", "hr", "img", "input"}


def collection(
    *found: Record, plans: tuple[Plan, ...] = (), problems: tuple[Problem, ...] = ()
) -> Collection:
    return Collection(
        records=found,
        plans=plans,
        problems=problems,
        sources={record.record_id: "runs/one/journal.jsonl" for record in found},
    )


def ordinary() -> Collection:
    """Two launches of three methods: good, wrong, and one that is not there on one model."""
    found = []
    for launch in (1, 2):
        found += [
            records.record(launch=launch, seconds=0.2 + 0.01 * launch, checks=CHECKS),
            records.record(method="unsloth-lora", launch=launch, seconds=0.1),
            records.record(method="unsloth-qlora", launch=launch, seconds=0.1, loss=6.9),
            records.record(method="full", launch=launch),
            records.record("tiny-gpt-oss", launch=launch),
            records.failed(
                "tiny-gpt-oss", "qlora", launch=launch, outcome="unsupported", reason="why not"
            ),
            records.failed("tiny-gpt-oss", "full", launch=launch),
        ]
    methods = ("lora", "qlora", "unsloth-lora", "unsloth-qlora", "full")
    plan = records.plan(models=("tiny-qwen3", "tiny-gpt-oss"), methods=methods, launches=2)
    return collection(
        *found, plans=(plan,), problems=(Problem(path="x.json", reason="foreign JSON", line=3),)
    )


class Element:
    """One element with its attributes, its own and nested text, and where it stands."""

    def __init__(
        self,
        tag: str,
        attributes: dict[str, str],
        parents: tuple["Element", ...],
        texts: list[str],
    ):
        self.tag, self.attributes, self.parents = tag, attributes, parents
        #: All texts of the page, and which of them are within.
        self._texts, self._begin = texts, len(texts)
        self.end = self._begin

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts[self._begin : self.end]).split())


class Page(HTMLParser):
    """A parsed page; complains about elements that do not close in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self._texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self._open, f"{path}: {self._open[-1].tag} stays open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(self.elements[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.elements.append(Element(tag, attributes, tuple(self._open), self._texts))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"{self.path}: </{tag}> closes {self._open[-1].tag}"
        self._open.pop().end = len(self._texts)
        self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        self._texts.append(data)

    def all(self, tag: str) -> list[Element]:
        return self._by_tag.get(tag, [])

    @cached_property
    def _by_tag(self) -> dict[str, list[Element]]:
        found: dict[str, list[Element]] = {}
        for element in self.elements:
            found.setdefault(element.tag, []).append(element)
        return found

    @cached_property
    def ids(self) -> list[str]:
        return [e.attributes["id"] for e in self.elements if "id" in e.attributes]

    @cached_property
    def places(self) -> frozenset[str]:
        """What a link's fragment may name."""
        return frozenset(self.ids)

    @property
    def text(self) -> str:
        return self.all("html")[0].text

    def row(self, method: str, table: int = 0) -> str:
        """Return the text of one method's row in the nth table of methods."""
        tables = [t for t in self.all("table") if t.attributes.get("class") == "methods"]
        rows = [
            row
            for row in self.all("tr")
            if tables[table] in row.parents and row.text.split("  ")[0].startswith(f"{method} ")
        ]
        return rows[0].text


def pages(site: Path) -> list[Page]:
    return [Page(path) for path in sorted(site.rglob("*.html"))]


def broken_links(site: Path, opened: Sequence[Page] = ()) -> list[str]:
    """Return every link that leads nowhere, or out of this folder or file without saying so.

    ``opened`` are all pages of the site, where they have been parsed before.
    """
    if not opened:
        opened = [Page(site)] if site.is_file() else pages(site)
    found = {page.path: page for page in opened}
    top = site.resolve()
    broken = []
    for page in found.values():
        for link in page.all("a"):
            if link.attributes.get("rel") == "external":  # sources of published figures
                continue
            if "download" in link.attributes and link.attributes["href"].startswith("data:"):
                continue  # the address is the file
            address, _, fragment = link.attributes["href"].partition("#")
            target = (page.path.parent / unquote(address)).resolve() if address else page.path
            inside = target.is_relative_to(top) and target.is_file()
            if not inside or (fragment and fragment not in found[target].places):
                broken.append(f"{page.path.name}: {link.attributes['href']}")
    return broken


def table(page: Page, caption: str) -> list[list[str]]:
    """Return the cells' texts of the table whose caption begins so, headers left out."""
    (found,) = (each.parents[-1] for each in page.all("caption") if each.text.startswith(caption))
    rows = [row for row in page.all("tr") if found in row.parents]
    return [
        [e.text for e in page.elements if e.tag in ("th", "td") and e.parents[-1] is row]
        for row in rows
        if "tbody" in [parent.tag for parent in row.parents]
    ]


def values(page: Page) -> dict[str, list[str]]:
    """Return the exact numbers of a page by the record that they link to."""
    found: dict[str, list[str]] = {}
    for each in page.all("data"):
        if each.parents[-1].tag == "a":
            record_id = Path(each.parents[-1].attributes["href"]).stem
            found.setdefault(record_id, []).append(each.attributes["value"])
    return found


def assert_well_formed(opened: Sequence[Page]) -> None:
    """Language, one main heading, captions, header cells with a scope, no id twice."""
    for page in opened:
        assert page.all("html")[0].attributes["lang"] == "en"
        assert len(page.all("h1")) == 1
        assert len(page.ids) == len(set(page.ids))
        levels = [int(e.tag[1]) for e in page.elements if e.tag in ("h1", "h2", "h3")]
        assert all(after - before <= 1 for before, after in pairwise(levels))
        captions = page.all("caption")
        for each in page.all("table"):
            assert any(caption.parents[-1] is each for caption in captions)
        assert all("scope" in header.attributes for header in page.all("th"))
        assert not [e for e in page.elements if "style" in e.attributes]
