"""Throughput in positions computed."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import rate, steady_steps


def _compute(record: Record) -> float | None:
    steps = steady_steps(record)
    return rate(steps, [step.tokens_padded for step in steps])


METRIC = Metric(
    title="Padded tokens per second",
    unit="tokens/second",
    better="higher",
    help=(
        "Every position that was computed, padding included, divided by the step's seconds; the"
        " median over the steady steps of one launch, or all over all where batches differ in"
        " length. It flatters a row that pads."
    ),
    compute=_compute,
)
