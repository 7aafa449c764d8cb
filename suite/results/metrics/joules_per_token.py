"""Energy of training, per token."""

from bisect import bisect_right
from itertools import pairwise

from suite.results.metrics import Metric
from suite.results.record import Record, Telemetry

#: The counter moves in jumps tens of milliseconds apart (NVIDIA does not document the interval),
#: so over a window with fewer samples than this the jumps at its ends would show in the result.
MINIMUM_SAMPLES = 10


def _compute(record: Record) -> float | None:
    telemetry = record.telemetry
    if telemetry is None or telemetry.foreign_processes:
        return None
    if len(telemetry.step_elapsed_seconds) != len(record.steps):
        return None
    pairs = list(zip(record.steps, telemetry.step_elapsed_seconds, strict=True))
    steady = [(step, times) for step, times in pairs if step.role == "steady"]
    if not steady:
        return None
    joules = _joules_between(telemetry, steady[0][1][0], steady[-1][1][1])
    return None if joules is None else joules / sum(step.tokens_real for step, _ in steady)


def _joules_between(telemetry: Telemetry, begin: float, end: float) -> float | None:
    """Return the counter's rise in joules, or None when it does not cover the window."""
    times = telemetry.elapsed_seconds
    if len(times) != len(telemetry.energy_joules) or any(b <= a for a, b in pairwise(times)):
        return None
    first, last = bisect_right(times, begin) - 1, bisect_right(times, end)
    if first < 0 or last >= len(times) or last - first < MINIMUM_SAMPLES:
        return None
    window = telemetry.energy_joules[first : last + 1]
    known = [joules for joules in window if joules is not None]
    if len(known) != len(window) or any(b < a for a, b in pairwise(known)):
        return None
    at = times[first : last + 1]
    return _interpolated(at, known, end) - _interpolated(at, known, begin)


def _interpolated(times: tuple[float, ...], values: list[float], moment: float) -> float:
    right = min(bisect_right(times, moment), len(times) - 1)
    left = right - 1
    share = (moment - times[left]) / (times[right] - times[left])
    return values[left] + share * (values[right] - values[left])


METRIC = Metric(
    title="Energy per real token",
    unit="joules/token",
    better="lower",
    help=(
        "Rise of the GPU's energy counter from the begin of the first to the end of the last"
        " steady step, waits between steps included, over the real tokens of those steps. Only"
        " where the counter covers them, never falls, and no foreign process was on the GPU."
    ),
    compute=_compute,
)
