"""How much the steps of one launch scatter."""

import statistics

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import steady_steps


def _compute(record: Record) -> float | None:
    seconds = [step.seconds for step in steady_steps(record)]
    if len(seconds) < 4:
        return None
    lower, middle, upper = statistics.quantiles(seconds, n=4, method="inclusive")
    return (upper - lower) / middle


METRIC = Metric(
    title="Step spread",
    unit="share",
    better="lower",
    help=(
        "Interquartile range of the steady step times over their median, within one repeat; it"
        " needs four steps. It is no error bar: repeats are the replicates, steps are not."
    ),
    compute=_compute,
)
