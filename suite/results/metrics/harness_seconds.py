"""What the suite itself costs per case."""

from suite.results.metrics import Metric
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    return record.harness_seconds


METRIC = Metric(
    title="Harness",
    unit="seconds",
    better="lower",
    help="Wall clock of the case outside the worker's own phases.",
    compute=_compute,
)
