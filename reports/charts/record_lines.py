"""Small charts as shapes in a box of fixed size: geometry here, SVG in a template."""

import math
from collections.abc import Callable, Sequence

import msgspec

WIDTH, HEIGHT = 640.0, 220.0
LARGEST = 1e12  #: values beyond it are for the table; no axis is drawn for them
MOST_POINTS = 500  #: a longer line is drawn without its single points
LEFT, RIGHT, TOP, BOTTOM = 64.0, 12.0, 12.0, 32.0


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One sample: place in the box as written in SVG, and what to say when pointed at."""

    x: str
    y: str
    label: str
    kind: str


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an axis: its place in the box and its text."""

    at: float
    text: str


class DrawnLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``kind`` is a CSS class; ``path`` is the line itself, broken at gaps."""

    name: str
    kind: str
    path: str
    points: tuple[Point, ...]


class ShadedBand(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the x axis to shade, from ``left`` on. ``kind`` is a CSS class."""

    left: float
    width: float
    kind: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A chart of values over steps or seconds; ``description`` says in words what it shows."""

    title: str
    description: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    series: tuple[DrawnLine, ...]
    bands: tuple[ShadedBand, ...] = ()
    top: float = TOP
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = HEIGHT - BOTTOM


class LineData(msgspec.Struct, frozen=True, kw_only=True):
    """What to draw: (place, value or None for a gap, kind of point) in order of places.

    A place is a step from 1, or a moment in seconds. Without ``dots`` only the line is drawn.
    """

    name: str
    kind: str
    samples: Sequence[tuple[float, float | None, str]]
    dots: bool = True


def chart(
    title: str,
    description: str,
    lines: Sequence[LineData],
    text: Callable[[float], str],
    bands: Sequence[tuple[float, float, str]] = (),
) -> Chart | None:
    """Return a chart, or None when there are not two values to draw.

    ``bands`` are shaded stretches: begin and end on the x axis, and their kind.
    """
    steps = [at for line in lines for at, value, _ in line.samples if value is not None]
    values = [value for line in lines for _, value, _ in line.samples if value is not None]
    if len(values) < 2 or sum(map(abs, values)) > LARGEST or max(map(abs, steps)) > LARGEST:
        return None
    marks = _round_marks(min(values), max(values))
    low, high = min(marks[0], *values), max(marks[-1], *values)
    first, last = min(steps), max(*steps, min(steps) + 1)
    if high <= low:  # apart by less than floats can scale
        return None

    box = _Box(
        first=first,
        low=low,
        wide=(WIDTH - LEFT - RIGHT) / (last - first),
        tall=(HEIGHT - TOP - BOTTOM) / (high - low),
    )
    whole = [mark for mark in _round_marks(first, last) if first < mark <= last and mark % 1 == 0]
    across, shaded = (first, *whole), _inside(bands, first, last)
    cut = "" if low <= 0 else f" The axis starts at {low:,.6g}."
    return Chart(
        title=title,
        description=f"{description}{cut}",
        x_ticks=tuple(Tick(at=box.x(mark), text=f"{mark:.0f}") for mark in across),
        y_ticks=tuple(Tick(at=box.y(mark), text=f"{mark:,.6g}") for mark in marks),
        series=tuple(_drawn_line(line, box, text) for line in lines),
        bands=tuple(
            ShadedBand(left=box.x(begin), width=round(box.x(end) - box.x(begin), 1), kind=kind)
            for begin, end, kind in shaded
        ),
    )


class _Box(msgspec.Struct, frozen=True, kw_only=True):
    """Where values lie in a chart: its lowest ones, and units of the box for one of theirs."""

    first: float
    low: float
    wide: float
    tall: float

    def x(self, place: float) -> float:
        return round(LEFT + self.wide * (place - self.first), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - self.tall * (value - self.low), 1)


def _inside(
    bands: Sequence[tuple[float, float, str]], first: float, last: float
) -> list[tuple[float, float, str]]:
    """Return the bands as far as they lie between the ends of the axis."""
    cut = [(max(begin, first), min(end, last), kind) for begin, end, kind in bands]
    return [(begin, end, kind) for begin, end, kind in cut if begin < end]


def _drawn_line(line: LineData, box: _Box, text: Callable[[float], str]) -> DrawnLine:
    points, path, pen = [], [], "M"
    dots = line.dots and len(line.samples) <= MOST_POINTS
    # Called for each sample of each record: no call in here that can be outside.
    first, low, wide, tall, floor = box.first, box.low, box.wide, box.tall, HEIGHT - BOTTOM
    for step, value, kind in line.samples:
        if value is None:
            pen = "M"
            continue
        at_x = f"{LEFT + wide * (step - first):.1f}"
        at_y = f"{floor - tall * (value - low):.1f}"
        path.append(f"{pen}{at_x} {at_y}")
        pen = "L"
        if dots:
            label = f"{line.name}, step {step:.0f}: {text(value)}"
            points.append(Point(x=at_x, y=at_y, label=label, kind=kind))
    return DrawnLine(name=line.name, kind=line.kind, path=" ".join(path), points=tuple(points))


def _round_marks(low: float, high: float) -> list[float]:
    """Return some three to six round values that enclose the range."""
    span = max((high - low) or abs(high) or 1.0, 1e-12)
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= span / 4.01)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, max(last, first + 1) + 1)]
