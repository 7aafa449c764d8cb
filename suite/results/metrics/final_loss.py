"""Loss of the last step."""

from suite.results.metrics import Metric
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    return record.steps[-1].loss if record.steps else None


METRIC = Metric(
    title="Last loss",
    unit="nats",
    better=None,
    help=(
        "Mean loss over the loss tokens of the last step taken. Warm-up ends by rule, so two"
        " repeats may stop at different steps; loss parity compares step by step."
    ),
    compute=_compute,
)
