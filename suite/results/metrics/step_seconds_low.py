"""The GPU's own time for a step: what the host adds to some steps is not in it."""

from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.samples import LEAST_STEPS, alike, low_quantile, steady_steps


def _compute(record: Record) -> float | None:
    steps = steady_steps(record)
    if len(steps) < LEAST_STEPS or not alike(steps):
        return None
    return low_quantile([step.seconds for step in steps])


METRIC = Metric(
    title="Step time, 10 % quantile",
    unit="seconds",
    better="lower",
    help=(
        "One steady step in ten of a repeat is no longer than this, synchronized with the device"
        " at both ends, without the wait for data. Waits for the host and garbage collection make"
        " some steps longer; the shortest show the GPU's own time. It scatters least from repeat"
        f" to repeat. It needs {LEAST_STEPS} steps that compute as much."
    ),
    compute=_compute,
)
