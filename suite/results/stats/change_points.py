"""One case over time: where its step time changed, by a test that knows how far sittings differ.

A run is one sitting: one day, one state of the machine, one set of packages. Its launches share
all of that and say nothing of how far sittings lie apart, so a sitting counts once, by its mean,
whatever its number of launches. Their scatter is taken as normal: the clearest split of a series
is held against the clearest of as many normal numbers (the likelihood ratio test for one change at
an unknown place; Worsley 1979, Journal of the American Statistical Association 74:365).

Why sittings are not shuffled: of eight, four and four can be dealt in 70 ways, so that no change
whatever would be rare enough for ``ALPHA``.
"""

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence
from functools import cache

from suite.wire import Struct

ALPHA = 0.01  #: of each split that is tried; the first is tried on every series
DRAWS = 9999
SEED = 17
LEAST_RUNS = 8  #: of a series, and of a part of one that is split again
LEAST_SIDE = 2  #: runs: what one sitting shows is that sitting


class ChangePoint(Struct, frozen=True, kw_only=True):
    """Between run ``at - 1`` and run ``at`` of a series the level changed.

    ``ratio`` is the geometric mean of step seconds after over that before, up to the neighbouring
    changes, each run once; ``p`` the share of series without a change that split as clearly
    somewhere.
    """

    at: int
    ratio: float
    p: float


def change_points(runs: Sequence[Sequence[float]]) -> list[ChangePoint]:
    """Return the changes of a series: positive seconds a launch, grouped by run, oldest first.

    The clearest split is tested against the clearest of series without a change, whatever place it
    has there, so that looking everywhere costs no false alarms; both sides are then looked at
    again. A level that comes back soon after can be missed so: no one split is clear then.
    """
    means = [statistics.fmean(map(math.log, run)) for run in runs]
    cuts = sorted(_split(means, 0))
    edges = [0, *(at for at, _ in cuts), len(means)]
    points = []
    for number, (at, p) in enumerate(cuts, 1):
        before, after = means[edges[number - 1] : at], means[at : edges[number + 1]]
        ratio = math.exp(statistics.fmean(after) - statistics.fmean(before))
        points.append(ChangePoint(at=at, ratio=ratio, p=p))
    return points


def _split(means: list[float], begin: int) -> list[tuple[int, float]]:
    """Return (run, p) of every split within these runs; ``begin`` is the first one's number."""
    if len(means) < LEAST_RUNS:
        return []
    clearest, at = _clearest(means)
    chance = _by_chance(len(means))
    p = (1 + len(chance) - bisect.bisect_left(chance, clearest)) / (1 + len(chance))
    if p > ALPHA:
        return []
    left, right = _split(means[:at], begin), _split(means[at:], begin + at)
    return [*left, (begin + at, p), *right]


def _clearest(means: Sequence[float]) -> tuple[float, int]:
    """Return the largest share of variance that a split explains, and which run begins it."""
    number, mean = len(means), statistics.fmean(means)
    total = sum((value - mean) ** 2 for value in means)
    if total <= 0:
        return 0.0, LEAST_SIDE
    sums = list(itertools.accumulate(value - mean for value in means))
    return max(
        (sums[at - 1] ** 2 * (1 / at + 1 / (number - at)) / total, at)
        for at in range(LEAST_SIDE, number - LEAST_SIDE + 1)
    )


@cache
def _by_chance(number: int) -> tuple[float, ...]:
    """Return the clearest splits of as many normal numbers, ascending; the seed is fixed."""
    # A quarter of a second to import: only a series that is long enough pays for it.
    import numpy

    values = numpy.random.default_rng([SEED, number]).normal(size=(DRAWS, number))
    values -= values.mean(1, keepdims=True)
    at = numpy.arange(LEAST_SIDE, number - LEAST_SIDE + 1)
    between = values.cumsum(1)[:, at - 1] ** 2 * (1 / at + 1 / (number - at))
    shares = between.max(1) / (values**2).sum(1)
    return tuple(numpy.sort(shares).tolist())
