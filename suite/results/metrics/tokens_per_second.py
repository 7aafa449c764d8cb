"""Throughput in tokens that carry text."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import per_second, steady_steps


def _compute(record: Record) -> float | None:
    return per_second(record, [step.tokens_real for step in steady_steps(record)])


METRIC = Metric(
    title="Real tokens per second",
    unit="tokens/second",
    better="higher",
    help=(
        "Tokens of the rows themselves, padding not counted: all of the steady steps over the"
        " time from the begin of the first to the end of the last, waits between them included."
    ),
    compute=_compute,
    over_window=True,
)
