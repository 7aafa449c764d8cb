"""Throughput in positions computed."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import median, steady_steps


def _compute(record: Record) -> float | None:
    return median([step.tokens_padded / step.seconds for step in steady_steps(record)])


METRIC = Metric(
    title="Padded tokens per second",
    unit="tokens/second",
    better="higher",
    help=(
        "Every position that was computed, padding included, divided by the step's seconds; the"
        " median over the steady steps of one launch. It flatters a row that pads."
    ),
    compute=_compute,
)
