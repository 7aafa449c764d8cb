"""Throughput over a whole launch, for rows whose lengths differ."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import steady_steps


def _compute(record: Record) -> float | None:
    steps = steady_steps(record)
    seconds = sum(step.seconds for step in steps)
    return sum(step.tokens_real for step in steps) / seconds if steps else None


METRIC = Metric(
    title="Real tokens per second, overall",
    unit="tokens/second",
    better="higher",
    help=(
        "All real tokens of the steady steps over all their seconds. Where batches differ in"
        " length this is what a whole epoch would see; a stall of one step is in it, which the"
        " median of steps leaves out."
    ),
    compute=_compute,
)
