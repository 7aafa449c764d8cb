"""GPU memory that torch took from the driver."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import training_peak


def _compute(record: Record) -> float | None:
    return training_peak(record, "reserved_peak_bytes")


METRIC = Metric(
    title="Peak reserved on the GPU",
    unit="bytes",
    better="lower",
    help=(
        "The most that the caching allocator of torch had taken from the driver, over the first"
        " and the steady steps. It grows with what is free and is no requirement."
    ),
    compute=_compute,
)
