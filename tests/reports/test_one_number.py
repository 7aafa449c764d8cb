"""A case on a GPU has one headline number, the same on every page that shows one."""

from pathlib import Path

import pytest

from reports.text.numbers import exact
from suite.paths import RESULTS
from suite.results.metrics import all_metrics
from suite.results.pooled import pool
from suite.results.replicates import group, summarize
from suite.results.storage.run_folder import read
from support import sites

RATE = all_metrics()["tokens_per_second"]


@pytest.fixture(scope="module")
def shown(published_site: Path) -> dict[str, set[str]]:
    """Return the exact numbers of each page that says how fast a case is, by its address."""
    pages = [published_site / name for name in ("index.html", "plan.html")]
    for folder in ("models", "gpus", "card-against-card"):
        pages += (published_site / folder).iterdir()
    return {
        page.relative_to(published_site).as_posix(): {
            each.attributes["value"] for each in sites.Page(page).all("data")
        }
        for page in pages
    }


def test_no_page_has_another_rate_of_a_case(shown: dict[str, set[str]]) -> None:
    """Neither one launch of several nor the median of one session stands for the case."""
    records = read([RESULTS]).records
    pools = [each for case in pool(records) for each in (case.repeats, *case.older) if each.ok]
    pooled = {exact(value.median) for each in pools if (value := summarize(each, RATE))}
    sessions = {exact(v.median) for each in group(records) if (v := summarize(each, RATE))}
    launches = {exact(v) for each in records if (v := RATE.compute(each)) is not None}
    others = (sessions | launches) - pooled
    assert len(others) > 10
    assert {page: found & others for page, found in shown.items() if found & others} == {}


def test_the_rate_of_a_case_is_on_its_models_page(shown: dict[str, set[str]]) -> None:
    """The test above would hold of pages without numbers."""
    for case in pool(read([RESULTS]).records):
        value = summarize(case.repeats, RATE)
        timed = "-b" not in case.repeats.case.case_id.removeprefix(case.repeats.case.model.name)
        if value is not None and timed:
            assert exact(value.median) in shown[f"models/{case.repeats.case.model.name}.html"]
