"""Had a launch settled? Judged on the steady steps that are published, when a record is read.

One number is printed of a launch, the mean of its steps. Two questions say what it is worth: does
the second half of the steps tell another mean than the first, and how well do all of them know it?
The second is answered by batch means: neighbouring steps are not independent, so blocks of about
the square root of their number stand for single steps, and Student's t makes an interval of the
means of the blocks (Schmeiser 1982; Flegal and Jones 2010 on the size of blocks).

Steps in which Python collected garbage are left out: they come in turn, after so many objects, so
that each half has about as many of them. Their time is in the mean all the same.
"""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from suite import units
from suite.results.memoize import once
from suite.results.record import Record
from suite.results.samples import LEAST_STEPS, alike, steady_steps
from suite.results.stats import significance
from suite.wire import Step, Struct

#: Halves may differ by so much, and by as much as the mean is known to.
TOLERANCE = significance.MARGIN
#: A mean that is known no better than this is no settled one, however its halves lie.
MOST_ERROR = 0.05
#: Of a step's time; a smaller collection hides among what steps differ by anyway.
COLLECTED = 0.01
#: One step that is so many times as long as any other says nothing about the others.
ODD = 1.5


class Settled(Struct, frozen=True, kw_only=True):
    """Whether the steps of a launch had settled; ``settled`` is None where that is unknown.

    ``error`` is half of the 95 % interval of the mean step, as a share of it: the ± that stands
    beside a rate of this launch. ``halves`` is the mean of the second half over that of the first,
    less 1. Both are None with ``settled``. ``reason`` is a phrase for a reader: why it is not, or
    not known, or the one step that is unlike all others; else empty.
    """

    settled: bool | None
    error: float | None = None
    halves: float | None = None
    reason: str = ""


@once
def settled(record: Record) -> Settled:
    """Return whether the steady steps of a record had settled."""
    steps = steady_steps(record)
    if not steps:
        return Settled(settled=None, reason="there was no steady step")
    if not alike(steps):
        return Settled(settled=None, reason="steps differ in how much they compute")
    if len(steps) < LEAST_STEPS:
        return Settled(settled=None, reason=f"fewer than {LEAST_STEPS} steady steps")
    calm = [step.seconds for step in steps if not _collected(step)]
    # A process that collects in most of its steps has no others to go by.
    return judged(calm if len(calm) >= LEAST_STEPS else [step.seconds for step in steps])


def judged(seconds: Sequence[float]) -> Settled:
    """Return it for the times of steps that compute as much, at least ``LEAST_STEPS`` of them."""
    verdict = _judged(seconds)
    if verdict.settled or len(seconds) == LEAST_STEPS:
        return verdict
    rest = list(seconds)
    rest.remove(longest := max(seconds))
    times = longest / max(rest)
    if times < ODD or not _judged(rest).settled:
        return verdict
    # The other steps had settled. What the odd one does to the mean is in the error.
    odd = f"one step took {times:.1f} times as long as any other"
    return Settled(settled=True, error=verdict.error, halves=verdict.halves, reason=odd)


def _judged(seconds: Sequence[float]) -> Settled:
    error, middle = _error(seconds), len(seconds) // 2
    halves = statistics.fmean(seconds[middle:]) / statistics.fmean(seconds[:middle]) - 1
    reason = ""
    if abs(halves) > max(TOLERANCE, error):
        way = "slower" if halves > 0 else "faster"
        reason = f"its second half was {units.percent(abs(halves))} {way} than its first"
    elif error > MOST_ERROR:
        reason = f"its mean is known to {units.plus_minus(error)} only"
    return Settled(settled=not reason, error=error, halves=halves, reason=reason)


def _error(seconds: Sequence[float]) -> float:
    """Return half of the 95 % interval of the mean, as a share of it, by batch means."""
    number = len(seconds)
    blocks = math.ceil(math.sqrt(number))
    ends = [block * number // blocks for block in range(blocks + 1)]
    means = [statistics.fmean(seconds[a:b]) for a, b in pairwise(ends)]
    interval = significance.interval(means)
    assert interval is not None  # of two blocks and more
    return (interval[1] - interval[0]) / 2 / statistics.fmean(seconds)


def _collected(step: Step) -> bool:
    return (step.collector_seconds or 0.0) > COLLECTED * step.seconds
