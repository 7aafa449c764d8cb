"""Rows of real lengths: padded, packed and concatenated."""

from collections.abc import Iterable

import msgspec

from reports.analysis.comparable_sets import ComparableSet, DisplayNames, MethodResult
from reports.analysis.trends import PACKINGS
from reports.charts.bars import Bar, bars
from reports.charts.drawing import Caption, Plot
from reports.pages.model import findings
from reports.pages.model.charts import TOKENS, basis, said, source
from reports.pages.model.tables import card, memory_title, metric_cell, outcome
from reports.text import phrases
from reports.text.grid import Cell, Grid, grid
from reports.text.grid import number as cell
from reports.text.numbers import number, peak_memory, record_page
from suite import units
from suite.results.metrics import all_metrics
from suite.results.replicates import summarize


class PackingComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Sets of works on the same data that differ in how rows are laid into a batch."""

    title: str
    members: tuple[ComparableSet, ...]

    @property
    def entries(self) -> tuple[MethodResult, ...]:
        """Return the entries of all ways."""
        return tuple(entry for peers in self.members for entry in peers.entries)


def packing_comparisons(listed: Iterable[ComparableSet]) -> list[PackingComparison]:
    """Return the data that was laid into batches in two ways or more."""
    by_data: dict[object, list[ComparableSet]] = {}
    for peers in listed:
        work, load = peers.work, peers.work.workload
        if load.data == "fixed":
            continue
        weights = next((e.group.best.weights for e in peers.entries if e.group.ok), "")
        key = (work.loop, work.seed, load.data, load.sequence_tokens)
        how = load.gradient_accumulation, load.parallel
        by_data.setdefault((*key, *how, peers.trained, weights), []).append(peers)
    order = list(PACKINGS)
    comparisons = []
    for members in by_data.values():
        first = members[0]
        if len({peers.work.workload.packing for peers in members}) > 1:
            load = first.work.workload
            title = (
                f"Sequences of up to {load.sequence_tokens:,} tokens ·"
                f" {phrases.LOOPS[first.work.loop]} · seed {first.work.seed} · {first.trained}"
            )
            by_way = sorted(members, key=lambda p: order.index(p.work.workload.packing))
            comparisons.append(PackingComparison(title=title, members=tuple(by_way)))
    return comparisons


def plots(comparison: PackingComparison, names: DisplayNames) -> list[Plot]:
    """Return, for each card, real throughput of every method in every way."""
    profiles = sorted({entry.profile for entry in comparison.entries})
    drawn = [_plot(comparison, profile, names) for profile in profiles]
    return [plot for plot in drawn if plot is not None]


def _plot(comparison: PackingComparison, profile: str, names: DisplayNames) -> Plot | None:
    entries = [entry for peers in comparison.members for entry in peers.on(profile)]
    listed = []
    for method in names.methods:
        for entry in entries:
            if entry.method != method:
                continue
            label, text = _way(entry), said(entry)
            listed.append(
                Bar(
                    label=label,
                    group=names.methods[method],
                    number=names.numbers[method],
                    value=None if entry.tokens is None else entry.tokens.median,
                    low=None if entry.tokens is None else entry.tokens.low,
                    high=None if entry.tokens is None else entry.tokens.high,
                    text=text.split("; ")[0].removesuffix(" token/s"),
                    title=f"{names.methods[method]}, {label}: {text}",
                )
            )
    caption = Caption(
        title=findings.packing(entries),
        measure=f"Tokens per second (padding excluded), {names.cards[profile]}",
        about=comparison.title,
        description="Padding is computed and not counted. The batches differ in their number of"
        f" rows. {basis(entries)}",
        source=source(entries),
    )
    return bars(caption, TOKENS, listed)


def table(comparison: PackingComparison, names: DisplayNames) -> Grid:
    """Return the numbers of the bars, and how much of each batch was padding."""
    entries = comparison.entries
    metrics = all_metrics()
    tokens = units.scale("tokens/second", [e.tokens.median for e in entries if e.tokens])
    memory = units.scale("bytes", [e.memory.median for e in entries if e.memory])
    order = list(names.methods)
    title, kinds = memory_title(entries)
    rows = []
    for entry in sorted(entries, key=lambda e: (e.profile, order.index(e.method))):
        group, href = entry.group, record_page(entry.group.best)
        row = [
            Cell(text=names.methods[entry.method]),
            card(entry.profile, names),
            Cell(text=_way(entry)),
            Cell(text=phrases.work(group.case.workload)),
        ]
        if not group.ok:
            rows.append([*row, outcome(group)])
            continue
        which = peak_memory(group.best).title if kinds > 1 else ""
        share = number(summarize(group, metrics["padding_share"]), _share)
        row.append(cell(number(entry.tokens, tokens.text), href, _differ(entry)))
        row.append(metric_cell(group, metrics["padded_tokens_per_second"], tokens))
        row.append(cell(share, href))
        row.append(cell(number(entry.memory, memory.text), href, which))
        row.append(Cell(text=phrases.repeats(group)))
        rows.append(row)
    header = ["Method", "GPU", "Rows", "Workload", "Token/s", "Token/s with padding"]
    header += ["Share of padding", f"{title}, {memory.unit}", "Repeats"]
    return grid(comparison.title, header, rows, words=4)


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"


def _way(entry: MethodResult) -> str:
    load = entry.group.case.workload
    return f"{PACKINGS[load.packing]}, {units.counted(load.batch_sequences, 'row')}"


def _differ(entry: MethodResult) -> str:
    return "" if entry.counts else "losses differ"
