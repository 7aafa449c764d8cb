"""Points in a plane: a scatter with its Pareto front, and curves over lengths."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from reports.charts.drawing import Caption, Plot, draw, drawable, key
from reports.charts.placed import beside, spread
from reports.charts.style import colour, dashes, shape
from reports.charts.svg import WIDTH

SIDE = 96  #: width of an axis with its title
NAMED = 112  #: width of the names behind lines
_ROOM = 1.1  #: of an axis over its largest value
_SCATTER, _CURVES = 250, 220  #: heights


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One point; hollow where it is not ``solid``."""

    x: float
    y: float
    title: str
    solid: bool = True


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Points of one name; ``number`` is that of its colour, shape and dashes, from 0."""

    label: str
    number: int
    dots: Sequence[Dot]


def scatter(
    caption: Caption, x_title: str, y_title: str, listed: Sequence[Series], front: Sequence[Dot]
) -> Plot | None:
    """Return points with a named line through the ``front``, in order of x; both axes from 0.

    None where there are not two points, or one is too large to draw.
    """
    import altair as alt

    dots = [dot for series in listed for dot in series.dots]
    if len(dots) < 2 or not (drawable([d.x for d in dots]) and drawable([d.y for d in dots])):
        return None
    right, top = end_of_axis(dot.x for dot in dots), end_of_axis(dot.y for dot in dots)
    x = alt.X("x:Q", title=x_title, scale=from_zero(right), axis=_axis())
    y = alt.Y("y:Q", title=y_title, scale=from_zero(top), axis=_axis())
    layers = []
    datasets = {"points": rows(listed)}
    if front:
        # From one method on its front to the next no more speed is to be had for more memory.
        named = f"Pareto front: {'; '.join(dot.title for dot in front)}"
        datasets["front"] = [{"x": dot.x, "y": dot.y, "title": named} for dot in front]
        line = alt.Chart(alt.NamedData(name="front")).encode(
            x=x, y=y, description=alt.Description("title:N")
        )
        color = "var(--soft)"
        layers.append(line.mark_line(interpolate="step-after", color=color, strokeDash=[4, 3]))
    width = WIDTH - SIDE
    places = beside(
        [(width * d.x / right, _SCATTER * (1 - d.y / top)) for d in dots],
        [series.label for series in listed for _ in series.dots],
        width,
        _SCATTER,
    )
    layers.append(points(listed, x, y))
    for align in ("left", "right"):
        datasets[align] = [
            {**row, "x": right * place.x / width, "y": top * (1 - place.y / _SCATTER)}
            for row, place in zip(datasets["points"], places, strict=True)
            if place.align == align
        ]
        names = alt.Chart(alt.NamedData(name=align)).mark_text(align=align, baseline="middle")
        layers.append(names.encode(x=x, y=y, text="label:N", description="label:N"))
    chart = alt.layer(*layers).properties(width=width, height=_SCATTER)
    return draw(caption, chart, datasets, numbers(listed, x_title, y_title))


def curves(
    caption: Caption,
    x_title: str,
    y_title: str,
    listed: Sequence[Series],
    failed: Sequence[Dot] = (),
) -> Plot | None:
    """Return lines over lengths in tokens, doubling from tick to tick; y starts at 0.

    ``failed`` are drawn as crosses. None where no line has two points, or one is too large to
    draw.
    """
    import altair as alt

    dots = [dot for series in listed for dot in series.dots]
    if all(len(series.dots) < 2 for series in listed) or not drawable([d.y for d in dots]):
        return None
    lengths = sorted({dot.x for dot in [*dots, *failed]})
    scale = alt.Scale(type="log", base=2, domain=[lengths[0] / 1.15, lengths[-1] * 1.15])
    x = alt.X("x:Q", title=x_title, scale=scale, axis=alt.Axis(values=lengths, format=",d"))
    top = end_of_axis(dot.y for dot in dots)
    y = alt.Y("y:Q", title=y_title, scale=from_zero(top), axis=_axis())
    ways: list[dict[str, object]] = [
        {"x": dot.x, "y": dot.y, "label": key(series.label), "title": _line_title(series)}
        for series in listed
        for dot in series.dots
    ]
    dash = alt.StrokeDash(
        "label:N", legend=None, scale=series_range(listed, [dashes(s.number) for s in listed])
    )
    color = alt.Color(
        "label:N", legend=None, scale=series_range(listed, [colour(s.number) for s in listed])
    )
    datasets = {"lines": ways, "points": rows(listed), "ends": written_ends(listed, top, _CURVES)}
    line = alt.Chart(alt.NamedData(name="lines")).mark_line(strokeWidth=2)
    names = alt.Chart(alt.NamedData(name="ends")).mark_text(
        align="left", baseline="middle", dx=6, limit=NAMED
    )
    layers = [
        line.encode(
            x=x, y=y, color=color, strokeDash=dash, description=alt.Description("title:N")
        ),
        points(listed, x, y),
        names.encode(
            x=alt.value("width"), y=y, text="label:N", color=color, description="label:N"
        ),
    ]
    if failed:
        datasets["failed"] = [{"x": d.x, "y": 0, "title": d.title} for d in failed]
        cross = alt.Chart(alt.NamedData(name="failed")).mark_text(
            text="✕", dy=-9, color="var(--bad)"
        )
        layers.append(cross.encode(x=x, y=y, description=alt.Description("title:N")))
    chart = alt.layer(*layers).properties(width=WIDTH - SIDE - NAMED, height=_CURVES)
    return draw(caption, chart, datasets, numbers(listed, x_title, y_title))


def written_ends(listed: Sequence[Series], top: float, tall: float) -> list[dict[str, object]]:
    """Return each line's name at the height of its last point, none over another."""
    last = {
        series.label: max(series.dots, key=lambda dot: dot.x) for series in listed if series.dots
    }
    heights = spread([tall * (1 - dot.y / top) for dot in last.values()], tall)
    return [
        {"y": top * (1 - height / tall), "label": key(label)}
        for label, height in zip(last, heights, strict=True)
    ]


