"""Time of one optimizer step, as a job takes it."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import steady_seconds, steady_steps


def _compute(record: Record) -> float | None:
    seconds = steady_seconds(record)
    return None if seconds is None else seconds / len(steady_steps(record))


METRIC = Metric(
    title="Step time",
    unit="seconds",
    better="lower",
    help=(
        "Mean over the steady steps of one repeat: the time from the begin of the first to the"
        " end of the last, divided by their number. Waits for data and garbage collection count,"
        " as a job has them. A result that does not say when its steps were has the steps'"
        " own times and the waits for all batches but the first."
    ),
    compute=_compute,
    over_window=True,
)
