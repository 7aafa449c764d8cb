"""Energy of training, per token."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.telemetry.energy import energy


def _compute(record: Record) -> float | None:
    found = energy(record)
    if found.joules is None or not found.valid or not found.tokens_real:
        return None
    return found.joules / found.tokens_real


METRIC = Metric(
    title="Energy per token",
    unit="joules/token",
    better="lower",
    help=(
        "Rise of the GPU's energy counter from the begin of the first to the end of the last"
        " steady step, waits between steps included, over the tokens (padding excluded) of those"
        " steps. A GPU without a counter has its power readings integrated. Shown only without a"
        " gap, a slowdown or a foreign process, and where counter and power agree."
    ),
    compute=_compute,
)
