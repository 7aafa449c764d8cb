"""Where names stand beside what they name, so that none lies on another: no legend is needed."""

from collections.abc import Sequence

import msgspec

LETTER, LINE = 7.2, 15.0  #: width of a letter of 14 pixels on average, and height of a line
_AWAY = 9.0  #: from a point to its name


class TextPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a text begins, or ends where ``align`` is "right", in pixels from the top left."""

    x: float
    y: float
    align: str


def spread(wanted: Sequence[float], end: float, gap: float = LINE) -> list[float]:
    """Return heights as near to those wanted as a ``gap`` between them allows, in their order.

    All lie from 0 to ``end`` where that has room for them.
    """
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    heights = dict.fromkeys(order, 0.0)
    last = -gap
    for at in order:
        last = heights[at] = max(wanted[at], last + gap)
    last = max(end, gap * (len(order) - 1)) + gap
    for at in reversed(order):
        last = heights[at] = min(heights[at], last - gap)
    return [heights[at] for at in range(len(wanted))]


def beside(
    points: Sequence[tuple[float, float]], names: Sequence[str], width: float, height: float
) -> list[TextPlace]:
    """Return a place for the name of each point, in pixels: beside it, over or under it.

    The first that stays inside and on no point and no other name; else the first.
    """
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    places = []
    for (x, y), name in zip(points, names, strict=True):
        long = LETTER * len(name)
        tried = [
            TextPlace(x=x + side * _AWAY, y=y + down, align="left" if side > 0 else "right")
            for down in (0, -LINE, LINE)
            for side in (1, -1)
        ]
        free = [each for each in tried if _free(_box(each, long), taken, width, height)]
        chosen = (free or tried)[0]
        taken.append(_box(chosen, long))
        places.append(chosen)
    return places


def _box(place: TextPlace, long: float) -> tuple[float, float, float, float]:
    left = place.x if place.align == "left" else place.x - long
    return left, place.y - LINE / 2, left + long, place.y + LINE / 2


def _free(
    box: tuple[float, float, float, float],
    taken: Sequence[tuple[float, float, float, float]],
    width: float,
    height: float,
) -> bool:
    left, top, right, bottom = box
    if left < 0 or top < 0 or right > width or bottom > height:
        return False
    return not any(
        left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
        for other in taken
    )
