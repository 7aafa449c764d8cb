"""What the GPU does in the extra time of longer steps, read from its energy counter.

Steps of one case do the same work, so they should take the same time. Where they don't, either the
GPU computed more slowly, at about its usual power, or it waited, at little more than idle power.
The slope of joules over seconds across the steps is the power that the extra seconds drew, and
tells the two apart without a profiler.
"""

import math
import statistics
from typing import Literal

from suite.results.computed import once
from suite.results.energy import counted, interpolated
from suite.results.record import Record
from suite.results.window import NoWindow, steady_window
from suite.wire import Struct

#: Steps that differ less have no extra time to explain.
LEAST_DEVIATION = 0.02
#: A line through fewer steps says nothing.
LEAST_STEPS = 10
#: Of the steps' mean power: extra time below it was mostly waiting, above it mostly computing.
HALF = 0.5

Cause = Literal["waits", "computes", "unclear"]


class LongSteps(Struct, frozen=True, kw_only=True):
    """The steady steps' scatter, and the power in watts that their extra time drew.

    ``deviation`` is the standard deviation of the steps' times over their mean. ``extra_watts``
    is a least-squares slope, ``margin_watts`` two of its standard errors: the counter moves in
    jumps, which matter the more the shorter the steps.
    """

    steps: int
    deviation: float
    mean_watts: float
    extra_watts: float
    margin_watts: float

    @property
    def cause(self) -> Cause:
        """Return what the GPU did in the extra time, where the margin lets it be said."""
        half = HALF * self.mean_watts
        if self.extra_watts + self.margin_watts < half:
            return "waits"
        return "computes" if self.extra_watts - self.margin_watts > half else "unclear"


@once("long_steps")
def long_steps(record: Record) -> LongSteps | None:
    """Return it, or None: steps alike, of unlike work, too few, or their energy is not known."""
    telemetry, steady = record.telemetry, steady_window(record)
    if telemetry is None or isinstance(steady, NoWindow):
        return None
    # Another process' energy is in the counter as well, and rows of other lengths are other work.
    if telemetry.foreign_processes or len({step.tokens_padded for step in record.steps}) > 1:
        return None
    if counted(telemetry, steady)[0] is None:
        return None
    within = slice(steady.before, steady.after + 1)
    times = telemetry.elapsed_seconds[within]
    counter = [value for value in telemetry.energy_joules[within] if value is not None]
    spans = [
        span
        for step, span in zip(record.steps, telemetry.step_elapsed_seconds, strict=True)
        if step.role == "steady"
    ]
    first, last = steady.begin_seconds, steady.end_seconds
    if any(not first <= begin < end <= last for begin, end in spans):
        return None  # a stranger's record, whose steps are out of order
    seconds = [end - begin for begin, end in spans]
    joules = [
        interpolated(times, counter, end) - interpolated(times, counter, begin)
        for begin, end in spans
    ]
    if len(seconds) < LEAST_STEPS:
        return None
    mean, deviation = statistics.fmean(seconds), statistics.stdev(seconds)
    if deviation < LEAST_DEVIATION * mean:
        return None
    slope, intercept = statistics.linear_regression(seconds, joules)
    left = (j - intercept - slope * s for s, j in zip(seconds, joules, strict=True))
    freedom, spread = len(seconds) - 2, deviation**2 * (len(seconds) - 1)
    return LongSteps(
        steps=len(seconds),
        deviation=deviation / mean,
        mean_watts=sum(joules) / sum(seconds),
        extra_watts=slope,
        margin_watts=2 * math.sqrt(sum(each**2 for each in left) / freedom / spread),
    )
