"""How often the rule of ``significance`` is wrong: launches drawn from a known truth."""

import math
import random
from collections import Counter

from suite.results.stats.significance import GATE_LAUNCHES, Verdict, effect, verdicts

TRIALS = 2000
SEED = 17


def launches(drawn: random.Random, spread: float, change: float = 0.0) -> list[float]:
    """Return as many launches as a gate has on a side, one number each, lognormal.

    ``spread`` is the standard deviation of their logarithm, ``change`` the share by which they
    are slower than 1.
    """
    return [math.exp(drawn.gauss(math.log1p(change), spread)) for _ in range(GATE_LAUNCHES)]


def verdict_counts(spread: float, change: float, *, calibrated: bool) -> Counter[Verdict]:
    """Return the verdicts of ``TRIALS`` comparisons of one case whose truth is ``change``.

    ``calibrated``: the rule knows the spread. The seed is fixed.
    """
    drawn = random.Random(SEED)
    known = spread if calibrated else None
    found: Counter[Verdict] = Counter()
    for _ in range(TRIALS):
        base, candidate = launches(drawn, spread), launches(drawn, spread, change)
        found.update(verdicts([effect(base, candidate, spread=known)]))
    return found
