"""Throughput in tokens that carry text."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import rate, steady_steps


def _compute(record: Record) -> float | None:
    steps = steady_steps(record)
    return rate(steps, [step.tokens_real for step in steps])


METRIC = Metric(
    title="Real tokens per second",
    unit="tokens/second",
    better="higher",
    help=(
        "Tokens of the rows themselves, padding not counted, divided by the step's seconds; the"
        " median over the steady steps of one launch. Where batches differ in length, all tokens"
        " of the steady steps over all their seconds."
    ),
    compute=_compute,
)
