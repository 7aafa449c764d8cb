"""One file that holds the whole site: each page a section, each link an anchor.

Works on the text of finished pages. Every value in them is escaped, so that ``id="`` and its like
stand in tags alone.
"""

import html
import posixpath
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

MARK = '<meta name="generator" content="tunebench'
FIRST = "index.html"
_MAIN = '<main id="main">'
_ID = re.compile(r' (id|for|data-table|aria-labelledby|aria-describedby|aria-controls)="([^"]+)"')
_PAINT = re.compile(r'="url\(#([^)"]+)\)"')
_LINK = re.compile(r' href="([^"]*)"')
_TITLE = re.compile(r"<title>([^<]*)</title>")


def join(pages: Iterable[tuple[str, str]], left_out: str) -> Iterator[str]:
    """Yield the text of one page that holds all of ``pages``: addresses in the site and texts.

    ``FIRST`` comes first. A record's JSON follows its page, under the address with ``.json``.
    Links to a record that is not there lead to its row of all results; ``left_out`` says which,
    a sentence in plain text that stands above every page, or is empty.
    """
    waiting = iter(pages)
    address, text = next(waiting)
    head, _, _ = text.partition(_MAIN)
    _, _, foot = text.rpartition("</main>")
    rest = list(waiting)
    present = {address, *(name for name, _ in rest)}
    yield _LINK.sub(lambda link: _to_anchor(link, address, present, own=False), head)
    yield f"{_MAIN}\n"
    if left_out:
        yield f'<p class="warning">{html.escape(left_out)}</p>\n'
    for name, content in ((address, text), *rest):
        yield _json(name, content) if name.endswith(".json") else _section(name, content, present)
    yield f"</main>{foot}"


def anchor(address: str) -> str:
    """Return the id of a page's section: ``records.0123`` of ``records/0123.html``."""
    return address.removesuffix(".html").replace("/", ".")


def _section(address: str, text: str, present: set[str]) -> str:
    name = anchor(address)
    inner = text.partition(_MAIN)[2].rpartition("</main>")[0]
    title = found[1] if (found := _TITLE.search(text)) else name
    inner = _ID.sub(lambda each: f' {each[1]}="{_own(name, each[2])}"', inner)
    inner = _PAINT.sub(lambda each: f'="url(#{name}--{each[1]})"', inner)
    inner = _LINK.sub(lambda link: _to_anchor(link, address, present, own=True), inner)
    label = title.removesuffix(" · Tunebench")
    opening = f'<section class="page" id="{name}" aria-label="{label}" data-title="{title}">'
    return f"{opening}{inner}</section>\n"


def _json(address: str, text: str) -> str:
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


def _to_anchor(link: re.Match[str], address: str, present: set[str], *, own: bool) -> str:
    """Return the link with its target in this file; one to elsewhere stays as it is."""
    target, _, fragment = html.unescape(link[1]).partition("#")
    if ":" in target or (not target and not own):
        return link[0]
    page = address
    if target:
        page = posixpath.normpath(posixpath.join(posixpath.dirname(address), unquote(target)))
    if page not in present:
        row = posixpath.basename(page).partition(".")[0]
        return f' href="#{html.escape(anchor("all-results.html"))}--record-{html.escape(row)}"'
    found = anchor(page) + (f"--{fragment}" if fragment else "")
    return f' href="#{html.escape(found)}"'
