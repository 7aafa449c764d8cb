from pathlib import Path

import pytest

from suite.catalog import profile
from suite.results import store
from suite.results.collection import NOISE
from suite.results.metrics import all_metrics
from suite.results.noise import file_content
from suite.results.parity import DUMMY_BAND, References
from suite.results.verdict import failures

RESULTS = Path(__file__).parents[2] / "reports" / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/*/journal.jsonl"))
PROFILES = sorted({run.parent for run in RUNS})


def test_there_are_published_results():
    """The tests below are about something."""
    assert RUNS


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}/{run.name}")
def test_published_results_stay_readable_unedited_and_possible(run: Path):
    """Every line has its own digest, is of its folder's profile, that nothing disproves."""
    found = store.read([run])
    assert found.problems == ()
    assert failures(found.records) == []
    for record in found.records:
        assert record.profile == run.parent.name
        share = all_metrics()["utilization_of_probe"].compute(record)
        assert share is None or 0 < share < 1


@pytest.mark.parametrize("profile", PROFILES, ids=lambda folder: folder.name)
def test_the_published_noise_is_that_of_the_published_runs(profile: Path):
    """noise.json was not edited, nor forgotten when a run came or went (tox -e readme)."""
    content, place = file_content(store.read([profile]).records), profile / NOISE
    assert (place.read_bytes() if place.exists() else None) == content


def test_the_band_is_wide_enough_for_what_was_published_and_not_much_wider():
    """Agreeing records stay below half of the band; the largest is no mere fraction of it."""
    records = [record for run in RUNS for record in store.read([run]).records]
    references = References(records)
    found = [p for p in map(references.parity, records) if p.reference is not None]
    for name in ("first", "trajectory", "gradient"):
        allowed = getattr(DUMMY_BAND, "first_loss" if name == "first" else name)
        largest = max(value for p in found if (value := getattr(p, name)) is not None)
        assert allowed / 40 < largest < allowed / 2, name


def test_a_profile_with_published_results_says_that_it_is_verified():
    """Verified means that the suite has run there."""
    for run in RUNS:
        assert profile.load(run.parent.name).verified
