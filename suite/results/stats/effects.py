"""What was found of each case in numbers that people read: ratio, interval, and what it takes."""

import math
from collections.abc import Sequence

import numpy

from suite.results.stats import designs
from suite.results.stats.designs import SideDifference, Sides
from suite.results.stats.gate_rule import margin_of
from suite.results.stats.moderated import Array
from suite.results.stats.significance import (
    INTERVAL,
    LEAST_LAUNCHES,
    MARGIN,
    MOST_LAUNCHES,
    POWER,
    SAME_ALPHA,
    SLOWER_ALPHA,
)
from suite.wire import Struct


class Effect(Struct, frozen=True, kw_only=True):
    """A candidate against its base in a quantity of which more is worse, such as seconds.

    ``ratio`` is candidate over base, ``low`` and ``high`` the ends of its 95 % interval. A change
    must exceed ``margin`` to be called one: what matters, or more where repeats scatter.
    ``smallest`` is the share by which the candidate would have to be slower for these repeats to
    find it four times of five. ``error`` is the standard error of the logarithm of ``ratio``.
    """

    ratio: float
    low: float
    high: float
    margin: float
    smallest: float
    error: float
    freedom: float


def effect(base: Sequence[float], candidate: Sequence[float]) -> Effect:
    """Compare two independent sides, one positive number a repeat; for rates, reciprocals.

    Raises ValueError for fewer than ``LEAST_LAUNCHES`` a side, and for what is not positive and
    finite.
    """
    if min(len(base), len(candidate)) < LEAST_LAUNCHES:
        raise ValueError(f"fewer than {LEAST_LAUNCHES} repeats a side")
    if not all(0 < value < math.inf for value in (*base, *candidate)):
        raise ValueError("not all values are positive and finite")
    logs = [numpy.log(numpy.array([side], float)) for side in (base, candidate)]
    nowhere = [numpy.zeros_like(each) for each in logs]
    found = designs.apart(Sides(logs[0], logs[1], nowhere[0], nowhere[1]))
    few = min(len(base), len(candidate))
    (only,) = effects(found, alpha=SLOWER_ALPHA, tests=1, launches=[few])
    return only


def effects(
    found: SideDifference, *, alpha: float, tests: int, launches: Sequence[int]
) -> list[Effect]:
    """Return what an estimate ``(cases,)`` says of each case, in a family of so many tests.

    ``launches`` is the smaller number of repeats a side, by case.
    """
    from scipy.special import stdtrit

    freedom = numpy.maximum(found.freedom, 1.0)
    error = numpy.where(found.freedom > 0, found.error, numpy.inf)
    half = _times(stdtrit(freedom, (1 + INTERVAL) / 2), error)
    critical = _times(stdtrit(freedom, 1 - alpha / max(tests, 1)), error)
    least = numpy.array([math.log1p(margin_of(number)) for number in launches])
    margin = numpy.maximum(least, critical)
    beyond = least + _times(stdtrit(freedom, POWER), error)
    found_from = _noncentral(stdtrit(freedom, 1 - alpha / max(tests, 1)), freedom)
    smallest = numpy.maximum(beyond, _times(found_from, error))
    columns = (
        numpy.exp(found.log),
        numpy.exp(found.log - half),
        numpy.exp(found.log + half),
        numpy.expm1(margin),
        numpy.expm1(smallest),
        error,
        found.freedom,
    )
    names = ("ratio", "low", "high", "margin", "smallest", "error", "freedom")
    return [
        Effect(**dict(zip(names, map(float, row), strict=True)))
        for row in zip(*columns, strict=True)
    ]


def _noncentral(critical: Array, freedom: Array) -> Array:
    """Return the noncentrality at which t exceeds a critical value with probability ``POWER``.

    Within 1 % from 4 degrees of freedom on (Johnson and Welch 1940, Biometrika 31:362); scipy's
    own search takes a thousand times as long.
    """
    from scipy.special import ndtri

    spread = numpy.sqrt(1 + critical**2 / (2 * freedom))
    found: Array = critical * (1 - 1 / (4 * freedom)) + ndtri(POWER) * spread
    return found


def _times(quantile: Array, error: Array) -> Array:
    return numpy.where(error == 0, 0.0, quantile * error)


def launches_needed(
    each: Effect, *, launches: int, freedom_each: int, alpha: float, tests: int
) -> int | None:
    """Return the repeats a side that would settle it if ratio and scatter stayed as they are.

    ``freedom_each`` is what one more of both sides adds. None where more than ``MOST_LAUNCHES``
    would be needed: the change is as large as the margin.
    """
    from scipy.special import stdtrit

    numbers = numpy.arange(max(LEAST_LAUNCHES, launches + 1), MOST_LAUNCHES + 1)
    if not numbers.size or not math.isfinite(each.error):
        return None
    error = each.error * numpy.sqrt(launches / numbers)
    freedom = each.freedom + freedom_each * (numbers - launches)
    log, inside = abs(math.log(each.ratio)), math.log1p(MARGIN)
    outside = numpy.log1p([margin_of(int(number)) for number in numbers])
    same = log + stdtrit(freedom, 1 - SAME_ALPHA) * error < inside
    changed = (log > outside) & (log > stdtrit(freedom, 1 - alpha / max(tests, 1)) * error)
    settled = numpy.flatnonzero(same | changed)
    return int(numbers[settled[0]]) if settled.size else None
