"""Loss before anything was learned."""

from suite.results.metrics import Metric
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    return record.steps[0].loss if record.steps else None


METRIC = Metric(
    title="First loss",
    unit="nats",
    better=None,
    help="Mean loss over the loss tokens of the first step, before any update.",
    compute=_compute,
)
