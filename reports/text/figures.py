"""One place of a table: a number that leads to its record, or words where there is none."""

import math
from collections.abc import Callable
from typing import TypeVar, cast

import msgspec

from reports.text import numbers as cells
from reports.text import phrases
from reports.text.numbers import Number
from suite.results.metrics import Metric, all_metrics
from suite.results.replicates import MedianWithRange, Replicates, summarize

T = TypeVar("T")


class LaunchMetrics:
    """What is computed of groups of launches, each once for all pages that show it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[str, ...]], object] = {}

    def cached(self, what: str, group: Replicates, make: Callable[[Replicates], T]) -> T:
        """Return what ``make`` returns for a group; all that is named ``what`` is of one type."""
        key = (what, tuple(record.record_id for record in group.records))
        if key not in self._found:
            self._found[key] = make(group)
        return cast(T, self._found[key])

    def value(self, group: Replicates, metric: Metric) -> MedianWithRange | None:
        """Return a metric over the good launches; None where one of them lacks it."""
        return self.cached(metric.tag, group, lambda each: summarize(each, metric))

    def figure(self, group: Replicates, tag: str) -> Number:
        """Return a metric as shown: what became of the case instead, where that is no number."""
        metric = all_metrics()[tag]
        found = self.value(group, metric)
        return figure(group, found, lambda value: phrases.number(metric, value))


def figure(
    group: Replicates, value: MedianWithRange | None, text: Callable[[float], str]
) -> Number:
    """Return a value of a group with the page of the record to show first."""
    page = cells.record_page(group.best)
    if not group.ok:
        return Number(text=phrases.outcome(group.best), page=page)
    return number(value, text, page)


def number(value: MedianWithRange | None, text: Callable[[float], str], page: str) -> Number:
    """Return a value as shown, or "unknown"."""
    found = None if value is None or not math.isfinite(value.median) else cells.number(value, text)
    if found is None:
        return Number(text="unknown", page=page)
    return msgspec.structs.replace(found, page=page)


def width(value: float | None, whole: float | None) -> str:
    """Return how long a bar is, in percent of its place; "" where that is unknown."""
    if value is None or not whole or not math.isfinite(value / whole):
        return ""
    return f"{min(max(100 * value / whole, 0.0), 100.0):.1f}"
