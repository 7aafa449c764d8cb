"""What every table is made of: the records of a collection, grouped and indexed once."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from reports.analysis.runs import Overview, RunSection, overview
from suite.estimate import planner
from suite.estimate.planner import Planner
from suite.results.plan import TRY, Plan
from suite.results.pooled import PooledCase, pool
from suite.results.replicates import Replicates, group
from suite.results.storage.reader import Collection
from suite.results.validity.parity import References


class Dataset(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A collection, the report's view of it, and its groups of launches in the report's order.

    ``groups`` are those of each session; ``cases`` are what headline numbers come from.
    """

    collection: Collection
    overview: Overview
    references: References
    plans: Mapping[str, Plan]
    groups: tuple[Replicates, ...]

    def of(self, section: RunSection) -> list[Replicates]:
        """Return the groups of one run on one profile."""
        return self._by_place.get((section.run_id, section.profile), [])

    def is_try(self, group: Replicates) -> bool:
        """Return whether these are a try of a search for what fits: too few steps to time."""
        plan = self.plans.get(group.first.run_id)
        return plan is not None and plan.tier == TRY

    @cached_property
    def cases(self) -> tuple[PooledCase, ...]:
        """Return each case of a profile once, its repeats of all sessions pooled.

        Tries of a search, which take few steps, are never pooled with what was timed.
        """
        timed = [group for group in self.groups if not self.is_try(group)]
        tries = [group for group in self.groups if self.is_try(group)]
        return tuple(
            case
            for groups in (timed, tries)
            for case in pool(record for group in groups for record in group.records)
        )

    @cached_property
    def planner(self) -> Planner:
        """Return what measures and projects from these records."""
        return planner.fit_planner(self.collection.records)

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, str], list[Replicates]]:
        found: dict[tuple[str, str], list[Replicates]] = {}
        for each in self.groups:
            found.setdefault(_place(each), []).append(each)
        return found


def load(collection: Collection) -> Dataset:
    """Return a collection as the tables of a report need it."""
    references = References(collection.records)
    seen = overview(collection, references)
    order = {(each.run_id, each.profile): index for index, each in enumerate(seen.sections)}
    return Dataset(
        collection=collection,
        overview=seen,
        references=references,
        plans={plan.run_id: plan for plan in collection.plans},
        groups=tuple(sorted(group(collection.records), key=lambda each: order[_place(each)])),
    )


def _place(group: Replicates) -> tuple[str, str]:
    return group.first.run_id, group.first.profile
