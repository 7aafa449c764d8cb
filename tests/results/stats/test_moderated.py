"""Variances of many cases are shrunk to what they have in common, as far as they have it."""

import numpy
import pytest

from suite.results.stats.moderated import MOST_FREEDOM, inverse_trigamma, shrunk


def test_the_inverse_of_trigamma_is_one() -> None:
    """From very steep to very flat; pi squared over six is trigamma of one."""
    from scipy.special import polygamma

    values = numpy.array([1e-4, 0.02, 1.0, 50.0, 1e5])
    assert polygamma(1, inverse_trigamma(values)) == pytest.approx(values, rel=1e-8)
    assert inverse_trigamma(numpy.array([numpy.pi**2 / 6])) == pytest.approx(1.0)


def test_the_prior_is_the_one_that_variances_were_drawn_from() -> None:
    """2,000 cases of 4 degrees, drawn about 1 with a prior of 8: that is what counts beside 4."""
    drawn = numpy.random.default_rng(5)
    truths = 8 / drawn.chisquare(8, 2000)
    variances = truths * drawn.chisquare(4, 2000) / 4
    moderated, freedom = shrunk(variances, numpy.full(2000, 4.0))
    assert freedom[0] == pytest.approx(12, abs=1.2)
    assert moderated == pytest.approx((4 * variances + 8) / 12, rel=0.1)
    assert numpy.abs(moderated - truths).mean() < numpy.abs(variances - truths).mean()


def test_a_prior_counts_for_no_more_than_the_other_cases_have() -> None:
    """Equal variances: of three cases the two others, of many the limit, of one case nothing."""
    for cases, prior in ((1, 0), (3, 8), (40, MOST_FREEDOM)):
        moderated, freedom = shrunk(numpy.full(cases, 2.0), numpy.full(cases, 4.0))
        assert freedom == pytest.approx(4.0 + prior)
        assert moderated == pytest.approx(2.0, rel=0.4)


def test_a_case_without_a_variance_or_without_scatter_spoils_no_other() -> None:
    """Unknown stays unknown; a variance of nothing gets that of the others; all nothing stays."""
    known = numpy.array([1.0, 1.2, 0.8, 0.0, numpy.nan])
    moderated, freedom = shrunk(known, numpy.array([4.0, 4.0, 4.0, 4.0, 0.0]))
    assert numpy.isfinite(moderated[:4]).all()
    assert moderated[3] > 0
    assert numpy.isnan(moderated[4])
    assert freedom[4] == 0
    assert shrunk(numpy.zeros(6), numpy.full(6, 4.0))[0].tolist() == [0.0] * 6
