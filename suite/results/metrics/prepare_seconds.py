"""What preparing the training costs."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import phase_seconds


def _compute(record: Record) -> float | None:
    return phase_seconds(record, "prepare")


METRIC = Metric(
    title="Prepare",
    unit="seconds",
    better="lower",
    help="Wall clock of adding adapters and building trainer and data.",
    compute=_compute,
)
