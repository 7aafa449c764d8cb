"""One card against another: the page's numbers, from pairs of launches to text."""

from collections.abc import Iterator, Sequence

import msgspec

from reports.analysis import workloads
from reports.analysis.card_ceilings import (
    CEILINGS,
    RESOURCE_KINDS,
    ResourceKind,
    observation,
    over,
    resources,
)
from reports.analysis.card_pairs import CardPair, SharedCase, pairs
from reports.analysis.dataset import Dataset
from reports.pages.card_pair import table as pair_table
from reports.pages.gpu.telemetry import CaseTelemetry, case_telemetry
from reports.sections import hosts
from reports.text import example_job, phrases
from reports.text import numbers as cells
from reports.text.addresses import gpu_page, pair_name
from reports.text.environment_diff import EnvironmentDiff, environment_diff
from reports.text.numbers import Number
from suite import units
from suite.results.record import Record
from suite.results.replicates import Replicates


class CeilingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource over all cases that both cards ran."""

    title: str
    ours: Number
    theirs: Number
    ratio: str


class RatioExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One case: its ratio, those of the resources as in ``RESOURCE_KINDS``, and what is near."""

    case: str
    work: str
    ratio: str
    resources: tuple[str, ...]
    observation: str


class UnsharedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A case without a record on the card named in ``missing``."""

    case: str
    work: str
    title: str
    outcome: Number
    missing: str


class CardPairPage(msgspec.Struct, frozen=True, kw_only=True):
    """One pair; ``ours`` and ``theirs`` are titles, with names for narrow columns."""

    ours: str
    theirs: str
    names: tuple[str, str]
    pages: tuple[str, str]
    mean: str
    inverse: str
    exact: str
    counting: str
    only: tuple[str, ...]
    tables: tuple[pair_table.PairTable, ...]
    left_out: str
    kinds: tuple[str, ...]
    ceilings: tuple[CeilingRow, ...]
    whys: tuple[RatioExplanation, ...]
    hosts: hosts.HostComparison
    sides: EnvironmentDiff
    watched: tuple[tuple[CaseTelemetry, CaseTelemetry], ...]
    jobs: tuple[example_job.JobRow, ...]
    job_text: str
    alone: tuple[UnsharedRow, ...]
    weights: tuple[str, ...]


#: Of each table: a page of some hundred kilobytes. Means are over all of them.
MOST_CASES = 100


def pages(dataset: Dataset) -> Iterator[tuple[str, CardPairPage]]:
    """Yield the file's name and the page of every two cards that share a case."""
    titles = workloads.profile_titles(dataset)
    for pair in pairs(dataset):
        names = (titles[pair.ours], titles[pair.theirs])
        yield pair_name(pair.ours, pair.theirs), _page(pair, names)


def _page(pair: CardPair, titles: tuple[str, str]) -> CardPairPage:
    shown = pair.shared[:MOST_CASES]
    both = [each for each in shown if each.ratio]
    here = [record for each in pair.shared for record in each.sides[0].records]
    there = [record for each in pair.shared for record in each.sides[1].records]
    mean = pair.mean
    return CardPairPage(
        ours=titles[0],
        theirs=titles[1],
        names=(phrases.short(pair.ours), phrases.short(pair.theirs)),
        pages=(gpu_page(pair.ours), gpu_page(pair.theirs)),
        mean="" if mean is None else units.ratio(mean),
        inverse="" if mean is None else units.ratio(1 / mean),
        exact="" if mean is None else cells.exact(mean),
        counting=units.counted(pair.counting, "shared case"),
        only=tuple(_only(pair.shared, titles)),
        tables=tuple(pair_table.tables(shown)),
        left_out=_left_out(len(pair.shared), len(pair.alone)),
        kinds=tuple(kind.name for kind in RESOURCE_KINDS),
        ceilings=tuple(found for kind in CEILINGS if (found := _ceiling(kind, pair.shared))),
        whys=tuple(_why(each) for each in both),
        hosts=hosts.compared(hosts.side(_good(here)), hosts.side(_good(there)), titles),
        sides=environment_diff(here, there),
        watched=tuple(
            (
                case_telemetry(ours, _label(each, ours)),
                case_telemetry(theirs, _label(each, theirs)),
            )
            for each in both
            for ours, theirs in [each.sides]
        ),
        jobs=example_job.job_rows((each.sides, _basis(each)) for each in shown),
        job_text=example_job.TEXT,
        alone=tuple(
            UnsharedRow(
                case=phrases.case_title(each.cell.shown.case),
                work=each.work.title,
                title=titles[0] if each.profile == pair.ours else titles[1],
                outcome=_outcome(each.cell.shown),
                missing=titles[1] if each.profile == pair.ours else titles[0],
            )
            for each in pair.alone[:MOST_CASES]
        ),
        weights=phrases.weights(r for r in (*here, *there) if r.outcome == "ok"),
    )


