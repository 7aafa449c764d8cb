"""What importing the engine costs."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import phase_seconds


def _compute(record: Record) -> float | None:
    return phase_seconds(record, "import")


METRIC = Metric(
    title="Import",
    unit="seconds",
    better="lower",
    help="Wall clock of importing the engine and its libraries in a fresh process.",
    compute=_compute,
)
