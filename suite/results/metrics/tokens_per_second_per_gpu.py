"""Throughput of each of several GPUs."""

from suite.results.metrics import Metric, tokens_per_second
from suite.results.record import Record


def _compute(record: Record) -> float | None:
    rate = tokens_per_second.METRIC.compute(record)
    return None if rate is None or record.case.parallel is None else rate / record.case.gpus


METRIC = Metric(
    title="Tokens per second and GPU",
    unit="tokens/second",
    better="higher",
    help=(
        "Tokens per second of all GPUs over their number, where there are several. Over the tokens"
        " per second of the same case on one of them, it is the efficiency of scaling."
    ),
    compute=_compute,
    over_window=True,
)
