"""A quantity over dates: a dot for each repeat, a line through the medians of sessions."""

import statistics
from collections.abc import Mapping, Sequence

from reports.charts.drawing import Caption, Plot, draw, drawable, key
from reports.charts.lines import (
    NAMED,
    SIDE,
    Series,
    end_of_axis,
    from_zero,
    numbers,
    points,
    rows,
    series_range,
    written_ends,
)
from reports.charts.style import colour, dashes
from reports.charts.svg import WIDTH

HEIGHT = 220
LINE = 14
LATEST = 4e12  #: milliseconds since 1970: the year 2096


def over_time(
    caption: Caption, y_title: str, listed: Sequence[Series], changed: Mapping[float, str]
) -> Plot | None:
    """Return dots over dates, whose x are milliseconds since 1970; y starts at 0.

    ``changed`` are moments to mark, with words. None without two moments, or where a value or a
    moment is too large to draw.
    """
    import altair as alt

    dots = [dot for series in listed for dot in series.dots]
    moments = sorted({dot.x for dot in dots})
    if len(moments) < 2 or not drawable([dot.y for dot in dots]):
        return None
    if moments[0] < 0 or moments[-1] > LATEST:
        return None
    room = (moments[-1] - moments[0]) * 0.04
    ends = [moments[0] - room, moments[-1] + room]
    x_scale = alt.Scale(type="utc", domain=ends, nice=False)
    x = alt.X("x:T", title=None, scale=x_scale, axis=alt.Axis(tickCount=4, format="%-d %b %Y"))
    top = end_of_axis(dot.y for dot in dots)
    y = alt.Y("y:Q", title=y_title, scale=from_zero(top), axis=alt.Axis(tickCount=5))
    colours = series_range(listed, [colour(each.number) for each in listed])
    color = alt.Color("label:N", legend=None, scale=colours)
    dash = series_range(listed, [dashes(each.number) for each in listed])
    lines: list[dict[str, object]] = []
    for series in listed:
        said = "; ".join(dot.title for dot in series.dots)
        for moment in sorted({dot.x for dot in series.dots}):
            value = statistics.median(dot.y for dot in series.dots if dot.x == moment)
            lines.append({"x": moment, "y": value, "label": key(series.label), "title": said})
    datasets = {"lines": lines, "ends": written_ends(listed, top, HEIGHT)}
    datasets["changed"] = [
        {"x": moment, "label": key(words)} for moment, words in sorted(changed.items())
    ]
    line = alt.Chart(alt.NamedData(name="lines")).mark_line(strokeWidth=1.5)
    names = alt.Chart(alt.NamedData(name="ends")).mark_text(
        align="left", baseline="middle", dx=6, limit=NAMED
    )
    layers = []
    if changed:
        rule = alt.Chart(alt.NamedData(name="changed")).encode(x=x, description="label:N")
        layers.append(rule.mark_rule(color="var(--soft)", strokeDash=[3, 3]))
        head = rule.mark_text(y=-9, color="var(--soft)", limit=WIDTH - SIDE)
        layers.append(head.encode(text="label:N"))
    layers += [
        line.encode(
            x=x,
            y=y,
            color=color,
            strokeDash=alt.StrokeDash("label:N", legend=None, scale=dash),
            description=alt.Description("title:N"),
        ),
        points(listed, x, y, size=36),
        names.encode(
            x=alt.value("width"), y=y, text="label:N", color=color, description="label:N"
        ),
    ]
    datasets["points"] = rows(listed)
    chart = alt.layer(*layers).properties(width=WIDTH - SIDE - NAMED, height=HEIGHT)
    return draw(caption, chart, datasets, numbers(listed, "Milliseconds since 1970", y_title))
