"""Doubling and halving: the edge is found in few tries, whatever it is."""

import math

import pytest

from suite.run.search import Search


def found(search: Search, edge: int) -> tuple[int | None, int | None, int]:
    """Return the edge that a search ends at where values up to ``edge`` fit, and its tries."""
    tried: dict[int, bool] = {}
    while (value := search.following(tried)) is not None:
        assert value not in tried, "no value is tried twice"
        assert search.least <= value <= search.bound
        tried[value] = value <= edge
    return (*search.edge(tried), len(tried))


@pytest.mark.parametrize("start", [1, 7, 64, 1000])
@pytest.mark.parametrize("edge", [0, 1, 2, 63, 64, 65, 900, 1000])
def test_the_edge_is_found_exactly_from_any_start(start: int, edge: int) -> None:
    """In steps of one the last that fits and the first that does not are neighbours."""
    good, bad, tries = found(Search(start=start, step=1, bound=1000), edge)
    assert good == (edge or None)
    assert bad == (None if edge == 1000 else edge + 1)
    assert tries <= 2 * math.log2(1000) + 2


@pytest.mark.parametrize("edge", [0, 255, 256, 5000, 39_000, 40_960])
def test_a_coarse_search_ends_within_its_step(edge: int) -> None:
    """Steps of 256 tokens up to positions that are no power of two."""
    good, bad, _ = found(Search(start=12_345, step=256, bound=40_960), edge)
    assert (good or 0) <= edge
    assert bad is None or edge < bad <= (good or 0) + 256


def test_what_fits_above_what_does_not_is_not_believed() -> None:
    """A try that fitted by luck beyond a failure moves no edge."""
    search = Search(start=8, step=1, bound=100)
    assert search.edge({4: True, 8: False, 9: True}) == (4, 8)
