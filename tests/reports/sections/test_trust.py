"""What a reader may conclude: each sentence follows its numbers, and is left out without any."""

import pytest

from reports.analysis.dataset import Dataset, load
from reports.sections import trust
from suite import paths, units
from suite.results.record import Record
from suite.results.storage.run_folder import read
from support import gpu_records, sites


def answers(*found: Record) -> tuple[str, ...]:
    return trust.answers(load(sites.collection(*found)))


@pytest.fixture(scope="module")
def published() -> Dataset:
    return load(read([paths.RESULTS]))


def test_how_far_repeats_differ_is_a_range_over_their_mean() -> None:
    """Three repeats of 100, 100 and 110 ms lie 10 % apart; two repeats say nothing."""
    repeats = [gpu_records.record(launch=n, seconds=s) for n, s in ((1, 0.1), (2, 0.1), (3, 0.11))]
    said, then, *_ = answers(*repeats)
    share = 0.01 / (0.1 * 1.1 ** (1 / 3))
    assert said == (
        f"Repeats of a case differ by up to {units.percent(share)},"
        f" typically by {units.percent(share)} (1 case)."
    )
    assert "noise" in then
    assert answers(*repeats[:2])[0].startswith("No case has 3 repeats")


def test_losses_are_counted_by_their_verdict() -> None:
    """One method agrees with its reference and one does not; without a reference there is none."""
    reference, good = gpu_records.record(), gpu_records.record(method="unsloth-lora")
    wrong = gpu_records.record(method="unsloth-qlora", loss=7.9)
    said = " ".join(answers(reference, gpu_records.record(method="qlora"), good, wrong))
    assert "of the reference method in 1 of 2 results" in said
    assert "reference method" not in " ".join(answers(reference))


def test_published_answers_are_short_and_count_every_comparison(published: Dataset) -> None:
    """At most 20 words each; comparisons with the script are those of the files."""
    said = trust.answers(published)
    assert all(len(one.split()) <= 20 for one in said)
    figures = [each for file in published.collection.fidelities for each in file.figures]
    own = [each for each in figures if each.against == "script"]
    (suite,) = [each for each in said if "bare script" in each]
    assert f"in {len(own)} comparisons" in suite
    assert said[-1].startswith("Weights are random")


def test_a_failure_alone_says_only_what_is_unknown() -> None:
    """No number, no sentence about one."""
    assert answers(gpu_records.failed()) == (
        "No case has 3 repeats, so how far repeats differ is unknown.",
    )
