"""Each chart of a site as two files beside its page: its numbers as CSV, its drawing as SVG."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from reports.charts.drawing import Plot
from reports.rendering.render import shared_files
from suite import csv

FOLDER = "plots"
_VARIABLE = re.compile(r"var\(--([a-z0-9-]+)\)")
_COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6});")
_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def files(plots: Iterable[Plot]) -> Iterator[tuple[str, str]]:
    """Yield address and text of both files of each chart, once where it is on several pages."""
    for plot in {each.file: each for each in plots}.values():
        yield f"{FOLDER}/{plot.file}.csv", csv.lines(plot.numbers)
        yield f"{FOLDER}/{plot.file}.svg", _svg(plot)


def _svg(plot: Plot) -> str:
    """Return the drawing with the colours of a light page in it, for a program that has none."""
    drawn = _VARIABLE.sub(lambda found: _light().get(found[1], found[0]), str(plot.svg))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" font-family="{_FONT}"'
        f' style="background:{_light()["ground"]}" '
    )
    return drawn.replace("<svg ", head, 1)


@cache
def _light() -> dict[str, str]:
    style = shared_files()["site.css"].partition("@media")[0]
    return dict(_COLOUR.findall(style))
