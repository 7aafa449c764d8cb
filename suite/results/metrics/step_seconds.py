"""Time of one optimizer step."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import median, steady_steps


def _compute(record: Record) -> float | None:
    return median([step.seconds for step in steady_steps(record)])


METRIC = Metric(
    title="Step time",
    unit="seconds",
    better="lower",
    help=(
        "Median over the steady steps of one launch: forward, backward, clipping and update of"
        " all accumulated batches, synchronized with the device at both ends. The wait for"
        " data is not in it."
    ),
    compute=_compute,
)
