"""GPU memory that tensors needed at once."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import training_peak


def _compute(record: Record) -> float | None:
    return training_peak(record, "allocated_peak_bytes")


METRIC = Metric(
    title="Peak allocated on the GPU",
    unit="bytes",
    better="lower",
    help=(
        "The most that torch had handed out to tensors at once, over the first and the steady"
        " steps. What a GPU needs at least, without loading."
    ),
    compute=_compute,
)
