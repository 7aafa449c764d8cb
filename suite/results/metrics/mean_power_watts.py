"""Power of training."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.telemetry.energy import energy


def _compute(record: Record) -> float | None:
    found = energy(record)
    if found.joules is None or not found.valid or found.seconds is None:
        return None
    return found.joules / found.seconds


METRIC = Metric(
    title="Mean power",
    unit="watts",
    better=None,
    help=(
        "Energy of the steady steps over the time from the begin of the first to the end of the"
        " last, waits between steps included. Only where that energy may be quoted."
    ),
    compute=_compute,
)
