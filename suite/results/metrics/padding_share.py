"""How much of the computed work was padding."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import steady_steps


def _compute(record: Record) -> float | None:
    steps = steady_steps(record)
    padded = sum(step.tokens_padded for step in steps)
    return 1 - sum(step.tokens_real for step in steps) / padded if padded else None


METRIC = Metric(
    title="Padding",
    unit="share",
    better="lower",
    help="Share of the positions computed in steady steps that were padding.",
    compute=_compute,
)
