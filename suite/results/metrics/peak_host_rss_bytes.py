"""Host memory of the worker process."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import training_peak


def _compute(record: Record) -> float | None:
    return training_peak(record, "host_rss_peak_bytes")


METRIC = Metric(
    title="Peak host RSS",
    unit="bytes",
    better="lower",
    help=(
        "The most resident host memory of the worker process over the first and the steady"
        " steps, libraries included."
    ),
    compute=_compute,
)
