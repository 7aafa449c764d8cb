"""Throughput in tokens that carry text."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import per_second, steady_steps


def _compute(record: Record) -> float | None:
    return per_second(record, [step.tokens_real for step in steady_steps(record)])


METRIC = Metric(
    title="Tokens per second",
    unit="tokens/second",
    better="higher",
    help=(
        "Tokens (padding excluded) of all steady steps, divided by the time from the begin of the"
        " first to the end of the last. Waits between steps are included."
    ),
    compute=_compute,
    over_window=True,
)
