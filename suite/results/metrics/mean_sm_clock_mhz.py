"""How fast the GPU's processors ran."""

import statistics

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.telemetry.window import NoWindow, steady_window


def _compute(record: Record) -> float | None:
    window = steady_window(record)
    if isinstance(window, NoWindow) or record.telemetry is None:
        return None
    clocks = window.inside(record.telemetry.sm_clock_mhz)
    # An unknown sample could hide the slow ones.
    return statistics.fmean(clocks) if clocks and len(clocks) == window.samples else None


METRIC = Metric(
    title="Mean SM clock",
    unit="megahertz",
    better=None,
    help=(
        "Mean of the SM clock's samples from the begin of the first to the end of the last steady"
        " step. A GPU at its power cap lowers it; faster code may then run at a lower clock."
    ),
    compute=_compute,
)
