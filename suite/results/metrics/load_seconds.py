"""What loading the weights costs."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import phase_seconds


def _compute(record: Record) -> float | None:
    return phase_seconds(record, "load")


METRIC = Metric(
    title="Load",
    unit="seconds",
    better="lower",
    help="Wall clock of getting the base weights onto the device.",
    compute=_compute,
)
