"""Arithmetic that the card does, per second: what training needs, and what is done twice."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import operations, per_second, steady_steps


def _compute(record: Record) -> float | None:
    if record.effective is None:
        return None
    counts = operations(
        record.case,
        steady_steps(record),
        recomputes=record.effective.gradient_checkpointing != "none",
    )
    return None if counts is None else per_second(record, counts)


METRIC = Metric(
    title="Hardware FLOP/s",
    unit="FLOP/second",
    better=None,
    help=(
        "Model FLOP/s, and where the running model has gradient checkpointing the forward pass of"
        " every layer once more. An engine that repeats only parts of a layer does less than this."
    ),
    compute=_compute,
    over_window=True,
)
