"""Arithmetic that training needs, per second."""

from suite.results.memoize import once
from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import operations, per_second, steady_steps


@once
def _compute(record: Record) -> float | None:
    counts = operations(record.case, steady_steps(record))
    return None if counts is None else per_second(record, counts)


METRIC = Metric(
    title="Model FLOP/s",
    unit="FLOP/second",
    better="higher",
    help=(
        "Operations of the forward and backward matrix products on tokens (padding excluded): all"
        " of the steady steps over the time from the begin of the first to the end of the last."
        " Frozen layers have no weight gradient, only experts that a token meets count, and"
        " recomputation is not counted."
    ),
    compute=_compute,
    over_window=True,
)
