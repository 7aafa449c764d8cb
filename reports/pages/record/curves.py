"""The two curves of a record's page: how long its steps took, and their losses."""

from collections.abc import Sequence

from reports.charts.record_lines import Chart, LineData, chart
from suite import units
from suite.results.record import Record
from suite.results.validity.parity import Parity


def of_record(record: Record, parity: Parity) -> tuple[Chart, ...]:
    """Return what there is to draw, the reference's losses beside the record's own."""
    later = [step for step in record.steps if step.role != "first"]
    scale = units.scale("seconds", [step.seconds for step in later])
    times = LineData(
        name="Step time",
        kind="ours",
        samples=[(step.index + 1, step.seconds / scale.size, step.role) for step in later],
    )
    title = record.case.method.title
    losses = [LineData(name=title, kind="ours", samples=_losses(record))]
    if parity.reference is not None:
        other = parity.reference
        line = LineData(name=other.case.method.title, kind="theirs", samples=_losses(other))
        losses.insert(0, line)
    charts = (
        chart(
            f"Step time in {scale.unit}, by step",
            "Seconds of each optimizer step after the first; hollow points are warm-up.",
            [times],
            lambda value: f"{value:,.{scale.digits}f} {scale.unit}",
        ),
        chart(
            "Training loss in nats, by step",
            "Mean loss over the loss tokens of each step"
            + (
                f"; the dashed line is {losses[0].name}, the reference."
                if parity.reference
                else "."
            ),
            losses,
            lambda value: f"{value:.4f}",
        ),
    )
    return tuple(each for each in charts if each is not None)


def _losses(record: Record) -> Sequence[tuple[int, float | None, str]]:
    return [(step.index + 1, step.loss, "steady") for step in record.steps]
