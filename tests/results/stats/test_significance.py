"""The rule's error rates are those that are promised, and its arithmetic is scipy's."""

import math
import random

import pytest

from suite.results.stats import significance
from suite.results.stats.error_rates import TRIALS, launches, verdict_counts
from suite.results.stats.significance import (
    Effect,
    Verdict,
    effect,
    holm,
    launches_needed,
    pooled,
    verdicts,
)


@pytest.mark.parametrize("spread", [0.003, 0.007, 0.02])
@pytest.mark.parametrize("calibrated", [False, True])
def test_no_change_is_called_slower_in_one_of_a_hundred_at_most(
    spread: float, calibrated: bool
) -> None:
    """A/A at launch spreads of 0.3, 0.7 and 2 %."""
    found = verdict_counts(spread, 0.0, calibrated=calibrated)
    assert found[Verdict.SLOWER] <= 0.01 * TRIALS
    assert found[Verdict.FASTER] <= 0.01 * TRIALS


def test_three_percent_is_found_at_a_spread_of_seven_tenths() -> None:
    """In 95 of 100 comparisons or more, with five launches a side."""
    assert verdict_counts(0.007, 0.03, calibrated=False)[Verdict.SLOWER] >= 0.95 * TRIALS


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_noisy_machine_says_that_it_does_not_know(calibrated: bool) -> None:
    """At a spread of 2 %: mostly INCONCLUSIVE without a change, never SAME for five percent."""
    assert verdict_counts(0.02, 0.0, calibrated=calibrated)[Verdict.INCONCLUSIVE] > 0.5 * TRIALS
    assert verdict_counts(0.02, 0.05, calibrated=calibrated)[Verdict.SAME] == 0


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Of 95 % intervals over five launches a side, 93.5 to 96.5 % hold the true ratio."""
    random_ = random.Random(3)
    held = 0
    for _ in range(TRIALS):
        found = effect(launches(random_, 0.01), launches(random_, 0.02, 0.03))
        held += found.low <= 1.03 <= found.high
    assert 0.935 < held / TRIALS < 0.965


def test_the_test_is_welchs() -> None:
    """P-value and interval equal scipy's on the logarithms."""
    from scipy.stats import ttest_ind

    base, candidate = [1.0, 1.01, 0.99, 1.02], [1.05, 1.06, 1.02, 1.07, 1.04]
    logs = [[math.log(v) for v in side] for side in (candidate, base)]
    theirs = ttest_ind(*logs, equal_var=False, alternative="greater")
    interval = ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    ours = effect(base, candidate)
    assert ours.slower == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx(
        (math.exp(interval.low), math.exp(interval.high))
    )


def test_a_family_of_tests_is_corrected_for_its_size() -> None:
    """Holm's example by hand; one test of a hundred does not become SLOWER by chance."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    base, candidate = [1.0, 1.01, 0.99, 1.0, 1.0], [1.035, 1.01, 1.03, 1.06, 1.03]
    one = effect(base, candidate)
    assert 0.0005 < one.slower < significance.SLOWER_ALPHA
    assert verdicts([one]) == [Verdict.SLOWER]
    dull = effect(base, base)
    assert verdicts([one, *[dull] * 99])[0] is not Verdict.SLOWER


def test_the_smallest_change_is_found_four_times_of_five() -> None:
    """Of comparisons with a change of that size about 80 % say SLOWER."""
    random_ = random.Random(5)
    known = effect(launches(random_, 0.007), launches(random_, 0.007))
    typical = math.expm1(
        max(0.0198 + 0.89 * 0.007 * math.sqrt(2 / 5), (2.9 + 0.89) * 0.007 * math.sqrt(2 / 5))
    )
    assert known.smallest == pytest.approx(typical, rel=0.5)
    assert 0.7 < verdict_counts(0.007, typical, calibrated=False)[Verdict.SLOWER] / TRIALS < 0.9


def test_needed_launches_settle_it() -> None:
    """No change at a spread of 2 %: with as many launches as proposed it is SAME."""
    random_ = random.Random(2)
    found = next(
        each
        for each in (effect(launches(random_, 0.02), launches(random_, 0.02)) for _ in range(50))
        if verdicts([each]) == [Verdict.INCONCLUSIVE] and abs(math.log(each.ratio)) < 0.005
    )
    number = launches_needed(found)
    assert number is not None
    assert number > significance.GATE_LAUNCHES
    again = [math.exp(random_.gauss(0, 0.02)) for _ in range(2 * number)]
    settled = effect(again[:number], [v * found.ratio for v in again[number:]])
    assert settled.error < found.error


def test_many_small_changes_show_together() -> None:
    """Eight cases of 1.2 percent, none SLOWER by itself; nothing where they lean both ways."""
    random_ = random.Random(4)
    lean = [effect(launches(random_, 0.007), launches(random_, 0.007, 0.012)) for _ in range(8)]
    assert Verdict.SLOWER not in verdicts(lean)
    together = pooled([each.ratio for each in lean])
    assert together is not None
    assert together < 0.01
    even = [effect(launches(random_, 0.007), launches(random_, 0.007)) for _ in range(8)]
    assert (pooled([each.ratio for each in even]) or 0) > 0.01
    assert pooled([each.ratio for each in lean[:2]]) is None


def test_launches_without_any_scatter_are_compared_exactly() -> None:
    """Equal values within a side: no error, and the answer is the ratio's."""
    assert verdicts([effect([1.0] * 5, [1.0] * 5)]) == [Verdict.SAME]
    assert verdicts([effect([1.0] * 5, [1.05] * 5)]) == [Verdict.SLOWER]
    found: Effect = effect([1.0] * 5, [1.05] * 5)
    assert (found.low, found.high) == pytest.approx((1.05, 1.05))


@pytest.mark.parametrize("bad", [[1.0, 1.0], [1.0, 0.0, 1.0], [1.0, math.inf, 1.0]])
def test_what_cannot_be_compared_is_refused(bad: list[float]) -> None:
    """Two launches, a time of nothing, an infinite one."""
    with pytest.raises(ValueError, match=r"fewer than 3|positive and finite"):
        effect([1.0, 1.0, 1.0], bad)
