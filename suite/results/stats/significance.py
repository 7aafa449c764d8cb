"""Is a change of a measured quantity real? Replicates are launches, never steps.

Steps of one launch share a process and scatter far less than launches do, so a test fed with steps
calls two runs of the same thing different in most cases. The rule here: one number a launch (the
mean step), the ratio of geometric means as the effect, Welch's interval on the log scale, and
three answers that can be wrong only at a stated rate. ``tox -e gate`` simulates the rates.
"""

import math
import statistics
from collections.abc import Sequence
from enum import StrEnum

from suite.wire import Struct

MARGIN = 0.02  #: changes up to this do not matter
SLOWER_ALPHA = 0.01  #: one-sided; of the whole family of tests, by Holm
SAME_ALPHA = 0.05  #: of each of the two tests that make the equivalence test
INTERVAL = 0.95
POWER = 0.8  #: at which the smallest change that could have been found is stated
LEAST_LAUNCHES = 3  #: a side; fewer say nothing about scatter
GATE_LAUNCHES = 5  #: a side
#: How many standard errors of an A/A comparison a change must exceed, where those are larger.
ERRORS = 3.0
MOST_LAUNCHES = 200  #: more are not proposed


class Verdict(StrEnum):
    """The answer for one quantity of one case."""

    SLOWER = "SLOWER"
    FASTER = "FASTER"
    SAME = "SAME"
    INCONCLUSIVE = "INCONCLUSIVE"


class Effect(Struct, frozen=True, kw_only=True):
    """A candidate against its base in a quantity of which more is worse, such as seconds.

    ``ratio`` is candidate over base, ``low`` and ``high`` the ends of its 95 % interval. A change
    must exceed ``margin`` to be called one: ``MARGIN``, or more where the calibrated spread is
    large. ``slower``, ``faster`` and ``same`` are p-values. ``smallest`` is the share by which
    the candidate would have to be slower for these launches to find it four times of five.
    """

    base_launches: int
    candidate_launches: int
    ratio: float
    low: float
    high: float
    error: float  #: standard error of the logarithm of ``ratio``
    freedom: float
    margin: float
    slower: float
    faster: float
    same: float
    smallest: float


def effect(
    base: Sequence[float], candidate: Sequence[float], *, spread: float | None = None
) -> Effect:
    """Compare two sides, one positive number a launch; for rates, give their reciprocals.

    ``spread`` is the calibrated standard deviation of the logarithm from launch to launch. Raises
    ValueError for fewer than ``LEAST_LAUNCHES`` a side, and for what is not positive and finite.
    """
    from scipy.special import stdtr, stdtrit

    if min(len(base), len(candidate)) < LEAST_LAUNCHES:
        raise ValueError(f"fewer than {LEAST_LAUNCHES} repeats a side")
    if not all(0 < value < math.inf for value in (*base, *candidate)):
        raise ValueError("not all values are positive and finite")
    before, after = [math.log(v) for v in base], [math.log(v) for v in candidate]
    log = statistics.fmean(after) - statistics.fmean(before)
    parts = [statistics.variance(side) / len(side) for side in (before, after)]
    total = sum(parts)
    error = math.sqrt(total)
    weights = sum(
        part**2 / (len(side) - 1) for part, side in zip(parts, (before, after), strict=True)
    )
    freedom = total**2 / weights if weights > 0 else float(len(before) + len(after) - 2)
    least = MARGIN if spread is None else margin(spread, len(before), len(after))

    def above(limit: float) -> float:
        """Return the p-value of the logarithm being above a limit, against not."""
        if error == 0:
            return 0.0 if log > limit else 1.0
        return float(stdtr(freedom, (limit - log) / error))

    def below(limit: float) -> float:
        if error == 0:
            return 0.0 if log < limit else 1.0
        return float(stdtr(freedom, (log - limit) / error))

    half = float(stdtrit(freedom, (1 + INTERVAL) / 2)) * error
    found, chance = (float(stdtrit(freedom, p)) for p in (1 - SLOWER_ALPHA, POWER))
    smallest = max(math.log1p(least) + chance * error, (found + chance) * error)
    return Effect(
        base_launches=len(base),
        candidate_launches=len(candidate),
        ratio=math.exp(log),
        low=math.exp(log - half),
        high=math.exp(log + half),
        error=error,
        freedom=freedom,
        margin=least,
        slower=above(0.0),
        faster=below(0.0),
        # Inside the plain margin: a wide one would call a change of 5 % the same.
        same=max(above(-math.log1p(MARGIN)), below(math.log1p(MARGIN))),
        smallest=math.expm1(smallest),
    )


