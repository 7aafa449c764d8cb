"""How far a case can be grown on a card."""

import pytest

from suite.catalog import profile as profiles
from suite.estimate import memory
from suite.estimate.largest_fit import Frontier, frontier, grown, largest
from suite.paths import RESULTS
from suite.results.storage import run_folder
from support.asked import case


@pytest.fixture(scope="module")
def fitted() -> memory.MemoryModel:
    return memory.fit_memory(run_folder.read([RESULTS]).records)


@pytest.mark.parametrize("edge", [0, 1, 2, 63, 64, 99, 100])
def test_the_largest_that_holds_is_found(edge: int) -> None:
    """Whatever the edge, up to the bound itself; none where not even 1 holds."""
    assert largest(100, lambda value: value <= edge) == (edge or None)


def test_the_frontier_is_where_the_verdict_changes(fitted: memory.MemoryModel) -> None:
    """The last that fits fits, the next does not; what may fit reaches at least as far."""
    card, made = profiles.load("rtx-5090"), case("qwen3-8b", "lora", rows=1)
    found = frontier(fitted, made, "batch_sequences", card)
    assert found.surely is not None
    assert found.perhaps is not None
    assert found.surely <= found.perhaps < found.bound

    def said(rows: int) -> str:
        size = 32e9
        return memory.verdict(fitted.estimate(grown(made, "batch_sequences", rows), size), card)

    assert said(found.surely) == "fits"
    assert said(found.surely + 1) != "fits"
    assert said(found.perhaps) != "does not fit"
    assert said(found.perhaps + 1) == "does not fit"


def test_rows_end_at_the_models_positions(fitted: memory.MemoryModel) -> None:
    """A small model on a large card: as long as the model can be, and no longer."""
    found = frontier(
        fitted, case("qwen3-8b", "unsloth-qlora", rows=1), "sequence_tokens", profiles.load("b200")
    )
    assert found.surely == found.perhaps == 40_960


def test_nothing_fits_where_weights_do_not(fitted: memory.MemoryModel) -> None:
    """None on both ends, not 0; and nothing is sure on a card that shares the host's memory."""
    whole = case("gpt-oss-120b", "lora", rows=1)
    found = frontier(fitted, whole, "sequence_tokens", profiles.load("h200-sxm"))
    assert (found.surely, found.perhaps) == (None, None)
    spark = frontier(
        fitted, case("qwen3-8b", "lora"), "batch_sequences", profiles.load("dgx-spark")
    )
    assert spark.surely is None
    assert spark.perhaps is not None


def test_an_end_is_printed_rounded_down_but_the_bound_as_it_is() -> None:
    """A model's positions are exact; everything below is an estimate that people set as it is."""
    found = Frontier(axis="sequence_tokens", surely=27_149, perhaps=40_960, bound=40_960)
    assert found.text(found.surely) == "27,000"
    assert found.text(found.perhaps) == "40,960"
    assert found.text(None) == "none"
