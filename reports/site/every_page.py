"""What every page of a site is given."""

from collections.abc import Mapping

from reports.analysis.dataset import Dataset
from reports.pages.record.titles import day
from suite.results.memoize import once


@once
def every_page(dataset: Dataset) -> Mapping[str, object]:
    """Return the day of the newest record, "" where there is none."""
    newest = max(dataset.collection.records, key=lambda each: each.started_at, default=None)
    return {"data_date": "" if newest is None else day(newest)}
