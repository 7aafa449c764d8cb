"""Two cards case by case: the same work by the same method on both, and the ratio of throughputs.

A ratio is always that of the first card over the second; the second is the baseline.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import CardResult, WorkGroup, profile_titles, work_groups
from reports.text import numbers as cells
from reports.text import phrases
from suite import units
from suite.catalog.method import Method
from suite.results.memoize import once
from suite.results.metrics import all_metrics
from suite.results.replicates import Replicates
from suite.results.stats import significance
from suite.results.validity import parity
from suite.results.validity.comparable import differences, other_work, timed_alike
from suite.results.validity.parity import References

#: Every two cards make a page; the cards with the most work stay.
MOST_CARDS = 24
_TEXTS = frozenset({"name", "title", "summary", "why", "reference"})


class CardRatio(msgspec.Struct, frozen=True, kw_only=True):
    """Throughput of ours over theirs, geometric means over launches.

    ``low`` and ``high`` are the ends of the 95 % interval (``stats.significance``), None where a
    side has too few launches for one; ``launches`` are those of ours and theirs.
    """

    value: float
    low: float | None
    high: float | None
    launches: tuple[int, int]

    @property
    def text(self) -> str:
        """Return the ratio alone."""
        return units.ratio(self.value)

    @property
    def basis(self) -> str:
        """Return the interval, or how few launches there are."""
        if self.low is not None and self.high is not None:
            return f"95 % interval {units.ratio(self.low)} to {units.ratio(self.high)}"
        ours, theirs = self.launches
        if ours == theirs:
            return f"{phrases.launches(ours, ours)} each"
        return f"{phrases.launches(ours, ours)} vs {theirs}"


class SharedCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case that both cards have a record of.

    Without ``ratio``, ``reason`` says why there is none. ``doubt`` says why a ratio does not
    count towards a mean, "" where it does. ``agreement`` is that of losses, ours with theirs.
    ``settings`` names the effective settings that differ, None where that is unknown. ``others``
    counts the remaining runs of the case on both.
    """

    work: WorkGroup
    method: Method
    ours: Replicates
    theirs: Replicates
    others: int
    ratio: CardRatio | None
    reason: str
    doubt: str
    agreement: cells.ParityVerdict | None
    settings: tuple[str, ...] | None

    @property
    def sides(self) -> tuple[Replicates, Replicates]:
        """Return the launches shown of ours and of theirs."""
        return self.ours, self.theirs

    @property
    def counts(self) -> bool:
        """Return whether the ratio counts towards a mean."""
        return self.ratio is not None and not self.doubt


class UnsharedCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case that only one card has a record of."""

    work: WorkGroup
    profile: str
    cell: CardResult


class CardPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two profiles that have records of one case or more in common."""

    ours: str
    theirs: str
    shared: tuple[SharedCase, ...]
    alone: tuple[UnsharedCase, ...]

    @property
    def mean(self) -> float | None:
        """Return the geometric mean of the ratios that count, None without any."""
        found = [each.ratio.value for each in self.shared if each.ratio and each.counts]
        return statistics.geometric_mean(found) if found else None

    @property
    def counting(self) -> int:
        """Return how many ratios are in the mean."""
        return sum(each.counts for each in self.shared)


def cards(listed: Sequence[WorkGroup]) -> tuple[str, ...]:
    """Return the profiles that are compared, by name, at most ``MOST_CARDS``."""
    work: dict[str, int] = {}
    for each in listed:
        for _, profile in each.cells:
            work[profile] = work.get(profile, 0) + 1
    most = sorted(work, key=lambda profile: (-work[profile], profile))[:MOST_CARDS]
    return tuple(sorted(most))


@once
def pairs(dataset: Dataset) -> list[CardPair]:
    """Return every two cards that share a case, by their names."""
    listed, titles = work_groups(dataset), profile_titles(dataset)
    card_pairs = []
    for ours, theirs in combinations(cards(listed), 2):
        both = [
            _shared(work, method, cell, other, dataset.references, titles)
            for work in listed
            for method in work.methods
            if (cell := work.cells.get((method.name, ours)))
            and (other := work.cells.get((method.name, theirs)))
        ]
        if both:
            alone = tuple(_alone(listed, ours, theirs))
            card_pairs.append(CardPair(ours=ours, theirs=theirs, shared=tuple(both), alone=alone))
    return card_pairs


