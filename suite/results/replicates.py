"""Records of the same case that differ in their launch only, and one value across them.

Replicates are launches: a metric is computed per record first, and steps of different launches
are never mixed.
"""

import statistics
from collections.abc import Iterable
from functools import cached_property

import msgspec

from suite.catalog.case import Case
from suite.results.metrics import Metric
from suite.results.record import Record
from suite.results.validity.settled import settled


class Replicates(msgspec.Struct, frozen=True, kw_only=True, dict=True, eq=False):
    """The records of one case in one run, at least one, ordered by launch.

    Equal to itself alone, and so the key of a dictionary: nobody compares whole records.
    """

    records: tuple[Record, ...]

    @property
    def first(self) -> Record:
        """Return the record of the lowest launch."""
        return self.records[0]

    @property
    def case(self) -> Case:
        """Return the case that all of them ran."""
        return self.first.case

    @cached_property
    def ok(self) -> tuple[Record, ...]:
        """Return the records whose numbers count."""
        return tuple(record for record in self.records if record.outcome == "ok")

    @cached_property
    def unsettled(self) -> tuple[Record, ...]:
        """Return the good records whose steps had not settled (``validity.settled``)."""
        return tuple(record for record in self.ok if settled(record).settled is False)

    @property
    def best(self) -> Record:
        """Return the record to show first: the first good one, else the first."""
        return self.ok[0] if self.ok else self.first


class MedianWithRange(msgspec.Struct, frozen=True, kw_only=True):
    """The median of per-launch values, with their range; equal to it when there is one launch.

    ``over_window``: the metric goes with the mean of the steady steps. Then ``error`` is how well
    a single launch knows its value, as a share of it (``validity.settled``); None where that
    is unknown, and for several launches, which have their range.
    """

    median: float
    low: float
    high: float
    launches: int
    over_window: bool = False
    error: float | None = None


def group(records: Iterable[Record]) -> list[Replicates]:
    """Return the records by run, profile and case, in the order in which each first appears."""
    found: dict[tuple[str, str, Case], list[Record]] = {}
    for record in records:
        found.setdefault((record.run_id, record.profile, record.case), []).append(record)
    return [
        Replicates(records=tuple(sorted(group, key=lambda record: record.launch)))
        for group in found.values()
    ]


def summarize(launches: Replicates, metric: Metric) -> MedianWithRange | None:
    """Return a metric over the good launches, or None when one of them lacks it.

    A launch that cannot answer is not silently left out: the others would look like all.
    """
    values = [metric.compute(record) for record in launches.ok]
    known = [value for value in values if value is not None]
    if not known or len(known) != len(values):
        return None
    single = metric.over_window and len(known) == 1
    return MedianWithRange(
        median=statistics.median(known),
        low=min(known),
        high=max(known),
        launches=len(known),
        over_window=metric.over_window,
        error=settled(launches.ok[0]).error if single else None,
    )
