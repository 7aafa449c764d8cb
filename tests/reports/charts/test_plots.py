"""Charts hold their data, say it in words, and bring nothing into a page but shapes."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from reports.charts.bars import Bar, Threshold, bars
from reports.charts.dates import LATEST, over_time
from reports.charts.drawing import LARGEST, Caption, Plot, labels
from reports.charts.lines import Dot, Series, curves, scatter
from reports.charts.placed import beside, spread
from reports.charts.style import COLOURS, colour, dashes, numbers, shape
from reports.charts.svg import clean
from suite.catalog import method
from suite.paths import ROOT

HOSTILE = '</title></svg><script>alert(1)</script><img src=x onerror="alert(2)">\x00&\n'
NAMES = ("LoRA", "QLoRA", HOSTILE, HOSTILE)
CSS = ROOT / "reports" / "rendering" / "static" / "site.css"
SHAPES = ("path", "line", "text", "rect")


def caption(text: str = "what") -> Caption:
    return Caption(title=text, measure=text, about=text, description=text, source=text)


def named() -> list[str]:
    return list(labels((str(number), name) for number, name in enumerate(NAMES)).values())


def some_bars(group: str = "", text: str = "") -> list[Bar]:
    return [
        Bar(
            label=name,
            number=number,
            group=group,
            value=None if number == 1 else 100.0 * (number + 1),
            text=text or f"bar {number}",
            title=f"{name}: {text or number}",
        )
        for number, name in enumerate(named())
    ]


def some_series() -> list[Series]:
    return [
        Series(
            label=name,
            number=number,
            dots=[
                Dot(x=512 * 2**at, y=100 + 10 * number + at, title=f"{name} at {at}")
                for at in range(3)
            ],
        )
        for number, name in enumerate(named())
    ]


def every(text: str = "what") -> list[Plot]:
    """One chart of each kind."""
    grouped = [*some_bars(text, text), *some_bars(f"other {text}", text)]
    series = some_series()
    lost = [Dot(x=8192, y=0, title=text)]
    front = [series[0].dots[0], series[2].dots[1]]
    found = [
        bars(caption(text), text, some_bars(text=text)),
        bars(caption(text), text, grouped, Threshold(value=100, label=text, title=text)),
        scatter(caption(text), text, text, series, front),
        curves(caption(text), text, text, series, lost),
        over_time(caption(text), text, series, {1024: text}),
    ]
    assert all(found)
    return [plot for plot in found if plot is not None]


def parsed(plot: Plot) -> ElementTree.Element:
    return ElementTree.fromstring(str(plot.svg))


@pytest.mark.parametrize("text", ["plain", HOSTILE])
def test_a_chart_brings_nothing_but_shapes(text: str) -> None:
    """Whatever names hold: no script, style, link, id or class, and no text that is an element."""
    for plot in every(text):
        root = parsed(plot)
        tags = {element.tag for element in root.iter()}
        assert tags <= {"svg", "g", "title", "tspan", *SHAPES}
        attributes = {name for element in root.iter() for name in element.attrib}
        assert not attributes & {"style", "class", "id", "href", "onerror", "onload"}
        assert "<script" not in plot.svg
        assert "url(" not in plot.svg
        assert "http" not in plot.svg
        assert root.get("role") == "img"
        assert root.get("aria-label", "").count(text.strip()[:20]) == 4


def test_names_are_shown_as_they_are() -> None:
    """A hostile name is text in the chart, cut to its length, and two of it stay two."""
    one, other = named()[2:]
    assert (one.startswith("</title></svg><script>"), len(one)) == (True, 40)
    assert one != other
    series = every()[2]
    said = [element.text or "" for element in parsed(series).iter("title")]
    assert f"{one} at 0" in said
    assert f"{other} at 0" in said


def test_every_mark_says_its_value() -> None:
    """Each bar, point, line and cross has a title; a reader can point at any."""
    dots = [dot.title for series in some_series() for dot in series.dots]
    flat = [bar.title for bar in some_bars(text="what")]
    wanted = (
        flat,
        flat * 2,
        dots,
        [*dots, *("; ".join(dots[at : at + 3]) for at in (0, 3, 6, 9))],
        [*dots, *("; ".join(dots[at : at + 3]) for at in (0, 3, 6, 9)), "what"],
    )
    for plot, titles in zip(every(), wanted, strict=True):
        titled = [element for element in parsed(plot).iter() if element.find("title") is not None]
        said = [element.find("title").text for element in titled]
        assert all(said)
        assert [title for title in titles if said.count(title) < titles.count(title)] == []


@pytest.mark.parametrize(
    "name", ["constructor", "__proto__", "toString", "null", "\ud800", "\x01", " "]
)
def test_no_name_stops_a_chart(name: str) -> None:
    """Names that JavaScript or XML know, or that no UTF-8 has, are labels like any other."""
    (label,) = labels([("key", name)]).values()
    listed = [
        Bar(label=label, number=0, group=label, value=1.0, text=name, title=name),
        Bar(label="other", number=1, group="other", value=2.0, text="2", title="2"),
    ]
    dots = [Dot(x=2, y=1, title=name), Dot(x=4, y=2, title=name)]
    series = [Series(label=label, number=0, dots=dots)]
    for plot in (
        bars(caption(name), "x", listed),
        scatter(caption(name), "x", "y", series, dots),
        curves(caption(name), "x", "y", series, dots),
        over_time(caption(name), "y", series, {2: name}),
    ):
        assert plot is not None
        assert label in {text.strip() for text in parsed(plot).itertext()}


def test_bars_are_as_long_as_their_values() -> None:
    """Three times the value is three times the length, and a bar without value has none."""
    plot = bars(caption(), "token/s", some_bars())
    assert plot is not None
    drawn = [
        (element.find("title").text, float(re.match(r"M0,[\d.]+h([\d.]+)v", element.get("d"))[1]))
        for element in parsed(plot).iter("path")
        if "--plot-" in element.get("fill", "") and element.find("title") is not None
    ]
    lengths = dict(drawn)
    titles = [bar.title for bar in some_bars()]
    assert lengths[titles[2]] / lengths[titles[0]] == pytest.approx(3, rel=0.01)
    assert lengths[titles[3]] / lengths[titles[0]] == pytest.approx(4, rel=0.01)
    assert titles[1] not in lengths
    assert "bar 1" in "".join(parsed(plot).itertext())


@pytest.mark.parametrize("value", [LARGEST * 2, float("inf"), float("nan"), -1.0])
def test_what_no_axis_can_show_is_not_drawn(value: float) -> None:
    """A number that is too large, or none at all, leaves the chart out; the table has it."""
    odd = [Bar(label="a", number=0, value=value, text="", title="")]
    assert bars(caption(), "", [*some_bars(), *odd]) is None
    assert bars(caption(), "", [bar for bar in some_bars() if bar.value is None]) is None
    dots = [Dot(x=1, y=value, title=""), Dot(x=2, y=1, title="")]
    series = [Series(label="a", number=0, dots=dots)]
    assert scatter(caption(), "", "", series, []) is None
    assert curves(caption(), "", "", series) is None
    assert curves(caption(), "", "", [Series(label="a", number=0, dots=dots[1:])]) is None
    assert over_time(caption(), "", series, {}) is None
    late = [Dot(x=1, y=1, title=""), Dot(x=LATEST * 2, y=1, title="")]
    assert over_time(caption(), "", [Series(label="a", number=0, dots=late)], {}) is None


def test_foreign_elements_of_a_drawing_are_refused() -> None:
    """Should Vega ever draw an image or a link, no page gets it unseen."""
    drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image/></svg>'
    with pytest.raises(ValueError, match="<image>"):
        clean(drawn, "what")


def test_colour_is_never_alone() -> None:
    """No two of 64 series share colour and shape, nor colour and dashes."""
    assert len({(colour(n), shape(n)) for n in range(64)}) == 64
    assert len({(colour(n), tuple(dashes(n))) for n in range(64)}) == 64


def test_a_method_has_one_colour_on_every_page() -> None:
    """Whatever else a page holds; 4-bit weights have a tone, a second of a kind has a shape."""
    every_method = [method.load(name) for name in method.names()]
    found = numbers(every_method)
    assert numbers(reversed(every_method)).keys() == found.keys()
    for one in every_method:
        assert colour(numbers([one])[one.name]) == colour(found[one.name])
    tones = {colour(found[name]) for name in ("lora", "qlora", "unsloth-lora", "unsloth-qlora")}
    assert len(tones) == 4
    assert colour(found["unsloth-qlora"]) == colour(found["unsloth-qlora-experts"])
    assert len({(colour(n), shape(n)) for n in found.values()}) == len(found)


def test_names_beside_lines_and_points_do_not_touch() -> None:
    """Heights are a line apart and inside; of near points one name goes to another side."""
    heights = spread([100.0, 101.0, 99.0, 5.0, 219.0, 220.0], 220)
    assert min(b - a for a, b in pairwise(sorted(heights))) >= 15
    assert max(heights) <= 220
    assert heights[2] < heights[0] < heights[1]
    near, other, edge = beside([(50, 50), (52, 54), (290, 50)], ["LoRA", "QLoRA", "full"], 300, 99)
    assert (near.x, near.align) != (other.x, other.align) or abs(near.y - other.y) >= 15
    assert edge.align == "right"


def test_colours_stand_off_their_ground() -> None:
    """Each colour of a chart has WCAG's contrast of 3 for graphics, in light and in dark."""
    text = CSS.read_text(encoding="utf-8")
    light, dark = text.split("prefers-color-scheme: dark", 1)
    for block in (light, dark.split("*, *::before", 1)[0]):
        found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block))
        for number in range(1, COLOURS + 1):
            assert _contrast(found[f"plot-{number}"], found["ground"]) >= 3, number


def _contrast(one: str, other: str) -> float:
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