def numbers(
    listed: Sequence[Series], x_title: str, y_title: str
) -> list[tuple[str | float | None, ...]]:
    """Return all dots as rows of a table with its head."""
    dots = [(series.label, dot.x, dot.y) for series in listed for dot in series.dots]
    return [("Name", x_title, y_title), *dots]


def rows(listed: Sequence[Series]) -> list[dict[str, object]]:
    """Return all dots as ``points`` draws them."""
    return [
        {
            "x": dot.x,
            "y": dot.y,
            "label": key(series.label),
            "title": dot.title,
            "opacity": 1 if dot.solid else 0,
        }
        for series in listed
        for dot in series.dots
    ]


def points(listed: Sequence[Series], x: Any, y: Any, size: int = 90) -> Any:
    """Return the part of a chart that draws the rows "points", each with its series' shape."""
    import altair as alt

    colours = series_range(listed, [colour(series.number) for series in listed])
    shapes = series_range(listed, [shape(series.number) for series in listed])
    marks = alt.Chart(alt.NamedData(name="points")).mark_point(size=size, filled=True, opacity=1)
    return marks.encode(
        x=x,
        y=y,
        color=alt.Color("label:N", scale=colours, legend=None),
        shape=alt.Shape("label:N", scale=shapes, legend=None),
        fillOpacity=alt.FillOpacity("opacity:Q", scale=None),
        strokeWidth=alt.value(2),
        stroke=alt.Stroke("label:N", scale=colours, legend=None),
        description=alt.Description("title:N"),
    )


def _line_title(series: Series) -> str:
    return "; ".join(dot.title for dot in series.dots)


def series_range(listed: Sequence[Series], values: Sequence[object]) -> Any:
    """Return the scale that gives each series its value."""
    import altair as alt

    return alt.Scale(domain=[key(series.label) for series in listed], range=list(values))


def end_of_axis(values: Iterable[float]) -> float:
    """Return where an axis from 0 ends that holds these values."""
    return max(values) * _ROOM or 1.0


def from_zero(end: float) -> Any:
    """Return the scale from 0 to ``end``."""
    import altair as alt

    return alt.Scale(domain=[0, end], nice=False)


def _axis() -> Any:
    import altair as alt

    return alt.Axis(tickCount=5)
