"""From a chart's specification to what a page shows; and what all kinds of charts share."""

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from markupsafe import Markup

from reports.charts.style import CONFIG
from reports.charts.svg import clean
from suite import units

LARGEST = 1e12  #: values beyond it are for the table; no axis is drawn for them
LONGEST_LABEL = 40  #: characters
LONGEST_TEXT = 2_000
MOST_MARKS = 500  #: more are for the table


class Caption(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a chart: the finding as its title, below it what is measured, and where.

    ``about`` is the work, which stands above the chart and in its accessible name; ``description``
    a sentence or two on how to read it, ``source`` where its data come from.
    """

    title: str
    measure: str
    about: str
    description: str
    source: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn chart, and its numbers as rows of a table, the first of which is the head."""

    caption: Caption
    svg: Markup
    numbers: tuple[tuple[str | float | None, ...], ...]

    @property
    def file(self) -> str:
        """Return the name of its files, without ending: the same drawing has the same."""
        said = f"{self.caption.about}\0{self.svg}"
        return sha256(said.encode("utf-8", errors="replace")).hexdigest()[:16]


def labels(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return one short label for each (key, title), no two alike, on one line."""
    shortened: dict[str, str] = {}
    taken: set[str] = set()
    times: dict[str, int] = {}
    for name, title in names:
        text = " ".join(units.printable(title).split()) or "unnamed"
        if len(text) > LONGEST_LABEL:
            text = f"{text[: LONGEST_LABEL - 1].rstrip()}…"
        label = text
        while label in taken:
            times[text] = times.get(text, 1) + 1
            label = f"{text} ({times[text]})"
        taken.add(label)
        shortened[name] = label
    return shortened


def key(label: str) -> str:
    """Return a label as data hold it: no name of a stranger's is one that JavaScript knows.

    The drawing's text is stripped of the space again.
    """
    return f" {label}"


def drawable(values: Sequence[float]) -> bool:
    """Return whether there are values, not too many, and an axis can be drawn for them."""
    return 0 < len(values) <= MOST_MARKS and all(
        math.isfinite(v) and 0 <= v <= LARGEST for v in values
    )


def draw(
    caption: Caption,
    chart: Any,
    datasets: Mapping[str, Sequence[Mapping[str, object]]],
    numbers: Sequence[tuple[str | float | None, ...]],
) -> Plot | None:
    """Return the drawing of an Altair chart, or None where Vega failed: it says so by no marks.

    ``datasets`` are the rows that the chart's parts name. They go in at the end, since Altair
    copies whatever it holds with each step of a chart. ``numbers`` are those of its CSV.
    """
    import vl_convert

    # Not validated against the schema: that takes as long as drawing, and tests see each kind.
    made = chart.to_dict(validate=False)
    specification = _plain({**made, "datasets": dict(datasets), "config": CONFIG})
    drawn = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
    label = f"{caption.title}. {caption.measure}, {caption.about}. {caption.description}"
    svg = clean(drawn, units.printable(label))
    if "<title>" not in svg:
        return None
    return Plot(caption=caption, svg=svg, numbers=tuple(numbers))


def png(svg: str) -> bytes:
    """Return a drawing of fixed colours as a picture, one dot a unit."""
    import vl_convert

    drawn: bytes = vl_convert.svg_to_png(svg, scale=1)
    return drawn


def _plain(value: Any) -> Any:
    """Return a specification without letters that XML has not: vl-convert ends the process."""
    if isinstance(value, str):
        lines = value[:LONGEST_TEXT].split("\n")
        return "\n".join(map(units.printable, lines))
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
