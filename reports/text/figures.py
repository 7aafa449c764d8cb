"""One place of a table: a number that leads to its record, or words where there is none."""

import math
from collections.abc import Callable

import msgspec

from reports.text import columns, phrases
from reports.text import numbers as cells
from reports.text.numbers import Number
from suite.results.metrics import all_metrics
from suite.results.replicates import MedianWithRange, Replicates, summarize


def metric_figure(group: Replicates, tag: str) -> Number:
    """Return a metric as shown: what became of the case instead, where that is no number."""
    metric = all_metrics()[tag]
    return figure(group, summarize(group, metric), lambda value: columns.metric(metric, value))


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
