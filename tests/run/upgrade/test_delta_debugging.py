"""The culprit is found among many, with few attempts."""

from collections.abc import Sequence

import pytest

from suite.run.upgrade.delta_debugging import first_bad_version, minimize

NAMES = [f"package-{number}" for number in range(16)]


@pytest.mark.parametrize("culprits", [{3}, {15}, {2, 3}, {0, 15}, {1, 6, 11}])
def test_exactly_the_culprits_are_left(culprits: set[int]) -> None:
    """One of sixteen, or several that only show it together, wherever they stand."""
    wanted = {NAMES[number] for number in culprits}
    asked: list[frozenset[str]] = []

    def reproduces(part: Sequence[str]) -> bool:
        asked.append(frozenset(part))
        return wanted <= set(part)

    assert set(minimize(NAMES, reproduces)) == wanted
    assert len(asked) == len(set(asked)), "no part is measured twice"
    if len(culprits) == 1:
        assert len(asked) <= 8, "halving, not one by one"


def test_what_no_part_shows_is_left_whole() -> None:
    """A regression that only all changes together bring is blamed on nothing smaller."""
    assert minimize(NAMES[:3], lambda part: False) == NAMES[:3]


def test_a_single_change_needs_no_attempt() -> None:
    """It was seen already."""

    def never(part: Sequence[str]) -> bool:
        raise AssertionError(part)

    assert minimize(["one"], never) == ["one"]


@pytest.mark.parametrize("first", range(9))
def test_the_first_version_is_found_by_halving(first: int) -> None:
    """Of nine versions, in four attempts at most; the last is never asked about."""
    versions = [f"1.{number}" for number in range(9)]
    asked = []

    def reproduces(version: str) -> bool:
        asked.append(version)
        return versions.index(version) >= first

    assert first_bad_version(versions, reproduces) == (versions[first], [])
    assert len(asked) <= 4
    assert versions[-1] not in asked


def test_versions_without_an_answer_are_gone_around() -> None:
    """Neighbours of one that fails otherwise are asked; what stays unknown is named."""
    versions = list("abcdefgh")
    unknown = {"c", "d", "e"}

    def reproduces(version: str) -> bool | None:
        return None if version in unknown else version >= "e"

    assert first_bad_version(versions, reproduces) == ("f", ["c", "d", "e"])
