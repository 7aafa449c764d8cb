from pathlib import Path

import pytest

from suite.catalog import profile
from suite.results import store
from suite.results.metrics import all_metrics
from suite.results.verdict import failures

RESULTS = Path(__file__).parents[2] / "reports" / "results"
RUNS = sorted(path.parent for path in RESULTS.glob("*/*/journal.jsonl"))


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


def test_a_profile_with_published_results_says_that_it_is_verified():
    """Verified means that the suite has run there."""
    for run in RUNS:
        assert profile.load(run.parent.name).verified
