"""One card against another: the page's numbers, from pairs of launches to text."""

from collections.abc import Iterator, Sequence

import msgspec

from reports.analysis import workloads
from reports.analysis.card_ceilings import CEILINGS, KINDS, Kind, observation, over, resources
from reports.analysis.card_pairs import Pair, Shared, pairs
from reports.analysis.dataset import Material
from reports.pages.card_pair import table as pair_table
from reports.pages.gpu.telemetry import Seen, seen
from reports.sections import hosts
from reports.text import example_job, phrases
from reports.text import numbers as cells
from reports.text.addresses import gpu_page, pair_name
from reports.text.environment_diff import Sides, sides
from reports.text.figures import Figure, Measured
from suite import units
from suite.results.record import Record
from suite.results.replicates import Replicates


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource over all cases that both cards ran."""

    title: str
    ours: Figure
    theirs: Figure
    ratio: str


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One case: its ratio, those of the resources in the order of ``KINDS``, and what is near."""

    case: str
    work: str
    ratio: str
    resources: tuple[str, ...]
    observation: str


class Lonely(msgspec.Struct, frozen=True, kw_only=True):
    """A case without a record on the card named in ``missing``."""

    case: str
    work: str
    title: str
    outcome: Figure
    missing: str


class Page(msgspec.Struct, frozen=True, kw_only=True):
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
    tables: tuple[pair_table.Table, ...]
    kinds: tuple[str, ...]
    ceilings: tuple[Ceiling, ...]
    whys: tuple[Why, ...]
    hosts: hosts.Compared
    sides: Sides
    watched: tuple[tuple[Seen, Seen], ...]
    jobs: tuple[example_job.Row, ...]
    job_text: str
    alone: tuple[Lonely, ...]
    weights: tuple[str, ...]


def pages(material: Material) -> Iterator[tuple[str, Page]]:
    """Yield the file's name and the page of every two cards that share a case."""
    titles, measured = workloads.profile_titles(material), Measured()
    for pair in pairs(material):
        names = (titles[pair.ours], titles[pair.theirs])
        yield pair_name(pair.ours, pair.theirs), _page(pair, names, measured)


def _page(pair: Pair, titles: tuple[str, str], measured: Measured) -> Page:
    both = [each for each in pair.shared if each.ratio]
    here = [record for each in pair.shared for record in each.sides[0].records]
    there = [record for each in pair.shared for record in each.sides[1].records]
    mean = pair.mean
    return Page(
        ours=titles[0],
        theirs=titles[1],
        names=(phrases.short(pair.ours), phrases.short(pair.theirs)),
        pages=(gpu_page(pair.ours), gpu_page(pair.theirs)),
        mean="" if mean is None else units.ratio(mean),
        inverse="" if mean is None else units.ratio(1 / mean),
        exact="" if mean is None else cells.exact(mean),
        counting=units.counted(pair.counting, "shared case"),
        only=tuple(_only(pair.shared, titles)),
        tables=tuple(pair_table.tables(pair.shared, measured)),
        kinds=tuple(kind.name for kind in KINDS),
        ceilings=tuple(found for kind in CEILINGS if (found := _ceiling(kind, pair.shared))),
        whys=tuple(_why(each, measured) for each in both),
        hosts=hosts.compared(hosts.side(_good(here)), hosts.side(_good(there)), titles),
        sides=sides(here, there),
        watched=tuple(
            (
                seen(ours, _label(each, ours), measured),
                seen(theirs, _label(each, theirs), measured),
            )
            for each in both
            for ours, theirs in [each.sides]
        ),
        jobs=tuple(
            row
            for each in pair.shared
            if (row := example_job.row(each.sides, _basis(each), measured))
        ),
        job_text=example_job.TEXT,
        alone=tuple(
            Lonely(
                case=phrases.case_title(each.cell.shown.case),
                work=each.work.title,
                title=titles[0] if each.profile == pair.ours else titles[1],
                outcome=_outcome(each.cell.shown),
                missing=titles[1] if each.profile == pair.ours else titles[0],
            )
            for each in pair.alone
        ),
        weights=phrases.weights(r for r in (*here, *there) if r.outcome == "ok"),
    )


def _good(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.outcome == "ok"]


def _only(shared: Sequence[Shared], titles: tuple[str, str]) -> Iterator[str]:
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


def _label(each: Shared, group: Replicates) -> str:
    counted = phrases.launches(len(group.ok), len(group.records))
    return f"{phrases.work(each.work.workload)} · {counted}"


def _basis(each: Shared) -> str:
    ours, theirs = (phrases.launches(len(g.ok), len(g.records)) for g in each.sides)
    counted = f"{ours} each" if ours == theirs else f"{ours} and {theirs}"
    doubt = " · losses differ" if each.doubt else ""
    return f"{phrases.work(each.work.workload)} · {counted}{doubt}"


def _outcome(group: Replicates) -> Figure:
    return Figure(
        text=phrases.outcome(group.best),
        page=cells.record_page(group.best),
        note=phrases.short(group.best.reason),
    )


def _ceiling(kind: Kind, shared: Sequence[Shared]) -> Ceiling | None:
    """Return a kind of resource over the shared cases, None where neither card's is known."""
    ours, theirs = (over(kind, [each.sides[index] for each in shared]) for index in (0, 1))
    if not ours.exact and not theirs.exact:
        return None
    known = ours.exact and theirs.exact and float(theirs.exact)
    return Ceiling(
        title=kind.title,
        ours=ours,
        theirs=theirs,
        ratio=units.ratio(float(ours.exact) / float(theirs.exact)) if known else "unknown",
    )


def _why(each: Shared, measured: Measured) -> Why:
    assert each.ratio is not None
    found = resources(*each.sides, measured)
    ratios = [
        f"({units.ratio(one.ratio)})"
        if one.ratio and one.barred
        else units.ratio(one.ratio)
        if one.ratio
        else "unknown"
        for one in found
    ]
    return Why(
        case=phrases.case_title(each.sides[0].case),
        work=phrases.work(each.work.workload),
        ratio=each.ratio.text,
        resources=tuple(ratios),
        observation=observation(each.ratio.value, found),
    )
