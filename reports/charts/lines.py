"""Points in a plane: a scatter with its Pareto front, and curves over lengths."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from reports.charts.drawing import Caption, Plot, draw, drawable, key
from reports.charts.style import colour, dashes, shape
from reports.charts.svg import WIDTH

SIDE = 96  #: width of an axis with its title


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
    x = alt.X("x:Q", title=x_title, scale=_from_zero(dot.x for dot in dots), axis=_axis())
    y = alt.Y("y:Q", title=y_title, scale=_from_zero(dot.y for dot in dots), axis=_axis())
    layers = []
    datasets = {"points": _rows(listed)}
    if front:
        # From one method on its front to the next no more speed is to be had for more memory.
        named = f"Pareto front: {'; '.join(dot.title for dot in front)}"
        rows: list[dict[str, object]] = [{"x": dot.x, "y": dot.y, "title": named} for dot in front]
        datasets |= {"front": rows, "end": rows[-1:]}
        line = alt.Chart(alt.NamedData(name="front")).encode(
            x=x, y=y, description=alt.Description("title:N")
        )
        color = "var(--soft)"
        layers.append(line.mark_line(interpolate="step-after", color=color, strokeDash=[4, 3]))
        last = alt.Chart(alt.NamedData(name="end")).encode(
            x=x, y=y, description=alt.Description("title:N"), text=alt.value("Pareto front")
        )
        layers.append(last.mark_text(align="right", dx=-8, dy=-12, color=color))
    layers.append(_points(listed, x, y))
    chart = alt.layer(*layers).properties(width=WIDTH - SIDE, height=250)
    return draw(caption, chart, datasets)


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
    y = alt.Y("y:Q", title=y_title, scale=_from_zero(dot.y for dot in dots), axis=_axis())
    rows: list[dict[str, object]] = [
        {"x": dot.x, "y": dot.y, "label": key(series.label), "title": _line_title(series)}
        for series in listed
        for dot in series.dots
    ]
    dash = alt.StrokeDash("label:N", scale=_range(listed, [dashes(s.number) for s in listed]))
    color = alt.Color("label:N", scale=_range(listed, [colour(s.number) for s in listed]))
    datasets = {"lines": rows, "points": _rows(listed)}
    line = alt.Chart(alt.NamedData(name="lines")).mark_line(strokeWidth=2)
    layers = [
        line.encode(
            x=x, y=y, color=color, strokeDash=dash, description=alt.Description("title:N")
        ),
        _points(listed, x, y),
    ]
    if failed:
        datasets["failed"] = [{"x": d.x, "y": 0, "title": d.title} for d in failed]
        cross = alt.Chart(alt.NamedData(name="failed")).mark_text(
            text="✕", dy=-9, color="var(--bad)"
        )
        layers.append(cross.encode(x=x, y=y, description=alt.Description("title:N")))
    chart = alt.layer(*layers).properties(width=WIDTH - SIDE, height=220)
    return draw(caption, chart, datasets)


def _rows(listed: Sequence[Series]) -> list[dict[str, object]]:
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


def _points(listed: Sequence[Series], x: Any, y: Any) -> Any:
    import altair as alt

    colours = _range(listed, [colour(series.number) for series in listed])
    shapes = _range(listed, [shape(series.number) for series in listed])
    points = alt.Chart(alt.NamedData(name="points")).mark_point(size=90, filled=True, opacity=1)
    return points.encode(
        x=x,
        y=y,
        color=alt.Color("label:N", scale=colours),
        shape=alt.Shape("label:N", scale=shapes),
        fillOpacity=alt.FillOpacity("opacity:Q", scale=None),
        strokeWidth=alt.value(2),
        stroke=alt.Stroke("label:N", scale=colours),
        description=alt.Description("title:N"),
    )


def _line_title(series: Series) -> str:
    return "; ".join(dot.title for dot in series.dots)


def _range(listed: Sequence[Series], values: Sequence[object]) -> Any:
    import altair as alt

    return alt.Scale(domain=[key(series.label) for series in listed], range=list(values))


def _from_zero(values: Iterable[float]) -> Any:
    import altair as alt

    return alt.Scale(domain=[0, max(values) * 1.1 or 1], nice=True)


def _axis() -> Any:
    import altair as alt

    return alt.Axis(tickCount=5)
