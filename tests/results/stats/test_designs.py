"""Each way of taking repeats is judged by the textbook's test for it."""

import numpy
import pytest

from suite.results.stats import designs, outliers
from suite.results.stats.designs import Sides

BASE = numpy.array([[0.0, 0.01, -0.01, 0.02, 0.005]])
CANDIDATE = numpy.array([[0.05, 0.06, 0.02, 0.07, 0.04]])
ROUNDS = numpy.arange(5.0)
#: ABBA: where base and candidate are in the order of time.
FIRST, SECOND = 2 * ROUNDS + ROUNDS % 2, 2 * ROUNDS + 1 - ROUNDS % 2


def test_one_side_after_the_other_is_welchs_test() -> None:
    """With four repeats on one side: estimate, error and degrees of freedom are scipy's."""
    from scipy.stats import ttest_ind

    found = designs.apart(
        Sides(numpy.append(BASE[:, :4], [[numpy.nan]], 1), CANDIDATE, FIRST, SECOND)
    )
    theirs = ttest_ind(CANDIDATE[0], BASE[0, :4], equal_var=False)
    assert (found.log / found.error)[0] == pytest.approx(theirs.statistic)
    assert found.freedom[0] == pytest.approx(theirs.df)


def test_at_once_is_the_paired_test_of_whole_rounds() -> None:
    """A round that lacks a side counts for nothing."""
    from scipy.stats import ttest_rel

    lacking = CANDIDATE.copy()
    lacking[0, 2] = numpy.nan
    found = designs.by_rounds(Sides(BASE, lacking, FIRST, SECOND))
    whole = [0, 1, 3, 4]
    theirs = ttest_rel(CANDIDATE[0, whole], BASE[0, whole])
    assert (found.log / found.error)[0] == pytest.approx(theirs.statistic)
    assert found.freedom[0] == 3


def test_in_turns_is_least_squares_with_a_line() -> None:
    """SideDifference and error equal those of the normal equations, with a repeat missing too."""
    lacking = CANDIDATE.copy()
    lacking[0, 2] = numpy.nan
    found = designs.by_line(Sides(BASE, lacking, FIRST, SECOND))
    known = numpy.isfinite(lacking[0])
    at = numpy.concatenate([FIRST, SECOND[known]])
    side = numpy.repeat([0.0, 1.0], [5, 4])
    values = numpy.concatenate([BASE[0], lacking[0, known]])
    terms = numpy.stack([numpy.ones(9), at, side], 1)
    inverse = numpy.linalg.inv(terms.T @ terms)
    fitted = inverse @ terms.T @ values
    residuals = values - terms @ fitted
    error = numpy.sqrt(residuals @ residuals / 6 * inverse[2, 2])
    assert (found.log[0], found.error[0]) == pytest.approx((fitted[2], error))
    assert found.freedom[0] == 6


def test_an_even_drift_is_in_the_line_and_in_nothing_else() -> None:
    """Whatever its size, estimate and error are those of a machine that stands still."""
    still = designs.by_line(Sides(BASE, CANDIDATE, FIRST, SECOND))
    moved = Sides(BASE + 0.3 * FIRST, CANDIDATE + 0.3 * SECOND, FIRST, SECOND)
    drifting = designs.by_line(moved)
    assert (drifting.log, drifting.error) == (
        pytest.approx(still.log),
        pytest.approx(still.error),
    )
    assert designs.apart(moved).error > 5 * still.error


def test_a_repeat_that_is_far_slower_than_the_others_is_left_out() -> None:
    """One of five by a fifth; never two of five, nor one by a twentieth, nor a fast one."""

    def kept(*values: float) -> list[bool]:
        return numpy.isfinite(outliers.without(numpy.array([values]))[0]).tolist()

    assert kept(0.0, 0.18, 0.01, -0.01, 0.005) == [True, False, True, True, True]
    assert all(kept(0.0, 0.18, 0.01, 0.19, 0.005))
    assert all(kept(0.0, 0.05, 0.001, -0.001, 0.0))
    assert all(kept(0.0, -0.3, 0.01, -0.01, 0.005))
    assert all(kept(0.0, 0.18, 0.01, -0.01)), "of four none can be told"


def test_two_of_ten_do_not_hide_each_other() -> None:
    """Each alone would be no outlier beside the other."""
    values = numpy.array([[0.0, 0.2, 0.01, -0.01, 0.22, 0.0, 0.005, -0.005, 0.01, 0.0]])
    left = numpy.isnan(outliers.without(values))[0]
    assert numpy.flatnonzero(left).tolist() == [1, 4]
