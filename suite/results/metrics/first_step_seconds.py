"""What the first step costs."""

from suite.results.metrics import Metric
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    return next((step.seconds for step in record.steps if step.role == "first"), None)


METRIC = Metric(
    title="First step",
    unit="seconds",
    better="lower",
    help="The first optimizer step, with whatever the engine compiles in it.",
    compute=_compute,
)
