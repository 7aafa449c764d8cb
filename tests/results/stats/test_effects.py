"""What is said of a case in numbers is true as often as it says."""

import math

import msgspec
import numpy
import pytest

from suite.results.stats import effects
from suite.results.stats.designs import SideDifference, Sides, apart
from suite.results.stats.effects import effect, launches_needed

ALPHA = 0.01


def drawn(spread: float, launches: int = 5, cases: int = 2000, seed: int = 3) -> SideDifference:
    """As many pairs of sides of which nothing differs."""
    values = numpy.random.default_rng(seed).normal(0, spread, (2, cases, launches))
    return apart(Sides(values[0], values[1], values[0], values[1]))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of 95 % intervals 93.5 to 96.5 % hold a ratio of 1."""
    found = effects.effects(drawn(0.01), alpha=ALPHA, tests=1, launches=[5] * 2000)
    held = sum(each.low <= 1 <= each.high for each in found)
    assert 0.935 < held / len(found) < 0.965


@pytest.mark.parametrize("tests", [1, 24])
def test_the_smallest_change_is_found_four_times_of_five(tests: int) -> None:
    """In a family of tests too: by the quantile that its first test needs."""
    known = effects.effects(drawn(0.02), alpha=ALPHA, tests=tests, launches=[5] * 2000)
    typical = math.log1p(float(numpy.median([each.smallest for each in known])))
    others = drawn(0.02, seed=4)
    moved = others._replace(log=others.log + typical)
    found = effects.effects(moved, alpha=ALPHA, tests=tests, launches=[5] * 2000)
    share = sum(each.ratio > 1 + each.margin for each in found) / 2000
    assert 0.7 < share < 0.9


def test_a_change_counts_from_two_percent_or_from_what_scatter_allows() -> None:
    """Quiet sides: 2 %. Loud ones, and larger families: more."""
    quiet = effect([1.0, 1.001, 0.999, 1.0, 1.0], [1.0, 1.001, 0.999, 1.0, 1.0])
    assert quiet.margin == pytest.approx(0.02)
    (loud,) = effects.effects(drawn(0.02, cases=1), alpha=ALPHA, tests=1, launches=[5])
    (family,) = effects.effects(drawn(0.02, cases=1), alpha=ALPHA, tests=24, launches=[5])
    assert 0.02 < loud.margin < family.margin


def test_needed_launches_settle_it() -> None:
    """No change at a spread of 2 %: with as many launches as proposed most are SAME."""
    (loud,) = effects.effects(drawn(0.02, cases=1), alpha=ALPHA, tests=1, launches=[5])

    def needed(ratio: float) -> int | None:
        each = msgspec.structs.replace(loud, ratio=ratio)
        return launches_needed(each, launches=5, freedom_each=2, alpha=ALPHA, tests=1)

    number = needed(1.0)
    assert number is not None
    assert number > 5
    same = effects.effects(drawn(0.02, number), alpha=ALPHA, tests=1, launches=[number] * 2000)
    settled = sum(each.error * 1.7 < math.log(1.02) - abs(math.log(each.ratio)) for each in same)
    assert settled / 2000 > 0.4
    assert needed(1.0199) is None


def test_launches_without_any_scatter_are_compared_exactly() -> None:
    """Equal values within a side: the interval is the ratio."""
    found = effect([1.0] * 5, [1.05] * 5)
    assert (found.low, found.high) == pytest.approx((1.05, 1.05))
    assert found.smallest == pytest.approx(0.02)


@pytest.mark.parametrize("bad", [[1.0, 1.0], [1.0, 0.0, 1.0], [1.0, math.inf, 1.0]])
def test_what_cannot_be_compared_is_refused(bad: list[float]) -> None:
    """Two launches, a time of nothing, an infinite one."""
    with pytest.raises(ValueError, match=r"fewer than 3|positive and finite"):
        effect([1.0, 1.0, 1.0], bad)
