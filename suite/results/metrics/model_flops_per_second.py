"""Arithmetic that training needs, per second."""

from suite.catalog.flops import step_flops
from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import median, steady_steps


def _compute(record: Record) -> float | None:
    steps = steady_steps(record)
    if not all(step.row_tokens for step in steps):
        return None
    method, architecture = record.case.method, record.case.model.architecture
    rates = []
    for step in steps:
        flops = step_flops(architecture, method.adapter, step.row_tokens, recomputes=False)
        rates.append(flops.model / step.seconds)
    return median(rates)


METRIC = Metric(
    title="Model FLOP/s",
    unit="FLOP/second",
    better="higher",
    help=(
        "Operations of the forward and backward matrix products on real tokens, divided by the"
        " step's seconds; the median over steady steps. Frozen layers have no weight gradient,"
        " only experts that a token meets count, and recomputation is not counted."
    ),
    compute=_compute,
)
