"""What the GPU does in the extra time of longer steps, read from its energy counter.

Steps of one case do the same work, so they should take the same time. Where they don't, either the
GPU computed more slowly, at about its usual power, or it waited, at little more than idle power.
The slope of joules over seconds across the steps is the power that the extra seconds drew, and
tells the two apart without a profiler. At the power limit it does not: what waiting saves there
lets the clock rise until the mean power is at the limit again. So the clock is looked at as well:
who computes the same work at a higher clock and is done later has waited.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from suite.results.memoize import once
from suite.results.record import Record
from suite.results.samples import alike
from suite.results.telemetry.energy import counted, interpolated
from suite.results.telemetry.window import NoWindow, mean_within, steady_window
from suite.wire import Count, Struct

#: Steps that differ less have no extra time to explain.
LEAST_DEVIATION = 0.02
#: A line through fewer steps says nothing.
LEAST_STEPS = 10
#: Of the steps' mean power: extra time below it was mostly waiting, above it mostly computing.
HALF = 0.5
#: Percent by which the clock is higher for each percent that a step is longer: below the first it
#: has not risen, above the second it does what waiting at the power limit brings (0.6 to 0.8).
CLOCK_RISES, CLOCK_FOLLOWS = 0.1, 0.5

#: Bounded for those that are read from a file.
_Figure = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]

Cause = Literal["waits", "computes", "unclear"]


class LongSteps(Struct, frozen=True, kw_only=True):
    """The steady steps' scatter, and the power in watts that their extra time drew.

    ``deviation`` is the standard deviation of the steps' times over their mean. ``extra_watts``
    is a least-squares slope, ``margin_watts`` two of its standard errors: the counter moves in
    jumps, which matter the more the shorter the steps. ``clock_slope`` is one too: by what share
    of itself the SM clock is higher where steps are longer by the same share of themselves; null
    where it is not known of enough steps.
    """

    steps: Count
    deviation: _Figure
    mean_watts: _Figure
    extra_watts: _Figure
    margin_watts: _Figure
    clock_slope: _Figure | None = None
    clock_margin: _Figure | None = None

    @property
    def cause(self) -> Cause:
        """Return what the GPU did in the extra time, where the margins let it be said."""
        half = HALF * self.mean_watts
        if self.extra_watts + self.margin_watts < half:
            return "waits"
        if self.clock_slope is None or self.clock_margin is None:
            return "unclear"
        if self.clock_slope - self.clock_margin > CLOCK_RISES:
            return "waits"
        drew = self.extra_watts - self.margin_watts > half
        flat = self.clock_slope + self.clock_margin < CLOCK_FOLLOWS
        return "computes" if drew and flat else "unclear"


@once
def long_steps(record: Record) -> LongSteps | None:
    """Return it, or None: steps alike, of unlike work, too few, or their energy is not known."""
    telemetry, steady = record.telemetry, steady_window(record)
    if telemetry is None or isinstance(steady, NoWindow):
        return None
    # Another process' energy is in the counter as well, and rows of other lengths are other work.
    if telemetry.foreign_processes or not alike(record.steps):
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
    every = telemetry.elapsed_seconds, telemetry.sm_clock_mhz
    clocks = [mean_within(*every, span) for span in spans]
    return scatter(seconds, joules, clocks)


def scatter(
    seconds: Sequence[float], joules: Sequence[float], clocks: Sequence[float | None]
) -> LongSteps | None:
    """Return it for steps of these lengths and energies; None for too few, or steps alike.

    ``clocks`` are the steps' mean SM clocks in any unit; 0, which no card computes at, is unknown.
    """
    if len(seconds) < LEAST_STEPS:
        return None
    mean, deviation = statistics.fmean(seconds), statistics.stdev(seconds)
    if deviation < LEAST_DEVIATION * mean:
        return None
    watts, margin = _slope(seconds, joules)
    known = [(s, clock) for s, clock in zip(seconds, clocks, strict=True) if clock]
    clock_slope = clock_margin = None
    if len(known) >= LEAST_STEPS and len({s for s, _ in known}) > 1:
        longs, highs = zip(*known, strict=True)
        unit = statistics.fmean(longs) / statistics.fmean(highs)
        clock_slope, clock_margin = (unit * each for each in _slope(longs, highs))
    return LongSteps(
        steps=len(seconds),
        deviation=deviation / mean,
        mean_watts=sum(joules) / sum(seconds),
        extra_watts=watts,
        margin_watts=margin,
        clock_slope=clock_slope,
        clock_margin=clock_margin,
    )


def _slope(across: Sequence[float], up: Sequence[float]) -> tuple[float, float]:
    """Return a least-squares slope and two of its standard errors."""
    slope, intercept = statistics.linear_regression(across, up)
    left = (y - intercept - slope * x for x, y in zip(across, up, strict=True))
    freedom, spread = len(across) - 2, statistics.variance(across) * (len(across) - 1)
    return slope, 2 * math.sqrt(sum(each**2 for each in left) / freedom / spread)
