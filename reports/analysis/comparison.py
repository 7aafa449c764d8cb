"""One comparison: the methods that ran the same model, workload, loop and seed in one run."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from reports.text import phrases
from reports.text.grid import Link
from reports.text.numbers import (
    Number,
    ParityVerdict,
    Ratio,
    number,
    peak_memory,
    ratio,
    record_page,
    verdict,
)
from suite import units
from suite.catalog.case import Case
from suite.results.metrics import Metric, all_metrics
from suite.results.notes import notes as notes_of
from suite.results.replicates import MedianWithRange, Replicates, summarize
from suite.results.validity.comparable import NOT_SET, settings
from suite.results.validity.page_faults import page_faults
from suite.results.validity.parity import References


class MethodRow(msgspec.Struct, frozen=True, kw_only=True):
    """One method. Without numbers, ``outcome`` and ``reason`` say why there are none.

    ``bar`` is the throughput in percent of the comparison's highest. ``launches`` leads to the
    record of every launch, good or not; ``href`` to the one to see first, empty without any.
    ``step_low`` is the 10 % quantile of the steps, in the unit of ``step``.
    """

    case: Case
    method: str
    summary: str
    href: str
    outcome: str
    reason: str
    tokens: Number | None
    step: Number | None
    step_low: Number | None
    memory: Number | None
    ratio: Ratio
    verdict: ParityVerdict | None
    bar: float
    launches: tuple[Link, ...]
    count: str
    notes: tuple[str, ...]


class DifferingSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One effective setting that is not the same in all rows: its value in each."""

    name: str
    values: tuple[str, ...]


class MethodComparison(msgspec.Struct, frozen=True, kw_only=True):
    """A table of methods; ``compared`` are those whose effective settings are known."""

    anchor: str
    model: str
    workload: str
    work: str
    step_unit: str
    low_help: str
    memory_title: str
    memory_unit: str
    memory_help: str
    rows: tuple[MethodRow, ...]
    compared: tuple[str, ...]
    settings: tuple[DifferingSetting, ...]


class _Column(msgspec.Struct, frozen=True, kw_only=True):
    """One metric over all groups, in one unit."""

    metric: Metric
    scale: units.Scale
    values: Mapping[Case, MedianWithRange]

    def number(self, case: Case) -> Number | None:
        """Return the number of one case."""
        return number(self.values.get(case), self.scale.text)


def comparison(
    anchor: str,
    cases: Sequence[Case],
    groups: Mapping[Case, Replicates],
    waiting: Mapping[Case, int],
    references: References,
) -> MethodComparison:
    """Return the table of ``cases`` (same model, workload, loop and seed), in their order.

    ``waiting`` counts the planned launches of a case that have no record.
    """
    present = [groups[case] for case in cases if case in groups]
    good = [group for group in present if group.ok]
    memory = peak_memory((good or present)[0].best) if present else None
    tokens = _column(all_metrics()["tokens_per_second"], good)
    step = _column(all_metrics()["step_seconds"], good)
    low = _column(all_metrics()["step_seconds_low"], good, step.scale)
    peak = _column(memory or all_metrics()["peak_allocated_bytes"], good)
    fastest = max((value.median for value in tokens.values.values()), default=0.0)

    def row(case: Case) -> MethodRow:
        group, lacking = groups.get(case), waiting.get(case, 0)
        if group is None:
            return _planned(case, lacking)
        value = tokens.values.get(case)
        return MethodRow(
            case=case,
            method=case.method.title,
            summary=case.method.summary,
            href=record_page(group.best),
            outcome=phrases.outcome(group.best),
            reason=phrases.short(group.best.reason),
            tokens=tokens.number(case),
            step=step.number(case),
            step_low=low.number(case),
            memory=peak.number(case),
            ratio=ratio(group, present),
            verdict=verdict(group, references) if group.ok else None,
            bar=round(100 * (value.median / fastest), 1) if value else 0.0,
            launches=tuple(
                Link(text=str(record.launch), href=record_page(record)) for record in group.records
            ),
            count=phrases.launches(len(group.ok), len(group.records) + lacking),
            notes=notes(group, lacking),
        )

    workload = phrases.work(cases[0].workload)
    compared = [group for group in present if group.best.effective is not None]
    return MethodComparison(
        anchor=anchor,
        model=cases[0].model.title,
        workload=workload,
        work=f"{workload} · {phrases.LOOPS[cases[0].loop]} · seed {cases[0].seed}",
        step_unit=step.scale.unit,
        low_help=low.metric.help,
        memory_title=peak.metric.title,
        memory_unit=peak.scale.unit,
        memory_help=peak.metric.help,
        rows=tuple(row(case) for case in cases),
        compared=tuple(group.case.method.title for group in compared),
        settings=_settings(compared),
    )


def _column(
    metric: Metric, groups: Sequence[Replicates], scale: units.Scale | None = None
) -> _Column:
    values = {group.case: value for group in groups if (value := summarize(group, metric))}
    scale = scale or units.scale(metric.unit, [value.median for value in values.values()])
    return _Column(metric=metric, scale=scale, values=values)


def _planned(case: Case, lacking: int) -> MethodRow:
    return MethodRow(
        case=case,
        method=case.method.title,
        summary=case.method.summary,
        href="",
        outcome="Not run yet",
        reason="planned; no result was found",
        tokens=None,
        step=None,
        step_low=None,
        memory=None,
        ratio=Ratio(text="no ratio"),
        verdict=None,
        bar=0.0,
        launches=(),
        count=phrases.launches(0, lacking),
        notes=(),
    )


def notes(group: Replicates, lacking: int) -> tuple[str, ...]:
    """Return what a reader of a case's numbers has to know of its launches, as short texts."""
    found = []
    if group.ok:
        bad = [record for record in group.records if record.outcome != "ok"]
        found += [f"repeat {record.launch}: {phrases.outcome(record).lower()}" for record in bad]
        found += _warnings(group)
    if lacking:
        found.append(f"{phrases.launches(lacking, lacking)} not run yet")
    return tuple(found)


def _warnings(group: Replicates) -> Iterator[str]:
    """Yield what speaks against the numbers of launches; of several, which ones."""
    (first, *more) = group.ok
    if not more:
        yield from (note for note in notes_of(first) if note not in first.notes)
        return
    faulting = [record for record in group.ok if page_faults(record)]
    for what, records in (
        ("step time did not settle", group.unsettled),
        ("page faults", faulting),
    ):
        if not records:
            continue
        if len({record.run_id for record in group.records}) > 1:  # a number names no launch there
            yield f"{what}: {len(records)} of {phrases.launches(len(group.ok), len(group.ok))}"
            continue
        named = ", ".join(str(record.launch) for record in records)
        yield f"{what}: {phrases.launch_noun(len(records))} {named}"


def _settings(groups: Sequence[Replicates]) -> tuple[DifferingSetting, ...]:
    columns: list[dict[str, str]] = []
    for group in groups:
        if group.best.effective is not None:
            columns.append({"engine": group.best.engine, **settings(group.best.effective)})
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [
        DifferingSetting(name=name, values=tuple(column.get(name, NOT_SET) for column in columns))
        for name in names
    ]
    return tuple(row for row in rows if len(set(row.values)) > 1)
