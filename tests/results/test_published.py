from pathlib import Path

import pytest

from suite.catalog import profile
from suite.results import store
from suite.results.collection import NOISE
from suite.results.metrics import all_metrics
from suite.results.noise import file_content
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


def test_a_profile_with_published_results_says_that_it_is_verified():
    """Verified means that the suite has run there."""
    for run in RUNS:
        assert profile.load(run.parent.name).verified
