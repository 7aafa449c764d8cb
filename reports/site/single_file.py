"""One file that holds the whole site: each page a template, each link an anchor.

Works on the text of finished pages. Every value in them is escaped, so that ``id="`` and its like
stand in tags alone.
"""

import html
import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from urllib.parse import unquote

MARK = '<meta name="generator" content="tunebench'
_MAIN = '<main id="main">'
_HEADER = "</header>"
_ID = re.compile(r' (id|for|data-table|aria-labelledby|aria-describedby|aria-controls)="([^"]+)"')
_PAINT = re.compile(r'="url\(#([^)"]+)\)"')
_LINK = re.compile(r' href="([^"]*)"')
_TITLE = re.compile(r"<title>([^<]*)</title>")
_CURRENT = re.compile(r'<a href="([^"]*)" aria-current=')
_NEIGHBOURS = re.compile(r'<nav class="within".*?</nav>', re.DOTALL)
_NO_SCRIPT = (
    '<noscript><p class="warning">This file turns its pages with JavaScript. A report built as a'
    " folder needs none.</p></noscript>\n"
)


def join(pages: Iterable[tuple[str, str]], left_out: str) -> Iterator[str]:
    """Yield the text of one page that holds all of ``pages``: addresses in the site and texts.

    The first shows first. A record's JSON follows its page, under the address with ``.json``.
    Links to a record that is not there lead to its row of all results; ``left_out`` says which,
    a sentence in plain text that stands above every page, or is empty.
    """
    waiting = iter(pages)
    address, text = next(waiting)
    head, _, _ = text.partition(_MAIN)
    _, _, foot = text.rpartition("</main>")
    rest = list(waiting)
    present = {address, *(name for name, _ in rest)}
    opening = "".join(head.partition(_HEADER)[:2])
    yield _LINK.sub(lambda link: _to_anchor(link, address, present, own=False), opening)
    yield f"\n{_MAIN}\n{_NO_SCRIPT}"
    if left_out:
        yield f'<p class="warning">{html.escape(left_out)}</p>\n'
    yield f"{_section(address, text, present)}</main>\n"
    for name, content in rest:
        yield _template(name, content, present)
    yield foot


def anchor(address: str) -> str:
    """Return the id of a page's section: ``records.0123`` of ``records/0123.html``."""
    return address.removesuffix(".html").replace("/", ".")


def fitting(
    pages: Sequence[tuple[str, str]], more: Iterable[Sequence[tuple[str, str]]], most: int
) -> list[Sequence[tuple[str, str]]]:
    """Return, of groups of pages, the first that a file of ``most`` bytes has room for.

    ``pages`` are in it whatever they take.
    """
    seen: list[Sequence[tuple[str, str]]] = []
    whole = _room(pages, most, _Everything())
    for files in more:
        seen.append(files)
        whole -= sum(_weight(page, _Everything()) for page in files)
        if whole < 0:
            break
    else:
        return seen
    # A link to what is not there is another: longer, where it leads to a row instead.
    there = frozenset(name for name, _ in pages)
    room = _room(pages, most, there)
    for count, files in enumerate(seen):
        room -= sum(_weight(page, there) for page in files)
        if room < 0:
            return seen[:count]
    return seen


def _room(pages: Sequence[tuple[str, str]], most: int, present: Container[str]) -> int:
    (_, first), *others = pages
    return most - len(first.encode()) - sum(_weight(page, present) for page in others)


def _weight(page: tuple[str, str], present: Container[str]) -> int:
    """Return how many bytes a page adds to the file, of which there is one head for all."""
    return len(_template(*page, present).encode("utf-8", errors="replace"))


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


def _template(address: str, text: str, present: Container[str]) -> str:
    made = _json if address.endswith(".json") else _section
    name = anchor(address)
    return f'<template data-page="{name}">{made(address, text, present)}</template>\n'


def _inner(address: str, text: str) -> str:
    """Return what is a page's own.

    Pages of one thing have no links to their way's other pages: on hundreds they would be heavy,
    and the header leads to them.
    """
    inner = text.partition(_MAIN)[2].rpartition("</main>")[0]
    return _NEIGHBOURS.sub("", inner) if "/" in address else inner


def _section(address: str, text: str, present: Container[str]) -> str:
    name, inner = anchor(address), _inner(address, text)
    title = found[1] if (found := _TITLE.search(text)) else name
    inner = _ID.sub(lambda each: f' {each[1]}="{_own(name, each[2])}"', inner)
    inner = _PAINT.sub(lambda each: f'="url(#{name}--{each[1]})"', inner)
    inner = _LINK.sub(lambda link: _to_anchor(link, address, present, own=True), inner)
    label = title.removesuffix(" · Tunebench")
    marked = _CURRENT.search(text.partition(_HEADER)[0])
    current = anchor(_target(marked[1], address)) if marked else ""
    return (
        f'<section class="page" id="{name}" aria-label="{label}" data-title="{title}"'
        f' data-current="{html.escape(current)}">{inner}</section>\n'
    )


def _json(address: str, text: str, _: Container[str]) -> str:
    """Return a record's JSON as text; it belongs to the page before it, so it is one itself."""
    name = anchor(address)
    label = f"The record {posixpath.basename(address)}"
    back = anchor(address.removesuffix(".json") + ".html")
    return (
        f'<section class="page" id="{name}" aria-label="{label}" data-title="{label}">'
        f'<p class="crumb"><a href="#{back}">Its page</a></p><h1>{label}</h1>'
        f'<pre class="whole" tabindex="0">{html.escape(text, quote=False)}</pre></section>\n'
    )


def _own(page: str, ids: str) -> str:
    return " ".join(f"{page}--{each}" for each in ids.split())


def _target(link: str, address: str) -> str:
    """Return the address in the site that a page's link leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(address), unquote(link)))


def _to_anchor(link: re.Match[str], address: str, present: Container[str], *, own: bool) -> str:
    """Return the link with its target in this file; one to elsewhere stays as it is.

    What is not there is a page of a record, or of two: the row of the first stands in for it.
    """
    target, _, fragment = html.unescape(link[1]).partition("#")
    if ":" in target or (not target and not own):
        return link[0]
    page = _target(target, address) if target else address
    if page not in present:
        row = posixpath.basename(page).partition(".")[0].partition("--")[0]
        return f' href="#{html.escape(anchor("all-results.html"))}--record-{html.escape(row)}"'
    found = anchor(page) + (f"--{fragment}" if fragment else "")
    return f' href="#{html.escape(found)}"'
