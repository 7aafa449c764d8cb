"""A change of level is found where it is, and neither scatter nor sittings are called one."""

import random

import pytest

from suite.results.stats.change_points import LEAST_RUNS, change_points


def series(
    dice: random.Random, levels: list[float], *, spread: float, sitting: float = 0.0
) -> list[list[float]]:
    """One to five launches a sitting, and what each sitting has of its own."""
    found = []
    for level in levels:
        mean = level * (1 + dice.gauss(0, sitting))
        found.append([mean * (1 + dice.gauss(0, spread)) for _ in range(dice.randint(1, 5))])
    return found


@pytest.mark.parametrize("runs", [8, 12])
@pytest.mark.parametrize("sitting", [0.0, 0.006, 0.017])
def test_sittings_that_differ_are_rarely_called_a_change(runs: int, sitting: float) -> None:
    """Of 400 series without a change at most 2.5 % show one, however far sittings lie apart."""
    dice = random.Random(1)
    found = [
        change_points(series(dice, [0.1] * runs, spread=0.006, sitting=sitting))
        for _ in range(400)
    ]
    assert sum(map(bool, found)) <= 10


def test_a_change_is_found_where_it_is() -> None:
    """5 % over sittings that lie 0.7 % apart, four before and four after: in 90 of 100 series."""
    dice = random.Random(2)
    hits = 0
    for _ in range(100):
        levels = [0.1] * 4 + [0.105] * 4
        found = change_points(series(dice, levels, spread=0.003, sitting=0.007))
        hits += [each.at for each in found] == [4]
    assert hits >= 90


def test_two_changes_are_two() -> None:
    """Up twice, each with its ratio against what lies before it."""
    levels = [0.1] * 8 + [0.11] * 8 + [0.121] * 8
    found = change_points(series(random.Random(3), levels, spread=0.002))
    assert [each.at for each in found] == [8, 16]
    assert found[0].ratio == pytest.approx(1.1, rel=0.01)
    assert found[1].ratio == pytest.approx(1.1, rel=0.01)
    assert all(each.p <= 0.01 for each in found)


@pytest.mark.parametrize(
    "runs",
    [[], [[0.1] * 9], [[0.1] * 5] * 4 + [[0.2] * 5] * 3, [[0.1] * 5] * LEAST_RUNS],
)
def test_too_little_to_tell_or_no_scatter_at_all_is_no_change(runs: list[list[float]]) -> None:
    """One run, seven sittings of which three are twice as slow, or equal numbers."""
    assert change_points(runs) == []


def test_one_odd_sitting_at_an_end_is_no_level() -> None:
    """Nine alike and one far off: what a sitting shows alone is that sitting."""
    runs = series(random.Random(6), [0.1] * 9 + [0.12], spread=0.002, sitting=0.002)
    assert change_points(runs) == []


def test_the_answer_is_the_same_every_time() -> None:
    """What it is held against has a seed: a page does not change its mind."""
    runs = series(random.Random(4), [0.1, 0.1005] * 6, spread=0.005)
    assert change_points(runs) == change_points(runs)
