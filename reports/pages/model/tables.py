"""The tables beside a model's charts: the same numbers, each with its record."""

from collections.abc import Sequence
from functools import partial

from reports.analysis.baselines import BASELINES
from reports.analysis.comparable_sets import (
    ComparableSet,
    DisplayNames,
    MethodResult,
    pareto_front,
    short,
)
from reports.analysis.comparison import notes
from reports.analysis.dataset import Dataset
from reports.pages.model.charts import launches
from reports.published.headline_claim import NAMES
from reports.text import phrases
from reports.text.addresses import gpu_page
from reports.text.grid import Cell, Grid, Link, grid
from reports.text.grid import number as cell
from reports.text.numbers import exact, number, paired_range, paired_text, peak_memory, record_page
from suite import units
from suite.catalog.model import Model
from suite.results.metrics import Metric, all_metrics, columns
from suite.results.record import whose
from suite.results.replicates import MedianWithRange, Replicates, summarize


def methods(peers: ComparableSet, names: DisplayNames) -> Grid:
    """Return every method on every card, card by card."""
    entries = [entry for profile in peers.profiles for entry in peers.on(profile)]
    steps = {e: summarize(e.group, all_metrics()["step_seconds"]) for e in entries}
    scale = {
        "tokens": _scale("tokens/second", [e.tokens for e in entries]),
        "step": _scale("seconds", list(steps.values())),
        "memory": _scale("bytes", [e.memory for e in entries]),
    }
    best = {e for profile in peers.profiles for e in pareto_front(peers.on(profile))}
    title, kinds = memory_title(entries)
    rows = []
    for entry in entries:
        href = record_page(entry.group.best)
        row = [Cell(text=names.methods[entry.method]), card(entry.profile, names)]
        if not entry.group.ok:
            rows.append([*row, outcome(entry.group)])
            continue
        which = peak_memory(entry.group.best).title if kinds > 1 else ""
        row += [
            cell(number(entry.tokens, scale["tokens"].text), href),
            cell(number(steps[entry], scale["step"].text), href),
            cell(number(entry.memory, scale["memory"].text), href, which),
            *(_further(entry.group, metric, href) for metric in columns("methods")),
            Cell(text="on it") if entry in best else Cell(),
            *(_baseline_ratio(entry, kind) for kind in BASELINES),
            _losses(entry),
            _launches(entry),
        ]
        rows.append(row)
    header = [
        *("Method", "GPU", "Token/s", f"Step, {scale['step'].unit}"),
        f"{title}, {scale['memory'].unit}",
        *(metric.title for metric in columns("methods")),
        "Pareto front",
        *(f"Speed vs {NAMES[kind]}" for kind in BASELINES),
        *("Losses", "Repeats"),
    ]
    return grid(peers.title, header, rows, words=2)


def failed(dataset: Dataset, model: Model, names: DisplayNames) -> Grid | None:
    """Return the cases of a model without a good launch, and planned ones without a record."""
    rows = [
        [
            Cell(text=names.methods[group.case.method.name]),
            Cell(text=phrases.work(group.case.workload)),
            card(group.first.profile, names),
            Cell(text=phrases.outcome(group.best), href=record_page(group.best)),
            Cell(text=phrases.short(group.best.reason)),
            Cell(text=short(group.first.run_id)),
        ]
        for group in dataset.groups
        if group.case.model == model and not group.ok
    ]
    rows += [
        [
            Cell(text=short(row.method)),
            Cell(text=phrases.work(row.case.workload)),
            Cell(text=section.title),
            Cell(text=row.outcome),
            Cell(text=row.reason),
            Cell(text=short(section.run_id)),
        ]
        for section in dataset.overview.sections
        for comparison in section.comparisons
        for row in comparison.rows
        if row.case.model == model and not row.href
    ]
    if not rows:
        return None
    header = ("Method", "Workload", "GPU", "Outcome", "Why", "Session")
    return grid("Cases without numbers", header, rows, words=6)


def card(profile: str, names: DisplayNames) -> Cell:
    """Return a card, with its page."""
    return Cell(text=names.cards[profile], href=gpu_page(profile))


def outcome(group: Replicates) -> Cell:
    """Return what became of a case without numbers."""
    return Cell(
        text=phrases.outcome(group.best),
        href=record_page(group.best),
        small=phrases.short(group.best.reason),
    )


def memory_title(entries: Sequence[MethodResult]) -> tuple[str, int]:
    """Return what a column of peak memory is called, and how many kinds of it there are."""
    found = dict.fromkeys(peak_memory(entry.group.best).title for entry in entries)
    return (next(iter(found)), 1) if len(found) == 1 else ("Peak memory", len(found))


def metric_cell(group: Replicates, metric: Metric, scale: units.Scale) -> Cell:
    """Return a metric of a case in a column's unit."""
    return cell(number(summarize(group, metric), scale.text), record_page(group.best))


def _scale(unit: str, values: Sequence[MedianWithRange | None]) -> units.Scale:
    return units.scale(unit, [value.median for value in values if value is not None])


def _further(group: Replicates, metric: Metric, href: str) -> Cell:
    """Return a metric that is a column by its own word; nothing where it is unknown."""
    value = summarize(group, metric)
    return cell(number(value, partial(phrases.number, metric)), href) if value else Cell()


def _baseline_ratio(entry: MethodResult, kind: str) -> Cell:
    baseline = entry.baselines.get(kind)
    if baseline is None:
        return Cell()
    if baseline.throughput is None:
        return Cell(text="unknown")
    small = baseline.title if kind == "liger" else ""
    ratio = baseline.throughput
    range_ = paired_range(ratio)
    return Cell(
        text=paired_text(ratio),
        exact=exact(ratio.value),
        small=", ".join(filter(None, (range_, small))),
    )


def _losses(entry: MethodResult) -> Cell:
    found = entry.verdict
    if found is None:
        return Cell()
    return Cell(text=found.text, small=found.detail, bad=found.kind == "bad")


def _launches(entry: MethodResult) -> Cell:
    return Cell(
        text=launches(entry),
        small="; ".join(filter(None, (whose(entry.group.first), *notes(entry.group, 0)))),
        links=tuple(map(_elsewhere, entry.others)),
    )


def _elsewhere(group: Replicates) -> Link:
    """Return what the same case gave on the same card in another run."""
    value = summarize(group, all_metrics()["tokens_per_second"])
    counted = phrases.launches(len(group.ok), len(group.records))
    said = phrases.outcome(group.best) if not group.ok else "unknown"
    if value is not None:
        found = number(value, lambda rate: units.rate(rate, "token/s"))
        said = said if found is None else found.written
    session = f"session {short(group.first.run_id)} {whose(group.first)}".rstrip()
    text = f"also {said}, {counted}, {session}"
    return Link(text=text, href=record_page(group.best))
