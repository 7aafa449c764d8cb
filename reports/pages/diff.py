"""Two records of the same case side by side: what was asked, what ran it, what came out."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import profile_titles, work_groups
from reports.pages.front.words import gpu_names
from reports.pages.record import tables
from reports.pages.record.titles import day, hour
from reports.text import facts, phrases
from reports.text.blocks import Block, Prose, TextRow, table
from reports.text.distinct import distinct
from reports.text.numbers import number, record_page
from suite import units
from suite.results.memoize import once
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record
from suite.results.replicates import MedianWithRange, Replicates, summarize
from suite.results.validity import parity
from suite.results.validity.comparable import (
    Difference,
    differences,
    differing,
    other_work,
    packages,
)


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """One page; ``sides`` are the two records' names and their pages."""

    title: str
    summary: str
    sides: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str, tuple[Block, ...]], ...]


def pairs(dataset: Dataset) -> Iterator[tuple[Replicates, Replicates]]:
    """Yield what gets a page: a case beside its own other runs, and on one card beside the next.

    The number of pairs grows with the records: each joins at most two.
    """
    for work in work_groups(dataset):
        for method in work.methods:
            cells = [
                work.cells[method.name, p] for p in work.profiles if (method.name, p) in work.cells
            ]
            for cell in cells:
                yield from pairwise(sorted(cell.sessions, key=_begun))
            yield from pairwise(cell.shown for cell in cells)


def page_name(base: Record, other: Record) -> str:
    """Return the page's address from the site's root; raises as ``record_page`` does."""
    names = [
        record_page(each).removeprefix("records/").removesuffix(".html") for each in (base, other)
    ]
    return f"diffs/{'--'.join(names)}.html"


def pages(dataset: Dataset) -> Iterator[tuple[str, Diff]]:
    """Yield every page: its file name and what it shows."""
    titles, called = profile_titles(dataset), _titles(dataset)
    for base, other in pairs(dataset):
        name = page_name(base.best, other.best)
        diff = _diff(base, other, titles, called[name])
        yield name.removeprefix("diffs/"), diff


def _titles(dataset: Dataset) -> Mapping[str, str]:
    """Return what each page is called: method, model, and which two are set side by side."""
    gpus = gpu_names(dataset)

    def side(record: Record, sharp: bool) -> str:
        begun = ", ".join(filter(None, (day(record), hour(record) if sharp else "")))
        return f"{gpus.get(record.profile, record.profile)}, {begun}"

    found = {page_name(one.best, two.best): (one.best, two.best) for one, two in pairs(dataset)}
    details = {
        name: (
            phrases.work(one.case.workload).removesuffix(", fixed-length sequences"),
            "with hours",
            f"records {one.record_id} and {two.record_id}",
        )
        for name, (one, two) in found.items()
    }

    def title(name: str, texts: Sequence[str]) -> str:
        one, two = found[name]
        work, hours, rest = texts
        sharp = bool(hours) or day(one) == day(two)
        what = f"{one.case.method.title} on {one.case.model.title}"
        said = ", ".join(filter(None, (what, work, rest)))
        return phrases.short(f"{said}: {side(one, sharp)} vs {side(two, sharp)}")

    return distinct(details, title)


@once
def links(dataset: Dataset) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return for each record that stands in a pair the other's name and the pair's page."""
    titles = profile_titles(dataset)
    found: dict[str, list[tuple[str, str]]] = {}
    for base, other in pairs(dataset):
        address = page_name(base.best, other.best)
        for one, two in ((base, other), (other, base)):
            found.setdefault(one.best.record_id, []).append((_name(two, titles), address))
    return found


def _diff(base: Replicates, other: Replicates, titles: Mapping[str, str], title: str) -> Diff:
    one, two = base.best, other.best
    sides = ((_name(base, titles), record_page(one)), (_name(other, titles), record_page(two)))
    reason = other_work(two, one)
    return Diff(
        title=title,
        summary=f"{phrases.work(one.case.workload)} · {phrases.LOOPS[one.case.loop]}",
        sides=sides,
        parts=(
            ("numbers", "Numbers", _numbers(base, other, reason)),
            ("losses", "Losses", (Prose(text=_losses(one, two, reason)),)),
            ("settings", "Effective settings", _settings(one, two)),
            (
                "request",
                "What was asked for",
                _texts(tables.flat(one.case), tables.flat(two.case)),
            ),
            ("environment", "Environment", _texts(*map(_environment, (one, two)))),
            ("packages", "Packages", _texts(*map(_packages, (one, two)))),
        ),
    )


def _begun(group: Replicates) -> str:
    return group.first.started_at


def _name(group: Replicates, titles: Mapping[str, str]) -> str:
    title = titles.get(group.first.profile, group.first.profile)
    return f"{title}, {day(group.first)}, session {group.first.run_id}"


def _numbers(base: Replicates, other: Replicates, reason: str) -> tuple[Block, ...]:
    if reason:
        return (Prose(text=f"No ratios: {reason}."),)
    rows = []
    for metric in phrases.in_order(all_metrics().values()):
        left, right = summarize(base, metric), summarize(other, metric)
        if left is not None or right is not None:
            rows.append(
                TextRow(
                    cells=(
                        metric.title,
                        *(_value(metric, v) for v in (left, right)),
                        _change(left, right),
                    )
                )
            )
    if not rows:
        return (Prose(text="Neither has numbers: the pages of the results say why."),)
    counts = [phrases.launches(len(group.ok), len(group.records)) for group in (base, other)]
    text = f"Left: {counts[0]}, right: {counts[1]}; medians, with their range over repeats"
    text += " or the ± of a single one."
    header = ("Metric", "Left", "Right", "Right vs left")
    return Prose(text=text), table(header, rows)


def _value(metric: Metric, value: MedianWithRange | None) -> str:
    found = number(value, partial(phrases.number, metric))
    return "unknown" if found is None else found.written


def _change(left: MedianWithRange | None, right: MedianWithRange | None) -> str:
    if left is None or right is None or left.median <= 0:
        return ""
    if left.median == right.median:
        return "equal"
    return units.signed_percent(right.median / left.median - 1)


def _losses(one: Record, two: Record, reason: str) -> str:
    if reason:
        return f"Not compared: {reason}."
    agreement = parity.compare_losses(two, one)
    if agreement.first is None or agreement.trajectory is None:
        return f"Not compared: {agreement.reason}."
    text = (
        f"{agreement.verdict.capitalize()}: the first loss differs by"
        f" {units.percent(agreement.first)}, no loss of {agreement.steps} steps by more than"
        f" {units.percent(agreement.trajectory)}"
    )
    if agreement.gradient is not None:
        text += f"; no gradient norm differs by more than {units.percent(agreement.gradient)}"
    return f"{text}."


def _settings(one: Record, two: Record) -> tuple[Block, ...]:
    found = differences(one, two)
    if found is None:
        return (Prose(text="Not known of both: one of them did not get that far."),)
    return _table(found)


def _texts(one: facts.Facts, two: facts.Facts) -> tuple[Block, ...]:
    return _table(differing(dict(one), dict(two)))


def _table(found: Sequence[Difference]) -> tuple[Block, ...]:
    if not found:
        return (Prose(text="No difference."),)
    rows = [TextRow(cells=(each.setting, each.ours, each.theirs)) for each in found]
    return (table(("Name", "Left", "Right"), rows, words=3),)


def _environment(record: Record) -> facts.Facts:
    return facts.of_environment(record.environment)


def _packages(record: Record) -> facts.Facts:
    return tuple(sorted(packages(record).items()))
