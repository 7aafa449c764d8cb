"""A change of level is found where it is, and scatter is not called one."""

import random

import pytest

from suite.results.stats.change_points import change_points


def series(
    dice: random.Random, levels: list[float], *, spread: float, launches: int = 5
) -> list[list[float]]:
    return [[level * (1 + dice.gauss(0, spread)) for _ in range(launches)] for level in levels]


@pytest.mark.parametrize("spread", [0.003, 0.007, 0.02])
def test_scatter_is_rarely_called_a_change(spread: float) -> None:
    """Of 300 series of six equal runs at most 2 % show one, whatever the scatter."""
    dice = random.Random(1)
    found = [change_points(series(dice, [0.1] * 6, spread=spread)) for _ in range(300)]
    assert sum(map(bool, found)) <= 6


def test_a_change_is_found_where_it_is() -> None:
    """3 % at a scatter of 0.7 %, five launches a run: at its place in 95 of 100 series."""
    dice = random.Random(2)
    hits = 0
    for _ in range(100):
        found = change_points(series(dice, [0.1, 0.1, 0.1, 0.103, 0.103], spread=0.007))
        hits += [each.at for each in found] == [3]
    assert hits >= 95


def test_two_changes_are_two() -> None:
    """There and back again, each with its ratio against what lies before it."""
    levels = [0.1] * 3 + [0.11] * 3 + [0.1] * 3
    found = change_points(series(random.Random(3), levels, spread=0.002))
    assert [each.at for each in found] == [3, 6]
    assert found[0].ratio == pytest.approx(1.1, rel=0.01)
    assert found[1].ratio == pytest.approx(1 / 1.1, rel=0.01)
    assert all(each.p <= 0.01 for each in found)


@pytest.mark.parametrize("runs", [[], [[0.1] * 9], [[0.1], [0.2]], [[0.1] * 5, [0.1] * 5]])
def test_too_little_to_tell_or_no_scatter_at_all_is_no_change(runs: list[list[float]]) -> None:
    """One run, two launches, or ten equal numbers."""
    assert change_points(runs) == []


def test_runs_of_unequal_size_are_split_between_runs() -> None:
    """A change is never placed inside a run."""
    runs = [[0.1, 0.1001], [0.1, 0.0999, 0.1001, 0.1], [0.12, 0.1201, 0.1199, 0.12, 0.1202]]
    assert [each.at for each in change_points(runs)] == [2]


def test_the_answer_is_the_same_every_time() -> None:
    """The shuffles have a seed: a page does not change its mind."""
    runs = series(random.Random(4), [0.1, 0.1005, 0.101], spread=0.005)
    assert change_points(runs) == change_points(runs)
