"""What a page looks like on paper: Chromium's own print, read back as words and their places.

Reads no more of PDF than Chromium writes: fonts with a map to Unicode, text one glyph at a time.
"""

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.browsers import Browser

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_TOKEN = re.compile(rb"(-?[\d.]+)|/(\w+)|<([0-9A-Fa-f]+)>|([A-Za-z*]+)|\[|\]|\S")


class Sheet(NamedTuple):
    """One sheet: its size in points, its text without spaces, and each glyph's left edge."""

    width: float
    height: float
    text: str
    lefts: tuple[float, ...]


def printed(browser: Browser, page: Path, script: str = "") -> list[Sheet]:
    """Return the sheets that a page is printed on, once a script has run in it."""
    browser.get(page.as_uri())
    browser.execute_script(script)
    sent = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    objects = {int(n): body for n, body in _OBJECT.findall(base64.b64decode(sent["data"]))}
    found = [body for body in objects.values() if b"/Type /Page\n" in body]
    return [_sheet(objects, body) for body in found]


def _sheet(objects: dict[int, bytes], page: bytes) -> Sheet:
    (box,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page)
    (fonts,) = re.findall(rb"/Font <<(.*?)>>", page, re.DOTALL)
    maps = {
        name: _unicode(objects, int(number))
        for name, number in re.findall(rb"/(\w+) (\d+) 0 R", fonts)
    }
    (content,) = re.findall(rb"/Contents (\d+) 0 R", page)
    glyphs = list(_glyphs(_stream(objects[int(content)]), maps))
    width, height = (float(each) for each in box)
    text = "".join("".join(each for each, _ in glyphs).split())
    return Sheet(width, height, text, tuple(left for _, left in glyphs))


def _stream(body: bytes) -> bytes:
    data = body.partition(b"stream\n")[2].rpartition(b"\nendstream")[0]
    return zlib.decompress(data) if b"/FlateDecode" in body else data


def _unicode(objects: dict[int, bytes], font: int) -> dict[int, str]:
    (place,) = re.findall(rb"/ToUnicode (\d+) 0 R", objects[font])
    text = _stream(objects[int(place)]).decode("ascii")
    found = {}
    for part in re.findall(r"beginbfchar\n(.*?)endbfchar", text, re.DOTALL):
        for code, letters in re.findall(r"<(\w+)> <(\w+)>", part):
            found[int(code, 16)] = bytes.fromhex(letters).decode("utf-16-be")
    for part in re.findall(r"beginbfrange\n(.*?)endbfrange", text, re.DOTALL):
        for first, last, letter in re.findall(r"<(\w+)> <(\w+)> <(\w+)>", part):
            for code in range(int(first, 16), int(last, 16) + 1):
                found[code] = chr(int(letter, 16) + code - int(first, 16))
    return found


def _glyphs(content: bytes, maps: dict[bytes, dict[int, str]]) -> Iterator[tuple[str, float]]:
    """Yield each glyph's letters and the x of its left edge on the sheet, in points."""
    scale, shift, left, shown = 1.0, 0.0, 0.0, b""
    saved: list[tuple[float, float]] = []
    numbers: list[float] = []
    font: dict[int, str] = {}
    for number, name, glyphs, word in _TOKEN.findall(content):
        if number:
            numbers.append(float(number))
            continue
        if name:
            font = maps.get(name, font)
            continue
        if glyphs:
            shown = glyphs
            continue
        if word == b"q":
            saved.append((scale, shift))
        elif word == b"Q":
            scale, shift = saved.pop()
        elif word == b"cm":
            scale, shift = scale * numbers[-6], shift + scale * numbers[-2]
        elif word == b"Tm":
            left = numbers[-2]
        elif word == b"Td":
            left += numbers[-2]
        elif word == b"Tj":
            yield font.get(int(shown, 16), ""), shift + scale * left
        if word:
            numbers = []
