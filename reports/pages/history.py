"""Each case over time on one card: its runs, what changed between them, where the level did."""

import statistics
from collections.abc import Iterator, Sequence

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import profile_titles, work_groups
from reports.text import phrases
from reports.text.blocks import Block, Heading, Prose, TextRow, table
from reports.text.numbers import record_page
from suite import units
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.replicates import Replicates
from suite.results.stats import change_points as changes
from suite.results.validity.comparable import differing, packages

HEADER = ("Session", "Begun", "Repeats", "Step", "From", "To", "Packages that changed", "Level")


def series(dataset: Dataset) -> Iterator[tuple[str, list[Replicates]]]:
    """Yield every case that several runs hold on one card: its title, and them, oldest first."""
    titles = profile_titles(dataset)
    for work in work_groups(dataset):
        for method in work.methods:
            for profile in work.profiles:
                cell = work.cells.get((method.name, profile))
                groups = [] if cell is None else [g for g in cell.sessions if g.ok]
                if len(groups) > 1:
                    case = phrases.case_title(groups[0].case)
                    title = f"{case} on {titles[profile]}, {phrases.work(work.workload)}"
                    yield title, sorted(groups, key=lambda group: group.first.started_at)


def blocks(dataset: Dataset) -> tuple[Block, ...]:
    """Return what the History page shows; nothing where no case ran twice."""
    found: list[Block] = []
    for title, groups in series(dataset):
        found += [Heading(text=title), *_case(groups)]
    return tuple(found)


def _case(groups: Sequence[Replicates]) -> list[Block]:
    seconds = [_seconds(group) for group in groups]
    known = [(group, values) for group, values in zip(groups, seconds, strict=True) if values]
    kept = [values for _, values in known]
    levels = {each.at: each for each in changes.change_points(kept)}
    rows, before = [], None
    for number, (group, values) in enumerate(known):
        change = levels.get(number)
        rows.append(
            TextRow(
                cells=(
                    group.first.run_id,
                    group.first.started_at[:16].replace("T", " "),
                    str(len(group.ok)),
                    units.seconds(statistics.median(values)),
                    units.seconds(min(values)),
                    units.seconds(max(values)),
                    "" if before is None else _packages(before, group.best),
                    "" if change is None else _level(change),
                ),
                page=record_page(group.best),
            )
        )
        before = group.best
    total = sum(map(len, kept))
    if total < changes.LEAST_LAUNCHES:
        text = f"{phrases.launches(total, total)} in all: too few for a test."
    elif levels:
        text = "The level changed where the table says so."
    else:
        text = "No change of level."
    return [table(HEADER, rows, words=2), Prose(text=text)]


def _seconds(group: Replicates) -> list[float]:
    values = [all_metrics()["step_seconds"].compute(record) for record in group.ok]
    return [value for value in values if value is not None and value > 0]


def _level(change: changes.ChangePoint) -> str:
    return f"{units.signed_percent(change.ratio - 1)} step time, p = {change.p:.3f}"


def _packages(before: Record, after: Record) -> str:
    found = sorted(differing(packages(before), packages(after)), key=lambda each: each.setting)
    changed = [f"{each.setting} {each.ours} → {each.theirs}" for each in found]
    return ", ".join(changed) or "none"
