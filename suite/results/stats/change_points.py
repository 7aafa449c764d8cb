"""One case over time: where its step time changed, by a test that permutation calibrates.

Runs are in the order of time, launches are the replicates. A change lies between two runs, never
inside one: a run is one sitting with one set of packages.
"""

import itertools
import math
import random
from collections.abc import Sequence

from suite.wire import Struct

ALPHA = 0.01  #: of each split that is tried; the first is tried on every series
PERMUTATIONS = 999
SEED = 17
LEAST_RUNS = 2
#: In all: five and five can be dealt in 252 ways, of fewer none is rare enough for ``ALPHA``.
LEAST_LAUNCHES = 10


class ChangePoint(Struct, frozen=True, kw_only=True):
    """Between run ``at - 1`` and run ``at`` of a series the level changed.

    ``ratio`` is the geometric mean of step seconds after over that before, up to the neighbouring
    changes; ``p`` the share of shuffled series that split as clearly somewhere.
    """

    at: int
    ratio: float
    p: float


def change_points(runs: Sequence[Sequence[float]]) -> list[ChangePoint]:
    """Return the changes of a series: positive seconds a launch, grouped by run.

    The clearest split is tested against the clearest of shuffled launches, whatever place it has
    there, so that looking everywhere costs no false alarms; both sides are then looked at again.
    """
    logs = [[math.log(value) for value in run] for run in runs]
    cuts = sorted(_split(logs, 0, random.Random(SEED)))
    edges = [0, *(at for at, _ in cuts), len(logs)]
    points = []
    for number, (at, p) in enumerate(cuts, 1):
        before = list(itertools.chain(*logs[edges[number - 1] : at]))
        after = list(itertools.chain(*logs[at : edges[number + 1]]))
        ratio = math.exp(sum(after) / len(after) - sum(before) / len(before))
        points.append(ChangePoint(at=at, ratio=ratio, p=p))
    return points


def _split(logs: list[list[float]], begin: int, dice: random.Random) -> list[tuple[int, float]]:
    """Return (run, p) of every split within these runs; ``begin`` is the first one's number."""
    values = list(itertools.chain(*logs))
    if len(logs) < LEAST_RUNS or len(values) < LEAST_LAUNCHES:
        return []
    sizes = list(itertools.accumulate(len(run) for run in logs))[:-1]
    clearest, cut = _clearest(values, sizes)
    shuffled = values.copy()
    rarer = 0
    for _ in range(PERMUTATIONS):
        dice.shuffle(shuffled)
        rarer += _clearest(shuffled, sizes)[0] >= clearest
    p = (1 + rarer) / (1 + PERMUTATIONS)
    if p > ALPHA:
        return []
    left = _split(logs[: cut + 1], begin, dice)
    right = _split(logs[cut + 1 :], begin + cut + 1, dice)
    return [*left, (begin + cut + 1, p), *right]


def _clearest(values: Sequence[float], sizes: Sequence[int]) -> tuple[float, int]:
    """Return the largest share of variance that a split explains, and which one: an index."""
    mean = sum(values) / len(values)
    total = sum((value - mean) ** 2 for value in values)
    sums = list(itertools.accumulate(value - mean for value in values))
    if total <= 0:
        return 0.0, 0
    shares = [
        sums[size - 1] ** 2 * (1 / size + 1 / (len(values) - size)) / total for size in sizes
    ]
    best = max(range(len(sizes)), key=shares.__getitem__)
    return shares[best], best
