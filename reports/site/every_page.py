"""What every page of a site is given."""

from collections.abc import Mapping

from reports.analysis.dataset import Dataset
from reports.pages.record.titles import day
from reports.rendering.navigation import ways
from reports.site.built import built
from suite.results.memoize import once


@once
def every_page(dataset: Dataset) -> Mapping[str, object]:
    """Return the ways into the site, its pages, and the day of the newest record ("" for none)."""
    newest = max(dataset.collection.records, key=lambda each: each.started_at, default=None)
    there = built(dataset)
    day_of_data = "" if newest is None else day(newest)
    return {"built": there, "ways": ways(there), "data_date": day_of_data}
