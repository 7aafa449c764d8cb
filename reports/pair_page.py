"""One card against another: the page's numbers, from pairs of launches to text."""

from collections.abc import Iterator, Sequence

import msgspec

from reports import across, cells, hosts, job, pair_table, words
from reports.card_watch import Seen, seen
from reports.figures import Figure, Measured
from reports.material import Material
from reports.pairs import Pair, Shared, pairs
from reports.resources import CEILINGS, KINDS, Kind, observation, over, resources
from reports.sides import Sides, sides
from reports.stems import gpu_page, pair_name
from suite import units
from suite.results.launches import Launches
from suite.results.record import Record


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
    jobs: tuple[job.Row, ...]
    job_text: str
    alone: tuple[Lonely, ...]
    weights: tuple[str, ...]


def pages(material: Material) -> Iterator[tuple[str, Page]]:
    """Yield the file's name and the page of every two cards that share a case."""
    titles, measured = across.profile_titles(material), Measured()
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
        names=(words.short(pair.ours), words.short(pair.theirs)),
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
            row for each in pair.shared if (row := job.row(each.sides, _basis(each), measured))
        ),
        job_text=job.TEXT,
        alone=tuple(
            Lonely(
                case=words.case_title(each.cell.shown.case),
                work=each.work.title,
                title=titles[0] if each.profile == pair.ours else titles[1],
                outcome=_outcome(each.cell.shown),
                missing=titles[1] if each.profile == pair.ours else titles[0],
            )
            for each in pair.alone
        ),
        weights=words.weights(r for r in (*here, *there) if r.outcome == "ok"),
    )


def _good(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.outcome == "ok"]


def _only(shared: Sequence[Shared], titles: tuple[str, str]) -> Iterator[str]:
    """Yield a sentence on the cases with numbers on one card and none on the other, for each."""
    for index, title in enumerate(titles):
        cases = [
            f"{words.case_title(each.sides[0].case)} ({words.work(each.work.workload)}):"
            f" {words.outcome(each.sides[1 - index].first).lower()}"
            for each in shared
            if each.sides[index].ok and not each.sides[1 - index].ok
        ]
        if cases:
            yield (
                f"With numbers on {title} and none on {titles[1 - index]}:"
                f" {words.short('; '.join(cases))}."
            )


def _label(each: Shared, group: Launches) -> str:
    counted = words.launches(len(group.ok), len(group.records))
    return f"{words.work(each.work.workload)} · {counted}"


def _basis(each: Shared) -> str:
    ours, theirs = (words.launches(len(g.ok), len(g.records)) for g in each.sides)
    counted = f"{ours} each" if ours == theirs else f"{ours} and {theirs}"
    doubt = " · losses differ" if each.doubt else ""
    return f"{words.work(each.work.workload)} · {counted}{doubt}"


def _outcome(group: Launches) -> Figure:
    return Figure(
        text=words.outcome(group.best),
        page=cells.record_page(group.best),
        note=words.short(group.best.reason),
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
        case=words.case_title(each.sides[0].case),
        work=words.work(each.work.workload),
        ratio=each.ratio.text,
        resources=tuple(ratios),
        observation=observation(each.ratio.value, found),
    )
