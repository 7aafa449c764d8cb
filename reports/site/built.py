"""Which pages a collection has something to show on: the others are neither built nor linked."""

from reports.analysis.dataset import Dataset
from reports.pages import history
from reports.pages.plan.page import has_plan
from reports.rendering.navigation import page_names
from suite.results.memoize import once


@once
def built(dataset: Dataset) -> frozenset[str]:
    """Return the addresses of the pages that are there once and have an answer.

    Estimates and published figures are of GPUs: without a number of one there is none.
    """
    good = [each for each in dataset.collection.records if each.outcome == "ok"]
    on_gpu = any(each.environment.gpu is not None for each in good)
    shown = {
        "plan.html": has_plan(dataset),
        "what-fits.html": on_gpu,
        "claims.html": on_gpu,
        "how-far-to-trust-it.html": bool(good),
        "history.html": next(history.series(dataset), None) is not None,
    }
    return frozenset(name for name in page_names() if shown.get(name, True))
