"""One number for a case on a GPU model: its good repeats of every session, pooled.

Repeats belong together where they have one origin, packages and effective settings are equal and
steps were timed alike. Of several such pools the headline is the newest of the project's own with
a number, or without one the newest that somebody gave; the others are history.
"""

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from suite.results.metrics import Metric
from suite.results.record import Origin, Record
from suite.results.replicates import Replicates, summarize
from suite.results.validity.comparable import packages, settings, timed_alike


class PooledCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one profile: the repeats that its number is of, and pools that it replaces.

    ``older`` are other packages, settings or timing, newest first, those of another origin, or
    repeats that only failed.
    """

    repeats: Replicates
    older: tuple[Replicates, ...]


class PairedRatio(msgspec.Struct, frozen=True, kw_only=True):
    """One method's metric over another's, in pairs of one session: their geometric mean.

    ``low`` and ``high`` are the least and the largest pair.
    """

    value: float
    low: float
    high: float
    pairs: int
    sessions: int


def pool(records: Iterable[Record]) -> list[PooledCase]:
    """Return each case of each profile once, in the order in which they first appear.

    Failed repeats go with the good ones of their session; a case without a good one has its newest
    session.
    """
    by_case: dict[tuple[object, ...], list[Record]] = {}
    for record in records:
        by_case.setdefault(_same_case(record), []).append(record)
    return [_pooled(found) for found in by_case.values()]


def newest(records: Iterable[Record]) -> Replicates | None:
    """Return, of good records whose times may stand for each other, those that do: a pool's.

    Cases may differ in what decides no time. The project's own come before those of others. None
    without a record.
    """
    pools = [case.repeats for case in pool(records)]
    return max(pools, key=rank, default=None)


def rank(repeats: Replicates) -> tuple[bool, str, int]:
    """Return what orders pools of one case: the highest is the headline, if it has a number."""
    last = repeats.records[-1]
    return last.origin is None, *_begun(last)


def _pooled(records: Sequence[Record]) -> PooledCase:
    pools: list[list[Record]] = []
    for record in sorted(records, key=_begun, reverse=True):
        if record.outcome != "ok":
            continue
        alike = next((each for each in pools if _alike(record, each[0])), None)
        if alike is None:
            pools.append([record])
        else:
            alike.append(record)
    failed = [record for record in records if record.outcome != "ok"]
    for record in sorted(failed, key=_begun, reverse=True):
        session = next((each for each in pools if _session(record) in map(_session, each)), None)
        if session is None:
            pools.append([record])
        else:
            session.append(record)
    made = [Replicates(records=tuple(sorted(each, key=_begun))) for each in pools]
    # Newest first as they are; what somebody gave comes after the project's own.
    repeats, *older = sorted(made, key=lambda each: (not each.ok, each.first.origin is not None))
    return PooledCase(repeats=repeats, older=tuple(older))


def _session(record: Record) -> tuple[str, Origin | None]:
    return record.run_id, record.origin


def _begun(record: Record) -> tuple[str, int]:
    return record.started_at, record.launch


def _same_case(record: Record) -> tuple[object, ...]:
    """Return what repeats have in common: all of the case but how many steps were taken."""
    case = record.case
    return (
        *(record.profile, record.weights, record.work_key),
        *(case.case_id, case.model, case.method, case.workload, case.loop, case.seed),
    )


def _alike(record: Record, other: Record) -> bool:
    """Return whether origin, packages and timing are one, and no setting both know differs."""
    if record.origin != other.origin or not timed_alike(record, other):
        return False
    if packages(record) != packages(other):
        return False
    if record.effective is None or other.effective is None:
        return record.effective is other.effective
    if record.effective == other.effective:
        return True
    ours, theirs = settings(record.effective), settings(other.effective)
    return all(ours[name] == theirs[name] for name in ours.keys() & theirs.keys())


def paired(group: Replicates, base: Replicates, metric: Metric) -> PairedRatio | None:
    """Return a metric of a group over that of a base; None without a pair that has both.

    A pair is one launch of one session: the same machine, minutes apart.
    """
    both = pairs(group, base, metric)
    ratios = [ours / theirs for ours, theirs in both.values()]
    if not ratios or not all(0 < ratio < math.inf for ratio in ratios):
        return None
    return PairedRatio(
        value=statistics.geometric_mean(ratios),
        low=min(ratios),
        high=max(ratios),
        pairs=len(ratios),
        sessions=len({run_id for run_id, _ in both}),
    )


def pairs(
    group: Replicates, base: Replicates, metric: Metric
) -> dict[tuple[str, int], tuple[float, float]]:
    """Return a metric of a group and of a base, by the session and launch that have both."""
    ours, theirs = _by_launch(group, metric), _by_launch(base, metric)
    return {place: (ours[place], theirs[place]) for place in ours if theirs.get(place)}


def both_sides(
    group: Replicates, base: Replicates, metric: Metric, *, paired_with: Replicates | None = None
) -> list[tuple[float, float]]:
    """Return a metric on both sides: of each pair of one session, else the medians of the pools.

    Pairs are sought in ``paired_with`` where it is more than the base: its sessions of any age.
    Empty where a number is lacking.
    """
    if found := list(pairs(group, paired_with or base, metric).values()):
        return found
    ours, theirs = summarize(group, metric), summarize(base, metric)
    return [] if ours is None or theirs is None else [(ours.median, theirs.median)]


def _by_launch(group: Replicates, metric: Metric) -> dict[tuple[str, int], float]:
    values = {(each.run_id, each.launch): metric.compute(each) for each in group.ok}
    return {place: value for place, value in values.items() if value is not None}