def margin(spread: float, base_launches: int, candidate_launches: int | None = None) -> float:
    """Return what a change must exceed where launches scatter by ``spread`` (of the logarithm)."""
    sides = 1 / base_launches + 1 / (candidate_launches or base_launches)
    return max(MARGIN, math.expm1(ERRORS * spread * math.sqrt(sides)))


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of values (Student's t), None for fewer than two."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    mean, number = statistics.fmean(values), len(values)
    # Not ``statistics.stdev``: its exact fractions are slow where thousands of records ask.
    squares = math.fsum((value - mean) ** 2 for value in values)
    error = math.sqrt(squares / (number - 1) / number)
    half = float(stdtrit(number - 1, (1 + INTERVAL) / 2)) * error
    return mean - half, mean + half


def verdicts(effects: Sequence[Effect]) -> list[Verdict]:
    """Return a verdict for each member of a family of tests.

    The chance that any SLOWER is false is at most ``SLOWER_ALPHA`` for all of them together
    (Holm); likewise any FASTER. SAME is not corrected: it fails no gate.
    """
    slower = holm([each.slower for each in effects])
    faster = holm([each.faster for each in effects])
    return [
        _verdict(each, slow, fast)
        for each, slow, fast in zip(effects, slower, faster, strict=True)
    ]


def _verdict(each: Effect, slower: float, faster: float) -> Verdict:
    if slower < SLOWER_ALPHA and each.ratio > 1 + each.margin:
        return Verdict.SLOWER
    if faster < SLOWER_ALPHA and each.ratio < 1 / (1 + each.margin):
        return Verdict.FASTER
    return Verdict.SAME if each.same < SAME_ALPHA else Verdict.INCONCLUSIVE


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the order given (Holm 1979)."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, highest = [1.0] * len(values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        adjusted[index] = highest
    return adjusted


def launches_needed(each: Effect) -> int | None:
    """Return the launches a side that would settle it if ratio and scatter stayed as they are.

    None where more than ``MOST_LAUNCHES`` would be needed: the change is as large as the margin.
    """
    from scipy.special import stdtrit

    log, inside, outside = abs(math.log(each.ratio)), math.log1p(MARGIN), math.log1p(each.margin)
    per_launch = each.error / math.sqrt(1 / each.base_launches + 1 / each.candidate_launches)
    for number in range(max(LEAST_LAUNCHES, each.base_launches + 1), MOST_LAUNCHES + 1):
        error = per_launch * math.sqrt(2 / number)
        same, found = (stdtrit(2 * number - 2, 1 - p) for p in (SAME_ALPHA, SLOWER_ALPHA))
        if log + same * error < inside or (log > outside and log > found * error):
            return number
    return None


def pooled(ratios: Sequence[float]) -> float | None:
    """Return the one-sided p-value of all cases together being above 1; None for fewer than three.

    Each case counts once, by the logarithm of its ratio: a change too small to show in any case
    shows where all of them lean the same way.
    """
    from scipy.special import stdtr

    logs = [math.log(ratio) for ratio in ratios]
    if len(logs) < LEAST_LAUNCHES or statistics.stdev(logs) == 0:
        return None
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    return float(stdtr(len(logs) - 1, -statistics.fmean(logs) / error))
