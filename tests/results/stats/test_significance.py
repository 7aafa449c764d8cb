"""Losses of all cases together, and the interval of a mean."""

import pytest

from suite.results.stats.significance import interval, pooled


def test_many_small_changes_show_together() -> None:
    """Eight cases up by about 1 %; nothing where they lean both ways, or are two."""
    lean = [1.012, 1.008, 1.015, 1.01, 1.009, 1.013, 1.011, 1.007]
    together = pooled(lean)
    assert together is not None
    assert together < 0.0001
    both_ways = [ratio if number % 2 else 1 / ratio for number, ratio in enumerate(lean)]
    assert (pooled(both_ways) or 0) > 0.3
    assert pooled(lean[:2]) is None


def test_the_interval_of_a_mean_is_students() -> None:
    """Of 1 to 5: 3, and 2.776 standard errors either way; of one value none."""
    found = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found == pytest.approx((3 - 2.7764 * 0.5**0.5, 3 + 2.7764 * 0.5**0.5), rel=1e-4)
    assert interval([1.0]) is None
