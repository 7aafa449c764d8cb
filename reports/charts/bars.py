"""Bars: one number of each of several things, or why there is none."""

import textwrap
from collections.abc import Sequence

import msgspec

from reports.charts.drawing import MOST_MARKS, Caption, Plot, draw, drawable, key
from reports.charts.style import colour
from reports.charts.svg import WIDTH

HEIGHT, BAR = 22, 16  #: of a bar with its gap, and without
LINE = 14  #: height of one more line of a name
LABELS = 155  #: width of the names beside bars
LETTERS = 16  #: of a name in one line


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar, or in ``text`` why there is none. ``number`` is that of its colour, from 0.

    Bars of one ``group`` stand under its name. ``title`` says everything about the bar.
    """

    label: str
    number: int
    value: float | None
    text: str
    title: str
    group: str = ""
    low: float | None = None
    high: float | None = None


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A line across all bars at a value, with what stands at its head ("" for nothing).

    ``level`` 1 is a line of letters above 0, for a head that would touch the one before.
    """

    value: float
    label: str
    title: str
    level: int = 0


def bars(caption: Caption, unit: str, listed: Sequence[Bar], *marks: Threshold) -> Plot | None:
    """Return bars from 0, in their order; ``unit`` titles the axis.

    None where no bar has a value, one is too large to draw, or they are too many.
    """
    import altair as alt

    known = [
        bar.value if bar.high is None else bar.high for bar in listed if bar.value is not None
    ]
    if len(listed) > MOST_MARKS or not drawable(known):
        return None
    begin = {bar.group: bar for bar in reversed(listed)}  # the first bar of each group
    rows = [_bar(bar, first=begin[bar.group] is bar) for bar in listed]
    order = list(dict.fromkeys(_lines(bar.label) for bar in listed))
    axis = alt.Axis(ticks=False, domain=False, labelExpr="split(datum.label, '\\n')")
    y = alt.Y("label:N", title=None, sort=order, axis=axis)
    most = max([max(known) * 1.25, *(mark.value * 1.02 for mark in marks)])
    scale = alt.Scale(domain=[0, most], nice=False)
    x = alt.X("value:Q", title=unit, scale=scale, axis=alt.Axis(tickCount=4))
    base = alt.Chart().encode(y=y, description=alt.Description("title:N"))
    drawn = base.transform_filter("datum.known").mark_bar(height=BAR)
    layers = [drawn.encode(x=x, color=alt.Color("colour:N", scale=None))]
    ranged = base.transform_filter("datum.ranged").mark_rule(color="var(--ink)", strokeWidth=1.5)
    layers.append(ranged.encode(x=alt.X("low:Q", title=unit), x2=alt.X2("high:Q")))
    for mark in marks:
        at = alt.X(datum=mark.value, title=unit)
        line = alt.Chart().transform_filter("datum.first").encode(x=at)
        line = line.encode(description=alt.value(mark.title))
        layers.append(line.mark_rule(color="var(--soft)", strokeDash=[2, 3]))
        if mark.label:
            head = line.mark_text(y=-9 - LINE * mark.level, text=mark.label, color="var(--soft)")
            layers.append(head)
    ink = alt.Color("ink:N", scale=None)
    text = base.mark_text(align="left", dx=5)
    layers.append(text.encode(x=alt.X("at:Q", title=unit), text=alt.Text("text:N"), color=ink))
    chart = alt.layer(*layers, data=alt.NamedData(name="bars"))
    lines = max(label.count("\n") for label in order)
    chart = chart.properties(width=WIDTH - LABELS - 24, height=alt.Step(HEIGHT + LINE * lines))
    if any(bar.group for bar in listed):
        header = alt.Header(labelOrient="top", labelAnchor="start", labelPadding=2)
        groups = list(dict.fromkeys(key(bar.group) for bar in listed))
        row = alt.Row("group:N", title=None, sort=groups, header=header)
        chart = chart.facet(row=row, spacing=12).resolve_scale(y="independent")
    head = ("Group", "Name", unit, "From", "To", "Text")
    numbers = [(b.group, b.label, b.value, b.low, b.high, b.text) for b in listed]
    return draw(caption, chart, {"bars": rows}, [head, *numbers])


def _bar(bar: Bar, *, first: bool) -> dict[str, object]:
    known = bar.value is not None
    return {
        "label": _lines(bar.label),
        "group": key(bar.group),
        "title": bar.title,
        "text": bar.text,
        "value": bar.value,
        "low": bar.low,
        "high": bar.high,
        "known": known,
        "ranged": known and bar.low is not None and bar.low != bar.high,
        "first": first,
        "at": (bar.value if bar.high is None else bar.high) if known else 0,
        "colour": colour(bar.number),
        "ink": "var(--ink)" if known else "var(--soft)",
    }


def _lines(label: str) -> str:
    return key("\n".join(textwrap.wrap(label, LETTERS)))
