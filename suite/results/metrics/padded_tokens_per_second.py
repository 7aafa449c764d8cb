"""Throughput in positions computed."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import per_second, steady_steps


def _compute(record: Record) -> float | None:
    return per_second(record, [step.tokens_padded for step in steady_steps(record)])


METRIC = Metric(
    title="Tokens per second, padding included",
    unit="tokens/second",
    better="higher",
    help=(
        "Every position that was computed, padding included: those of all steady steps, divided by"
        " the time from the begin of the first to the end of the last. Waits between steps are"
        " included. It flatters a row that pads."
    ),
    compute=_compute,
    over_window=True,
)
