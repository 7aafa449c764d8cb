"""How charts look: colours, shapes, dashes and letters. Colours are defined in the style sheet."""

from collections.abc import Iterable

from suite.catalog.engines import PLAIN
from suite.catalog.method import Method

COLOURS = 8  #: ``--plot-1`` and so on
_SHAPES = (
    *("circle", "square", "triangle-up", "diamond"),
    *("cross", "triangle-down", "triangle-right", "triangle-left"),
)
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2], [1, 3], [6, 2, 1, 2])
_FONT = 14

#: Vega's settings for every chart. A page's letters may be wider than those that Vega measures, so
#: names have some room to spare.
CONFIG: dict[str, object] = {
    "background": None,
    "padding": {"left": 16, "right": 8, "top": 6, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "gridColor": "var(--line)",
        "domainColor": "var(--soft)",
        "tickColor": "var(--line)",
        "labelColor": "var(--soft)",
        "labelFontSize": _FONT,
        "labelLimit": 140,
        "labelLineHeight": 15,
        "titleColor": "var(--soft)",
        "titleFontSize": _FONT,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisX": {"labelOverlap": "greedy", "labelSeparation": 12},
    "axisY": {"labelOverlap": False},
    "header": {"labelColor": "var(--ink)", "labelFontSize": _FONT, "labelFontWeight": 600},
    "text": {"fontSize": _FONT},
}


def numbers(methods: Iterable[Method]) -> dict[str, int]:
    """Return the number of each method's series, by name: a kind of method has one colour.

    Methods of one kind, as two places of adapters, differ in shape and dashes.
    """
    taken: dict[int, int] = {}
    found: dict[str, int] = {}
    for method in methods:
        if method.name not in found:
            kind = _kind(method)
            found[method.name] = kind + COLOURS * taken.get(kind, 0)
            taken[kind] = taken.get(kind, 0) + 1
    return found


def _kind(method: Method) -> int:
    """Return the place of a method's colour: Unsloth blue, Liger green, plain grey, naive ochre.

    The lighter tone of each is that of 4-bit weights.
    """
    light = method.quantization is not None
    if method.engine == "unsloth":
        return 0 + light
    if method.engine != PLAIN:
        return 7
    if method.liger:
        return 2 + light
    return 4 + light if method.autocast else 6


def colour(number: int) -> str:
    """Return the colour of the series of this number, from 0, as CSS."""
    return f"var(--plot-{number % COLOURS + 1})"


def shape(number: int) -> str:
    """Return the shape of a series' points: no two of 64 share it and the colour."""
    return _SHAPES[_turn(number)]


def dashes(number: int) -> list[int]:
    """Return the dashes of a series' line, in lengths of ink and gap."""
    return _DASHES[_turn(number)]


def _turn(number: int) -> int:
    # A colour that comes again comes with another shape and other dashes.
    return (number + number // COLOURS) % COLOURS
