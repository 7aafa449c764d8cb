"""Throughput in tokens that carry text."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import median, steady_steps


def _compute(record: Record) -> float | None:
    return median([step.tokens_real / step.seconds for step in steady_steps(record)])


METRIC = Metric(
    title="Real tokens per second",
    unit="tokens/second",
    better="higher",
    help=(
        "Tokens of the rows themselves, padding not counted, divided by the step's seconds; the"
        " median over the steady steps of one launch."
    ),
    compute=_compute,
)
