"""The verdict on the claim: its counts are those of the comparisons, its words follow them."""

import pytest

from reports.analysis.dataset import load
from reports.pages.claim_verdict import ClaimVerdict, claim_verdict
from reports.published import sources
from reports.published.headline_claim import FASTER, LESS_MEMORY, claim_cases
from suite import paths
from suite.results.record import Record
from suite.results.storage.run_folder import read
from support import gpu_records, sites


def verdict(*found: Record) -> ClaimVerdict | None:
    return claim_verdict(load(sites.collection(*found)), sources.everything())


def test_the_published_verdict_counts_every_comparison() -> None:
    """Each case against each baseline, once; what it says is what they are."""
    dataset = load(read([paths.RESULTS]))
    said = claim_verdict(dataset, sources.everything())
    assert said is not None
    bases = [base for case in claim_cases(dataset) for base in case.baselines.values()]
    speeds = [base.throughput.value for base in bases if base.throughput]
    saved = [1 - base.memory.value for base in bases if base.memory]
    reached = sum(speed >= FASTER for speed in speeds)
    assert f"was reached in {reached} of {len(speeds)} comparisons" in said.lead
    assert max(saved) < LESS_MEMORY
    assert said.lead.endswith(f"reached in none; the most was {max(saved) * 100:.1f} %.")
    assert said.source is not None
    assert said.points[-1] == "The claim is about another GPU: RTX 6000 Blackwell Max-Q."
    assert all(len(point.split()) <= 20 for point in said.points)


@pytest.mark.parametrize(
    ("method", "seconds", "words"),
    [
        ("lora", 0.1, "3× as fast was reached in none of 1 comparison."),
        ("lora", 0.3, "3× as fast was reached in 1 of 1 comparison."),
        ("lora-naive", 0.3, "reached in 1 of 1 comparison, only against a naive script."),
    ],
)
def test_the_words_follow_the_numbers(method: str, seconds: float, words: str) -> None:
    """Reached or not, and by which baseline alone."""
    ours = gpu_records.record(method="unsloth-lora", seconds=0.1)
    said = verdict(ours, gpu_records.record(method=method, seconds=seconds))
    assert said is not None
    assert words in said.lead


def test_without_a_comparison_there_is_no_verdict() -> None:
    """A baseline alone, or Unsloth alone, says nothing of the claim."""
    assert verdict(gpu_records.record()) is None
    assert verdict(gpu_records.record(method="unsloth-lora")) is None