def _left_out(shared: int, alone: int) -> str:
    """Return how many cases the tables lack, "" for none."""
    lacking = sum(max(0, count - MOST_CASES) for count in (shared, alone))
    if not lacking:
        return ""
    return f"Tables here have {MOST_CASES} cases at most; {lacking:,} more are in all results."


def _good(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.outcome == "ok"]


def _only(shared: Sequence[SharedCase], titles: tuple[str, str]) -> Iterator[str]:
    """Yield a sentence on the cases with numbers on one card and none on the other, for each."""
    for index, title in enumerate(titles):
        cases = [
            f"{phrases.case_title(each.sides[0].case)} ({phrases.work(each.work.workload)}):"
            f" {phrases.outcome(each.sides[1 - index].first).lower()}"
            for each in shared
            if each.sides[index].ok and not each.sides[1 - index].ok
        ]
        if cases:
            yield (
                f"With numbers on {title} and none on {titles[1 - index]}:"
                f" {phrases.short('; '.join(cases))}."
            )


def _label(each: SharedCase, group: Replicates) -> str:
    counted = phrases.repeats(group)
    return f"{phrases.work(each.work.workload)} · {counted}"


def _basis(each: SharedCase) -> str:
    ours, theirs = map(phrases.repeats, each.sides)
    counted = f"{ours} each" if ours == theirs else f"{ours} and {theirs}"
    doubt = " · losses differ" if each.doubt else ""
    return f"{phrases.work(each.work.workload)} · {counted}{doubt}"


def _outcome(group: Replicates) -> Number:
    return Number(
        text=phrases.outcome(group.best),
        page=cells.record_page(group.best),
        note=phrases.short(group.best.reason),
    )


def _ceiling(kind: ResourceKind, shared: Sequence[SharedCase]) -> CeilingRow | None:
    """Return a kind of resource over the shared cases, None where neither card's is known."""
    ours, theirs = (over(kind, [each.sides[index] for each in shared]) for index in (0, 1))
    if not ours.exact and not theirs.exact:
        return None
    known = ours.exact and theirs.exact and float(theirs.exact)
    return CeilingRow(
        title=kind.title,
        ours=ours,
        theirs=theirs,
        ratio=units.ratio(float(ours.exact) / float(theirs.exact)) if known else "unknown",
    )


def _why(each: SharedCase) -> RatioExplanation:
    assert each.ratio is not None
    compared = resources(*each.sides)
    ratios = [
        f"({units.ratio(one.ratio)})"
        if one.ratio and one.barred
        else units.ratio(one.ratio)
        if one.ratio
        else "unknown"
        for one in compared
    ]
    return RatioExplanation(
        case=phrases.case_title(each.sides[0].case),
        work=phrases.work(each.work.workload),
        ratio=each.ratio.text,
        resources=tuple(ratios),
        observation=observation(each.ratio.value, compared),
    )
