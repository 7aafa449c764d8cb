"""The table of two cards: per work one line a case, its ratio and the figures of both sides."""

import itertools
from collections.abc import Callable, Iterator, Sequence

import msgspec

from reports.analysis.card_pairs import SharedCase
from reports.sections import hosts
from reports.text import numbers as cells
from reports.text import phrases
from reports.text.figures import figure
from reports.text.numbers import Number
from suite import units
from suite.results.metrics import Metric, all_metrics
from suite.results.replicates import Replicates, summarize

NO_RATIO = "no ratio"
NOTHING = Number(text="–")
#: What stands beside a ratio, ours and theirs: title, metric ("" is memory, which depends on the
#: device), and the unit of the whole column.
COLUMNS = (
    ("Tokens per second", "tokens_per_second", "tokens/second"),
    ("Step time", "step_seconds", "seconds"),
    ("Peak memory", "", "bytes"),
    ("Energy per token", "joules_per_token", "joules"),
)


class PairRow(msgspec.Struct, frozen=True, kw_only=True):
    """One case on both cards; ``columns`` are figures of ours and theirs in turn."""

    method: str
    ratio: str
    exact: str
    basis: str
    reason: str
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    agreement: cells.ParityVerdict | None
    columns: tuple[Number, ...]


class PairTable(msgspec.Struct, frozen=True, kw_only=True):
    """The cases of one work."""

    anchor: str
    model: str
    work: str
    columns: tuple[tuple[str, str], ...]
    lines: tuple[PairRow, ...]


def tables(shared: Sequence[SharedCase]) -> Iterator[PairTable]:
    """Yield a table for each work, in the order of the cases."""
    by_work = itertools.groupby(shared, key=lambda each: each.work)
    for number, (_, group) in enumerate(by_work, 1):
        listed = list(group)
        columns = [_column(title, tag, unit, listed) for title, tag, unit in COLUMNS]
        yield PairTable(
            anchor=f"work-{number}",
            model=listed[0].work.model.title,
            work=listed[0].work.title,
            columns=tuple((column.title, column.unit) for column in columns),
            lines=tuple(
                _line(each, [column.figures[index] for column in columns])
                for index, each in enumerate(listed)
            ),
        )


class _Column(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity on both sides, a pair a case; ``unit`` is "" where the title has it."""

    title: str
    unit: str
    figures: list[tuple[Number, Number]]


def _column(title: str, tag: str, unit: str, shared: Sequence[SharedCase]) -> _Column:
    values = [
        summarize(group, _metric(tag, group))
        for each in shared
        for group in each.sides
        if group.ok
    ]
    scale = units.scale(unit, [value.median for value in values if value])
    figures = []
    for each in shared:
        ours, theirs = (_figure(group, tag, scale.text) for group in each.sides)
        figures.append((ours, theirs))
    name = "" if scale.unit == "token/s" else scale.unit
    return _Column(title=title, unit=name, figures=figures)


def _metric(tag: str, group: Replicates) -> Metric:
    return all_metrics()[tag] if tag else cells.peak_memory(group.best)


def _figure(group: Replicates, tag: str, text: Callable[[float], str]) -> Number:
    if not group.ok and tag != COLUMNS[0][1]:
        return NOTHING  # what became of the case is said in the first column
    value = summarize(group, _metric(tag, group))
    shown = figure(group, value, text)
    gpu = group.best.environment.gpu
    if tag or value is None or gpu is None or not gpu.memory_total_bytes:
        return shown
    share = units.percent(value.median / gpu.memory_total_bytes)
    return msgspec.structs.replace(shown, note=f"{share} of the GPU")


def _line(each: SharedCase, figures: Sequence[tuple[Number, Number]]) -> PairRow:
    ratio = each.ratio
    return PairRow(
        method=each.method.title,
        ratio=ratio.text if ratio else NO_RATIO,
        exact=cells.exact(ratio.value) if ratio else "",
        basis=ratio.basis if ratio else "",
        reason=each.reason,
        warnings=tuple(_warnings(each)),
        notes=tuple(_notes(each)),
        agreement=each.agreement,
        columns=tuple(itertools.chain.from_iterable(figures)),
    )


def _warnings(each: SharedCase) -> Iterator[str]:
    """Yield what speaks against the numbers of a case."""
    if each.doubt:
        yield f"not in the mean: {each.doubt}"
    for group in each.sides:
        if group.unsettled:
            noun, name = (
                phrases.launch_noun(len(group.unsettled)),
                phrases.short(group.first.profile),
            )
            launches = ", ".join(str(record.launch) for record in group.unsettled)
            yield f"step time did not settle: {name}, {noun} {launches}"


def _notes(each: SharedCase) -> Iterator[str]:
    """Yield what else a reader should know of a case."""
    if each.ratio:
        ours, theirs = each.sides
        yield hosts.beside(ours.ok, theirs.ok)
    if each.settings:
        noun = "setting differs" if len(each.settings) == 1 else "settings differ"
        listed = phrases.short(", ".join(each.settings))
        yield f"{len(each.settings)} {noun}: {listed}"
    if each.ratio and each.settings is None:
        yield "whether settings differ is unknown"
    if each.others:
        yield f"{units.counted(each.others, 'other session')} of it not shown here"
