from pathlib import Path

import pytest

from suite.catalog import profile
from suite.paths import RESULTS
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.scatter.noise import file_content, of_records
from suite.results.storage import run_folder
from suite.results.storage.reader import NOISE
from suite.results.validity.failed import failures
from suite.results.validity.parity import (
    DUMMY_BAND,
    EXPERTS_BAND,
    References,
    band,
    compare_losses,
)

RUNS = sorted(path.parent for path in RESULTS.glob("*/*/journal.jsonl"))
PROFILES = sorted({run.parent for run in RUNS})


def test_there_are_published_results():
    """The tests below are about something."""
    assert RUNS


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}/{run.name}")
def test_published_results_stay_readable_unedited_and_possible(run: Path):
    """Every line has its own digest, is of its folder's profile, that nothing disproves."""
    found = run_folder.read([run])
    assert found.problems == ()
    assert failures(found.records) == []
    for record in found.records:
        assert record.profile == run.parent.name
        share = all_metrics()["utilization_of_probe"].compute(record)
        assert share is None or 0 < share < 1


@pytest.mark.parametrize("profile", PROFILES, ids=lambda folder: folder.name)
def test_the_published_noise_is_that_of_the_published_runs(profile: Path):
    """noise.json was not edited, nor forgotten when a run came or went (tox -e readme)."""
    content, place = file_content(run_folder.read([profile]).records), profile / NOISE
    assert (place.read_bytes() if place.exists() else None) == content


@pytest.fixture(scope="module")
def published() -> list[Record]:
    return [record for run in RUNS for record in run_folder.read([run]).records]


def test_the_band_is_wide_enough_for_what_was_published_and_not_much_wider(published):
    """Engines stay below half of the band at every step; the largest is no small part of it."""
    references = References(published)
    found = [p for p in map(references.parity, published) if p.reference is not None]
    assert all(p.gradient_steps == p.steps for p in found)
    for name in ("first", "trajectory", "gradient"):
        allowed = getattr(DUMMY_BAND, "first_loss" if name == "first" else name)
        largest = max(value for p in found if (value := getattr(p, name)) is not None)
        assert allowed / 4 < largest < allowed / 2, name


def test_launches_of_one_method_stay_below_half_of_the_band_too(published):
    """Nothing changed between them: a gate that called them different would be wrong."""
    found = of_records(published)
    assert found
    for each in found:
        of = next(record for record in published if record.record_id == each.record_ids[0])
        allowed = band(of)
        assert each.first_loss_difference < allowed.first_loss / 2
        assert each.trajectory_difference < allowed.trajectory / 2
        assert each.gradient_norm_difference < allowed.gradient / 2


def test_the_band_of_experts_is_that_of_the_same_case_on_two_cards(published):
    """No two engines ran a mixture of experts: its band is twice what two cards differ by."""
    good = [r for r in published if r.outcome == "ok" and r.case.model.architecture.experts]
    pairs = [
        compare_losses(theirs, ours)
        for number, ours in enumerate(good)
        for theirs in good[number + 1 :]
        if (ours.work_key, ours.weights) == (theirs.work_key, theirs.weights)
    ]
    assert pairs
    for name in ("first", "trajectory", "gradient"):
        allowed = getattr(EXPERTS_BAND, "first_loss" if name == "first" else name)
        largest = max(getattr(pair, name) for pair in pairs)
        assert allowed / 8 < largest < allowed / 2, name


def test_a_profile_with_published_results_says_that_it_is_verified():
    """Verified means that the suite has run there."""
    for run in RUNS:
        assert profile.load(run.parent.name).verified
