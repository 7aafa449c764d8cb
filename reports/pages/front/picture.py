"""The picture that a link to the site shows in a chat: the first screen's plot, as a PNG."""

import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape

from reports.charts.drawing import png
from reports.pages.front.chart import DotPlot, PlotRow
from reports.pages.front.page import FrontPage
from suite import units

WIDTH, HEIGHT = 1200, 630  #: what chats and networks cut their pictures to
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 1136, 228, 552
_BEGIN, _END = 360, 840  #: of the axis
_INK, _SOFT, _LINE, _OURS, _GROUND = "#16191d", "#59616b", "#e1e4e8", "#0f5ea8", "#ffffff"
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_MOST_ROWS = 8


def picture(front: FrontPage) -> bytes:
    """Return a PNG of the plot that the first screen begins with, or of its title alone."""
    plot = front.models[0].plots[0] if front.models else None
    parts = [*_words(plot.title if plot else front.title, front)]
    parts += _plot(plot) if plot else ()
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' font-family="{_FONT}"><rect width="100%" height="100%" fill="{_GROUND}"/>'
        f"{''.join(parts)}</svg>"
    )
    return png(svg)


def _words(title: str, front: FrontPage) -> Iterator[str]:
    yield _text(_LEFT, 60, "Tunebench", 24, _SOFT, weight=700)
    for line, text in enumerate(textwrap.wrap(title, 48)[:2]):
        yield _text(_LEFT, 112 + 50 * line, text, 42, _INK, weight=700)
    yield _text(_LEFT, HEIGHT - 24, _cut(" ".join(front.scope[:1]), 120), 19, _SOFT)


def _plot(plot: DotPlot) -> Iterator[str]:
    rows = plot.rows[:_MOST_ROWS]
    height = (_BOTTOM - _TOP) / max(len(rows), 1)
    yield _text(_LEFT, 204, _cut(plot.subtitle, 78), 20, _SOFT)
    for index, (kind, name) in enumerate(plot.gpus):
        right = _column(index, len(plot.gpus))
        yield _dot(right - 74, 197, kind, _SOFT)
        yield _text(right, 204, name[:12], 20, _SOFT, anchor="end")
    for tick in plot.ticks:
        at = _place(float(tick.at))
        yield f'<line x1="{at}" x2="{at}" y1="{_TOP}" y2="{_BOTTOM}" stroke="{_LINE}"/>'
        yield _text(at, _BOTTOM + 24, tick.text, 18, _SOFT, anchor="middle")
    for index, row in enumerate(rows):
        yield from _row(row, _TOP + height * (index + 0.5))


def _row(row: PlotRow, y: float) -> Iterator[str]:
    colour = _OURS if row.ours else _SOFT
    yield _text(_LEFT, y + 8, row.method[:26], 23, _INK, weight=700 if row.ours else 400)
    for mark in row.marks:
        if mark.low is not None and mark.high is not None:
            left, right = _place(mark.low), _place(mark.high)
            yield (
                f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="{colour}"'
                ' stroke-width="14" stroke-opacity="0.35"/>'
            )
    for mark in row.marks:
        yield _dot(_place(mark.at), y, mark.kind, colour)
    for index, figure in enumerate(row.figures):
        at = _column(index, len(row.figures))
        if figure.exact:
            yield _text(at, y + 8, figure.text, 23, _INK, anchor="end", weight=700)
        else:
            yield _text(at, y + 7, figure.text[:14], 17, _SOFT, anchor="end")


def _cut(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" …")


def _column(index: int, count: int) -> int:
    return _RIGHT - 145 * (count - 1 - index)


def _place(percent: float) -> float:
    return round(_BEGIN + (_END - _BEGIN) * percent / 100, 1)


def _dot(x: float, y: float, kind: str, colour: str) -> str:
    fill = colour if kind == "full" else _GROUND
    return f'<circle cx="{x}" cy="{y}" r="8" fill="{fill}" stroke="{colour}" stroke-width="3"/>'


def _text(
    x: float, y: float, text: str, size: int, colour: str, *, anchor: str = "", weight: int = 400
) -> str:
    said = escape(units.printable(text))
    where = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}"{where}>'
        f"{said}</text>"
    )
