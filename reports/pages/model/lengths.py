"""Works that differ in the length of their rows only, and curves over it."""

from collections.abc import Iterable, Sequence

import msgspec

from reports.analysis.comparable_sets import ComparableSet, DisplayNames, MethodResult
from reports.charts.drawing import Caption, Plot
from reports.charts.lines import Dot, Series, curves
from reports.pages.model import findings
from reports.pages.model.charts import TOKENS, basis, said, source
from reports.pages.model.tables import card, memory_title, outcome
from reports.text import phrases
from reports.text.grid import Cell, Grid, grid
from reports.text.grid import number as cell
from reports.text.numbers import number, peak_memory, record_page
from suite import units
from suite.results.replicates import MedianWithRange

LENGTH = "Length of a row, tokens"


class LengthSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Sets of works with rows of different lengths, shortest first, that trained the same.

    Either the batch is the same at every length, or the tokens of a step are.
    """

    title: str
    members: tuple[ComparableSet, ...]

    @property
    def entries(self) -> tuple[MethodResult, ...]:
        """Return the entries of all lengths."""
        return tuple(entry for peers in self.members for entry in peers.entries)


def length_series(listed: Iterable[ComparableSet]) -> list[LengthSeries]:
    """Return what can be drawn over length; a set may belong to two series."""
    by_load: dict[tuple[object, ...], list[ComparableSet]] = {}
    for peers in listed:
        work, load = peers.work, peers.work.workload
        if load.data != "fixed":
            continue  # rows cut at another length are other data
        weights = next((e.group.best.weights for e in peers.entries if e.group.ok), "")
        how = load.gradient_accumulation, load.parallel
        same = (work.loop, work.seed, how, peers.trained, weights)
        rows, tokens = load.batch_sequences, load.batch_sequences * load.sequence_tokens
        by_load.setdefault(("rows", rows, *same), []).append(peers)
        by_load.setdefault(("tokens", tokens, *same), []).append(peers)
    series = []
    for (kind, size, *_), members in by_load.items():
        lengths = [peers.work.workload.sequence_tokens for peers in members]
        if len(set(lengths)) == len(lengths) > 1 and _drawn(members):
            order = sorted(members, key=lambda peers: peers.work.workload.sequence_tokens)
            series.append(
                LengthSeries(title=_title(str(kind), size, order[0]), members=tuple(order))
            )
    return series


def _title(kind: str, size: object, peers: ComparableSet) -> str:
    same = f"{size:,} rows" if kind == "rows" else f"{size:,} tokens"
    if size == 1:
        same = same.removesuffix("s")
    fewer = "" if kind == "rows" else ", in fewer rows where they are longer"
    work = peers.work
    return (
        f"{same} a batch at every length{fewer} · {phrases.LOOPS[work.loop]} · seed {work.seed} ·"
        f" {peers.trained}"
    )


def plots(series: LengthSeries, names: DisplayNames) -> list[Plot]:
    """Return throughput and peak memory over length, for each card."""
    profiles = sorted({entry.profile for entry in series.entries})
    return [plot for profile in profiles for plot in _plots(series, profile, names)]


def _plots(series: LengthSeries, profile: str, names: DisplayNames) -> list[Plot]:
    entries = [entry for peers in series.members for entry in peers.on(profile)]
    sizes = [e.memory.median for e in entries if e.memory is not None]
    scale = units.scale("bytes", sizes)
    card = names.cards[profile]
    failed = _failed(entries, names)
    crosses = " A cross marks a length at which a method has no number." if failed else ""
    drawn = []
    for what, y_title, values in (
        ("Throughput", TOKENS, [(e, e.tokens, 1.0) for e in entries]),
        (
            "Peak memory",
            f"{memory_title(entries)[0]}, {scale.unit}",
            [(e, e.memory, scale.size) for e in entries],
        ),
    ):
        caption = Caption(
            title=findings.over_length(values, what),
            measure=f"{what} over length, {card}",
            about=series.title,
            description=f"{basis(entries)}{crosses}",
            source=source(entries),
        )
        drawn.append(curves(caption, LENGTH, y_title, _series(values, names), failed))
    return [plot for plot in drawn if plot is not None]


def table(series: LengthSeries, names: DisplayNames) -> Grid:
    """Return the numbers of the curves, by card and method."""
    entries = series.entries
    scale = units.scale("bytes", [e.memory.median for e in entries if e.memory is not None])
    tokens = units.scale("tokens/second", [e.tokens.median for e in entries if e.tokens])
    title, kinds = memory_title(entries)
    order = list(names.methods)
    rows = []
    for entry in sorted(entries, key=lambda e: (e.profile, order.index(e.method), _length(e))):
        group, href = entry.group, record_page(entry.group.best)
        row = [
            Cell(text=names.methods[entry.method]),
            card(entry.profile, names),
            Cell(text=phrases.work(group.case.workload)),
        ]
        if not group.ok:
            rows.append([*row, outcome(group)])
            continue
        differ = "" if entry.counts else "losses differ"
        which = peak_memory(group.best).title if kinds > 1 else ""
        row.append(cell(number(entry.tokens, tokens.text), href, differ))
        row.append(cell(number(entry.memory, scale.text), href, which))
        row.append(Cell(text=phrases.repeats(group)))
        rows.append(row)
    header = ["Method", "GPU", "Workload", "Token/s", f"{title}, {scale.unit}", "Repeats"]
    return grid(series.title, header, rows, words=3)


def _series(
    values: Sequence[tuple[MethodResult, MedianWithRange | None, float]], names: DisplayNames
) -> list[Series]:
    by_method: dict[str, list[Dot]] = {}
    for entry, value, size in values:
        if value is not None:
            length = _length(entry)
            text = said(entry) if value is entry.tokens else units.bytes_(value.median)
            title = f"{names.methods[entry.method]}, {length:,} tokens: {text}"
            dot = Dot(x=length, y=value.median / size, title=title, solid=entry.counts)
            by_method.setdefault(entry.method, []).append(dot)
    return [
        Series(label=names.methods[method], number=names.numbers[method], dots=dots)
        for method, dots in by_method.items()
    ]


def _failed(entries: Iterable[MethodResult], names: DisplayNames) -> list[Dot]:
    found: dict[int, list[str]] = {}
    for entry in entries:
        if not entry.group.ok:
            text = f"{names.methods[entry.method]}: {phrases.outcome(entry.group.best).lower()}"
            found.setdefault(_length(entry), []).append(text)
    return [
        Dot(x=length, y=0, title=f"{length:,} tokens: {'; '.join(texts)}")
        for length, texts in sorted(found.items())
    ]


def _drawn(members: Sequence[ComparableSet]) -> bool:
    """Return whether a method has numbers at two lengths on one card."""
    places = [(e.method, e.profile) for peers in members for e in peers.entries if e.tokens]
    return len(places) > len(set(places))


def _length(entry: MethodResult) -> int:
    return entry.group.case.workload.sequence_tokens
