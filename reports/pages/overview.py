"""The first screen: for each model what wins on which card, with what did not run in words."""

import math
from collections.abc import Mapping, Sequence

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import CardResult, WorkGroup, profile_titles, works_by_model
from reports.text import phrases
from reports.text.numbers import Number, Ratio, number, peak_memory, ratio, record_page
from suite import units
from suite.catalog.model import Model
from suite.results.metrics import all_metrics
from suite.results.record import whose
from suite.results.replicates import MedianWithRange, Replicates, summarize


class OverviewCell(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one card. Without ``tokens``, ``outcome`` says in words why there are none.

    ``ratio`` is throughput over the baseline's in the same run. ``best`` marks the highest
    throughput of the card among those that train the same adapters and whose losses do not differ,
    ``wrong`` that they do.
    """

    href: str
    tokens: Number | None
    memory: Number | None
    ratio: Ratio | None
    outcome: str
    reason: str
    count: str
    best: bool
    wrong: bool


class OverviewRow(msgspec.Struct, frozen=True, kw_only=True):
    """One method over all cards; None where it has no record."""

    method: str
    summary: str
    cells: tuple[OverviewCell | None, ...]


class OverviewTable(msgspec.Struct, frozen=True, kw_only=True):
    """One model at the work that most methods ran; ``more`` is what else was measured.

    ``href`` is the model's own page, ``memory_unit`` that of all peaks.
    """

    anchor: str
    model: str
    href: str
    work: str
    cards: tuple[str, ...]
    memory_unit: str
    rows: tuple[OverviewRow, ...]
    more: tuple[str, ...]


def overview_tables(dataset: Dataset, pages: Mapping[Model, str]) -> tuple[OverviewTable, ...]:
    """Return one table a model, in the report's order; ``pages`` are the models' addresses."""
    titles = profile_titles(dataset)
    return tuple(
        _overview_table(name, found, titles, dataset, pages)
        for name, found in works_by_model(dataset).items()
    )


def most_measured(works: Sequence[WorkGroup]) -> WorkGroup:
    """Return the work with the most numbers: the one that stands for its model."""
    return max(works, key=lambda each: sum(bool(cell.shown.ok) for cell in each.cells.values()))


def _overview_table(
    name: str,
    works: list[WorkGroup],
    titles: dict[str, str],
    dataset: Dataset,
    pages: Mapping[Model, str],
) -> OverviewTable:
    work = most_measured(works)
    shown = [cell.shown for cell in work.cells.values()]
    rates = [value.median for group in shown if (value := _tokens(group))]
    peaks = [value.median for group in shown if (value := _peak(group))]
    scales = units.scale("tokens/second", rates), units.scale("bytes", peaks)
    best = [group for profile in work.profiles for group in _best(work, profile, dataset)]
    rows = [
        OverviewRow(
            method=method.title,
            summary=method.summary,
            cells=tuple(
                None
                if cell is None
                else _overview_cell(work, cell, scales, dataset, best=cell.shown in best)
                for profile in work.profiles
                for cell in [work.cells.get((method.name, profile))]
            ),
        )
        for method in work.methods
    ]
    return OverviewTable(
        anchor=f"glance-{name}",
        model=work.model.title,
        href=pages.get(work.model, ""),
        work=work.title,
        cards=tuple(titles[profile] for profile in work.profiles),
        memory_unit=scales[1].unit,
        rows=tuple(rows),
        more=tuple(each.title for each in works if each is not work),
    )


def _best(work: WorkGroup, profile: str, dataset: Dataset) -> list[Replicates]:
    """Return the fastest of a GPU, of each kind of training, where that is outside the noise.

    Each origin's are compared among themselves. None where nothing was compared, where ranges
    touch, and on a CPU, whose times are no result.
    """
    kinds: dict[object, list[tuple[MedianWithRange, Replicates]]] = {}
    for cell in work.on(profile):
        value = _tokens(cell.shown)
        if value is not None and not _wrong(cell.shown, dataset):
            kind = cell.shown.case.method.adapter, cell.shown.first.origin
            same = kinds.setdefault(kind, [])
            same.append((value, cell.shown))
    best = []
    for found in kinds.values():
        first, *others = sorted(found, key=lambda each: each[0].median, reverse=True)
        on_gpu = first[1].best.environment.gpu is not None
        if on_gpu and others and _apart(first[0], others[0][0]):
            best.append(first[1])
    return best


def _apart(faster: MedianWithRange, slower: MedianWithRange) -> bool:
    """Return whether two rates are known well enough to say which is higher."""
    return _known_range(faster)[0] > _known_range(slower)[1]


def _known_range(value: MedianWithRange) -> tuple[float, float]:
    """Return the range over launches; of a single one what it says of itself, else no bounds."""
    if value.launches > 1:
        return value.low, value.high
    if value.error is None:
        return 0.0, math.inf
    return value.median * (1 - value.error), value.median * (1 + value.error)


def _overview_cell(
    work: WorkGroup,
    cell: CardResult,
    scales: tuple[units.Scale, units.Scale],
    dataset: Dataset,
    *,
    best: bool,
) -> OverviewCell:
    group = cell.shown
    return OverviewCell(
        href=record_page(group.best),
        tokens=number(_tokens(group), scales[0].text),
        memory=number(_peak(group), scales[1].text),
        ratio=_ratio(work, group) if group.ok else None,
        outcome=phrases.outcome(group.best),
        reason=phrases.short(group.best.reason),
        count=_count(group),
        best=best,
        wrong=_wrong(group, dataset),
    )


def _count(group: Replicates) -> str:
    """Return how many repeats there are, whose, and whether the steps of any had not settled."""
    unsettled = "step time did not settle" if group.unsettled else ""
    count = phrases.repeats(group)
    return ", ".join(filter(None, (count, whose(group.first), unsettled)))


def _wrong(group: Replicates, dataset: Dataset) -> bool:
    """Return whether the losses of a launch differ from those of the method's reference."""
    return any(dataset.references.parity(record).verdict == "differs" for record in group.ok)


def _ratio(work: WorkGroup, group: Replicates) -> Ratio:
    """Return the ratio to the baseline, in pairs of one session."""
    return ratio(group, [cell.shown for cell in work.on(group.first.profile)])


def _tokens(group: Replicates) -> MedianWithRange | None:
    return summarize(group, all_metrics()["tokens_per_second"])


def _peak(group: Replicates) -> MedianWithRange | None:
    return summarize(group, peak_memory(group.best))
