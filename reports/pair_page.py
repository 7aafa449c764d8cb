"""One card against another: the page's numbers, from pairs of launches to text."""

import itertools
from collections.abc import Iterator, Sequence

import msgspec

from reports import across, cells, job, words
from reports.card_watch import Seen, seen
from reports.figures import Figure, Measured
from reports.material import Material
from reports.pairs import Pair, Shared, pairs
from reports.resources import CLOCK, KINDS, Kind, observation, over, resources
from reports.sides import Sides, sides
from reports.stems import gpu_page, pair_name
from suite import units
from suite.catalog.model import Model
from suite.results.launches import Launches

NO_RATIO = "no ratio"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One case on both cards; ``columns`` are figures of ours and theirs in turn."""

    method: str
    ratio: str
    exact: str
    basis: str
    reason: str
    notes: tuple[str, ...]
    agreement: cells.Verdict | None
    columns: tuple[Figure, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The cases of one work."""

    anchor: str
    model: str
    work: str
    lines: tuple[Line, ...]


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource over all cases that both cards ran."""

    name: str
    origin: str
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
    tables: tuple[Table, ...]
    kinds: tuple[str, ...]
    ceilings: tuple[Ceiling, ...]
    whys: tuple[Why, ...]
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
    known = dict.fromkeys(record.weights for record in (*here, *there) if record.outcome == "ok")
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
        tables=tuple(_tables(pair.shared, measured)),
        kinds=tuple(kind.name for kind in KINDS),
        ceilings=tuple(
            found for kind in KINDS if kind is not CLOCK and (found := _ceiling(kind, both))
        ),
        whys=tuple(map(_why, both)),
        sides=sides(here, there),
        watched=tuple(
            (seen(ours, measured), seen(theirs, measured))
            for ours, theirs in (each.sides for each in both)
        ),
        jobs=tuple(row for each in pair.shared if (row := job.row(each.sides, measured))),
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
        weights=tuple(dict.fromkeys(map(words.weights, known))),
    )


def _only(shared: Sequence[Shared], titles: tuple[str, str]) -> Iterator[str]:
    """Yield a sentence on the cases that ran on one card and not on the other, for each card."""
    for index, title in enumerate(titles):
        cases = [
            f"{words.case_title(each.sides[0].case)} ({words.work(each.work.workload)}):"
            f" {words.outcome(each.sides[1 - index].first).lower()}"
            for each in shared
            if each.sides[index].ok and not each.sides[1 - index].ok
        ]
        if cases:
            yield (
                f"{units.counted(len(cases), 'case')} ran on {title} and not on"
                f" {titles[1 - index]}: {'; '.join(cases)}."
            )


def _tables(shared: Sequence[Shared], measured: Measured) -> Iterator[Table]:
    by_work = itertools.groupby(shared, key=lambda each: id(each.work))
    for number, (_, group) in enumerate(by_work, 1):
        listed = list(group)
        work = listed[0].work
        model: Model = work.model
        yield Table(
            anchor=f"work-{number}",
            model=model.title,
            work=work.title,
            lines=tuple(_line(each, measured) for each in listed),
        )


def _line(each: Shared, measured: Measured) -> Line:
    found: list[Figure] = []
    for tag in ("tokens_per_second", "step_seconds", "", "joules_per_token"):
        for group in each.sides:
            found.append(measured.figure(group, tag) if tag else _peak(group, measured))
    ratio = each.ratio
    return Line(
        method=each.method.title,
        ratio=ratio.text if ratio else NO_RATIO,
        exact=cells.exact(ratio.value) if ratio else "",
        basis=ratio.basis if ratio else "",
        reason=each.reason,
        notes=tuple(_notes(each)),
        agreement=each.agreement,
        columns=tuple(found),
    )


def _notes(each: Shared) -> Iterator[str]:
    if each.doubt:
        yield f"not in the mean: {each.doubt}"
    if each.settings:
        noun = "setting differs" if len(each.settings) == 1 else "settings differ"
        listed = words.short(", ".join(each.settings))
        yield f"{len(each.settings)} {noun}: {listed}"
    if each.ratio and each.settings is None:
        yield "whether settings differ is unknown"
    for group in each.sides:
        unsteady = [r for r in group.ok if r.steadiness is None or not r.steadiness.reached]
        if unsteady:
            launches = ", ".join(str(record.launch) for record in unsteady)
            yield f"not steady on {words.short(group.first.profile)}: launch {launches}"
    older = [len(cell.others) for cell in (each.ours, each.theirs)]
    if any(older):
        yield f"newest runs; {units.counted(sum(older), 'other run')} of it not shown here"


def _peak(group: Launches, measured: Measured) -> Figure:
    """Return peak memory with its share of the card's."""
    metric = cells.peak_memory(group.best)
    found = measured.figure(group, metric.tag)
    gpu, value = group.best.environment.gpu, measured.value(group, metric)
    if not found.exact or value is None or gpu is None or not gpu.memory_total_bytes:
        return found
    share = units.percent(value.median / gpu.memory_total_bytes)
    return msgspec.structs.replace(found, note=f"{share} of the card")


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
        name=kind.name[:1].upper() + kind.name[1:],
        origin=kind.origin,
        ours=ours,
        theirs=theirs,
        ratio=units.ratio(float(ours.exact) / float(theirs.exact)) if known else "unknown",
    )


def _why(each: Shared) -> Why:
    assert each.ratio is not None
    found = resources(*each.sides)
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