def throughput(ours: Replicates, theirs: Replicates) -> CardRatio | None:
    """Return the ratio of real tokens per second; None where a launch lacks its rate."""
    metric = all_metrics()["tokens_per_second"]
    sides = [[metric.compute(record) for record in group.ok] for group in (ours, theirs)]
    known = [[value for value in side if value is not None and value > 0] for side in sides]
    if not all(known) or [len(side) for side in known] != [len(side) for side in sides]:
        return None
    value = math.exp(math.log(_mean(known[0])) - math.log(_mean(known[1])))
    low = high = None
    if min(map(len, known)) >= significance.LEAST_LAUNCHES:
        from suite.results.stats import effects

        # Of rates more is better: the test takes their reciprocals.
        seconds = [[1 / rate for rate in side] for side in known]
        found = effects.effect(seconds[1], seconds[0])
        low, high = 1 / found.high, 1 / found.low
    return CardRatio(value=value, low=low, high=high, launches=(len(known[0]), len(known[1])))


def _mean(values: Sequence[float]) -> float:
    return statistics.geometric_mean(values)


def _shared(
    work: WorkGroup,
    method: Method,
    cell: CardResult,
    other: CardResult,
    references: References,
    titles: Mapping[str, str],
) -> SharedCase:
    ours, theirs = cell.shown, other.shown
    reason, ratio = _hindrance(ours, theirs, titles), None
    agreement, settings = None, None
    if not reason:
        ratio = throughput(ours, theirs)
        reason = "" if ratio else "the throughput of one is unknown"
        agreement = _agreement(ours, theirs)
        differing = differences(ours.best, theirs.best)
        settings = None if differing is None else tuple(each.setting for each in differing)
    doubts = [
        f"on {titles[group.first.profile]}, losses differ from those of its reference"
        for group in (ours, theirs)
        if group.ok and cells.verdict(group, references).kind == "bad"
    ]
    if ours.ok and theirs.ok and not timed_alike(ours.best, theirs.best):
        doubts.append("one was timed by a worker that could slow its own steps")
    if agreement is not None and agreement.kind == "bad":
        doubts.append("losses of the two GPUs differ")
    return SharedCase(
        work=work,
        method=method,
        ours=ours,
        theirs=theirs,
        others=len(cell.others) + len(other.others),
        ratio=ratio,
        reason=phrases.short(reason),
        doubt="; ".join(doubts),
        agreement=agreement,
        settings=settings,
    )


def _hindrance(ours: Replicates, theirs: Replicates, titles: Mapping[str, str]) -> str:
    """Return why the two stand in no ratio, or an empty string when they may."""
    ended = [titles[group.first.profile] for group in (ours, theirs) if not group.ok]
    if ended:
        return f"no numbers on {ended[0]}" if len(ended) == 1 else "no numbers on either"
    if ours.best.weights != theirs.best.weights:
        named = (phrases.weights_name(each.best.weights) for each in (ours, theirs))
        return f"other weights: {', not '.join(named)}"
    here, there = ours.case.method, theirs.case.method
    changed = [
        name.replace("_", " ")
        for name in here.__struct_fields__
        if name not in _TEXTS and getattr(here, name) != getattr(there, name)
    ]
    if changed:
        return f"the method asks for another {', '.join(changed)}"
    return other_work(ours.best, theirs.best)


def _agreement(ours: Replicates, theirs: Replicates) -> cells.ParityVerdict:
    found = parity.compare_losses(ours.best, theirs.best)
    kind = {"agrees": "good", "differs": "bad"}.get(found.verdict, "none")
    text = "unknown" if kind == "none" else found.verdict
    return cells.ParityVerdict(kind=kind, text=text, detail=found.reason)


def _alone(listed: Sequence[WorkGroup], ours: str, theirs: str) -> Iterator[UnsharedCase]:
    for work in listed:
        for (name, profile), cell in work.cells.items():
            other = {ours: theirs, theirs: ours}.get(profile)
            if other is not None and (name, other) not in work.cells:
                yield UnsharedCase(work=work, profile=profile, cell=cell)
