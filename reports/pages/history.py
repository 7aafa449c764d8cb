"""Each case over time on one kind of GPU: its runs, what changed, and where the level did.

The cases of one work on one GPU share a chart.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import work_groups
from reports.charts.dates import over_time
from reports.charts.drawing import Caption, Plot, labels
from reports.charts.lines import Dot, Series
from reports.charts.style import numbers
from reports.text import columns, facts, phrases
from reports.text.blocks import Block, TextRow, table
from reports.text.numbers import record_page
from suite import units
from suite.results.memoize import once
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.replicates import Replicates
from suite.results.stats import change_points as changes
from suite.results.validity.comparable import differing, packages

#: Packages whose upgrade a reader asks about.
_STACK = ("torch", "transformers", "peft", "trl", "bitsandbytes", "unsloth", "liger-kernel")

MOST_CHARTS = 8  #: each takes some 50 ms to draw, and more than that nobody looks at
#: Letters of the digest that tells physical GPUs apart.
_NAME = 6
HEADER = (
    "Session",
    "GPU",
    "Begun",
    "Repeats",
    "Step",
    "From",
    "To",
    "Packages that changed",
    "Level",
)


class CaseHistory(msgspec.Struct, frozen=True, kw_only=True):
    """One case over its sessions, oldest first.

    ``known`` are those with step times, in seconds, one a repeat; ``levels`` are changes by their
    place among them, each against earlier sessions of the same physical GPU. ``most`` is how many
    sessions one such GPU has.
    """

    title: str
    place: str
    groups: tuple[Replicates, ...]
    known: tuple[tuple[Replicates, list[float]], ...]
    levels: Mapping[int, changes.ChangePoint]
    most: int


def series(dataset: Dataset) -> Iterator[tuple[str, str, list[Replicates]]]:
    """Yield every case that several runs hold on one kind of GPU, with them, oldest first.

    Its method comes first, then what it shares with others: model, GPU and work.
    """
    for work in work_groups(dataset):
        for method in work.methods:
            for profile in work.profiles:
                cell = work.cells.get((method.name, profile))
                good = [] if cell is None else [g for g in cell.sessions if g.ok]
                # Another's machine is no later state of this one.
                for whose in dict.fromkeys(group.first.origin for group in good):
                    groups = [group for group in good if group.first.origin == whose]
                    if len(groups) > 1:
                        gpu = facts.profile_title(groups[0].records, profile)
                        model = phrases.short(work.model.title)
                        place = f"{model} on {gpu}, {work.title}"
                        title = phrases.short(method.title)
                        groups.sort(key=lambda group: group.first.started_at)
                        yield title, place, groups


def _cards(group: Replicates) -> tuple[str, ...]:
    """Return the physical GPUs that a run's good repeats were on, by the digest of their id."""
    return tuple(sorted({gpu.uuid_hash for record in group.ok for gpu in record.gpus}))


def cases(dataset: Dataset) -> tuple[tuple[str, Block], ...]:
    """Return the table of each case under its title; nothing where no case ran twice."""
    return tuple((f"{each.title}: {each.place}", _case(each)) for each in _tested(dataset))


@once
def plots(dataset: Dataset) -> tuple[Plot, ...]:
    """Return a chart for each work on each GPU: step time over date, a line for each method."""
    together: dict[str, list[CaseHistory]] = {}
    for each in _tested(dataset):
        together.setdefault(each.place, []).append(each)
    drawn = (_plot(place, found) for place, found in list(together.items())[:MOST_CHARTS])
    return tuple(plot for plot in drawn if plot is not None)


def answer(dataset: Dataset) -> tuple[str, ...]:
    """Return what a reader may conclude of upgrades: which packages ever changed, and the effect.

    Of the packages of one kind of GPU only: another GPU's can differ without any upgrade.
    """
    cases = _tested(dataset)
    names: set[str] = set()
    changed = 0
    for each in cases:
        groups = each.groups
        before = [differing(packages(a.best), packages(b.best)) for a, b in pairwise(groups)]
        found = {one.setting for difference in before for one in difference}
        names |= found & set(_STACK)
        changed += bool(found & set(_STACK))
    moved = sum(bool(each.levels) for each in cases)
    tested = sum(each.most >= changes.LEAST_RUNS for each in cases)
    of = units.counted(len(cases), "case")
    if not names:
        said = f"No upgrade can be judged here: {_versions(dataset)} throughout."
    else:
        said = f"{', '.join(sorted(names))} changed between sessions, in {changed} of {of}."
    if not tested:
        least = f"{changes.LEAST_RUNS} sessions on one GPU"
        levels = f"To tell whether a step time changed level takes {least}."
    else:
        levels = f"The step time changed its level in {moved} of {units.counted(tested, 'case')}."
    return said, levels


def _versions(dataset: Dataset) -> str:
    """Return the packages of training with the versions that all these results share."""
    found = [packages(each) for each in dataset.collection.records if each.outcome == "ok"]
    said = []
    for name in _STACK:
        versions = {each[name] for each in found if name in each}
        said += [f"{name} {versions.pop()[:20]}"] if len(versions) == 1 else []
    return ", ".join(said) or "the packages were the same"


@once
def _tested(dataset: Dataset) -> tuple[CaseHistory, ...]:
    """Return every series with its changes of level, whose test shuffles and so is made once."""
    found = []
    for title, place, groups in series(dataset):
        known = tuple((group, values) for group in groups if (values := _seconds(group)))
        # Another physical GPU of the same kind is no later state of this one.
        together: dict[tuple[str, ...], list[int]] = {}
        for number, (group, _) in enumerate(known):
            together.setdefault(_cards(group), []).append(number)
        levels = {
            of[each.at]: each
            for of in together.values()
            for each in changes.change_points([known[number][1] for number in of])
        }
        found.append(
            CaseHistory(
                title=title,
                place=place,
                groups=tuple(groups),
                known=known,
                levels=levels,
                most=max(map(len, together.values()), default=0),
            )
        )
    return tuple(found)


def _plot(place: str, found: Sequence[CaseHistory]) -> Plot | None:
    medians = [statistics.median(values) for each in found for _, values in each.known]
    scale = units.scale("seconds", medians)
    names = labels((str(number), each.title) for number, each in enumerate(found))
    series = numbers(each.groups[0].case.method for each in found)
    lines = [
        Series(
            label=names[str(number)],
            number=series[each.groups[0].case.method.name],
            dots=tuple(
                Dot(
                    x=begun,
                    y=value / scale.size,
                    title=f"{each.title}, {group.first.started_at[:16].replace('T', ' ')}:"
                    f" {units.seconds(value)}",
                )
                for group, values in each.known
                if (begun := _begun(group)) is not None
                for value in values
            ),
        )
        for number, each in enumerate(found)
    ]
    versions: dict[float, str] = {}
    for each in found:
        for before, after in pairwise(each.groups):
            changed = [one for one in _changed(before.best, after.best) if one[0] in _STACK]
            begun = _begun(after)
            if changed and begun is not None:
                versions[begun] = ", ".join(f"{name} {new}" for name, _, new in changed[:2])
    marked = "A dashed line: packages changed." if versions else "No training package changed."
    caption = Caption(
        title=_finding(found),
        measure=f"Step time in {scale.unit}. {place}",
        about=place,
        description=f"A dot is one repeat; a line joins the medians of sessions. {marked}",
        source=f"{len({g.first.run_id for each in found for g in each.groups})} sessions",
    )
    return over_time(caption, f"Step time, {scale.unit}", lines, versions)


def _finding(found: Sequence[CaseHistory]) -> str:
    """Return what can be said of the cases of a chart: a change, none, or that nothing can."""
    moved = [(each, at, change) for each in found for at, change in each.levels.items()]
    if moved:
        each, at, change = max(moved, key=lambda one: abs(one[2].ratio - 1))
        since = _day(each.known[at][0])
        more = f", and {len(moved) - 1} more" if len(moved) > 1 else ""
        way = "slower" if change.ratio > 1 else "faster"
        return f"{each.title} {units.percent(abs(change.ratio - 1))} {way} since {since}{more}"
    tested = sum(each.most >= changes.LEAST_RUNS for each in found)
    if not tested:
        most = max(each.most for each in found)
        return f"Too few sessions of one GPU to tell: {most} of {changes.LEAST_RUNS} at most"
    if tested == len(found):
        return f"No change in {units.counted(tested, 'case')}"
    return f"No change in {tested} of {len(found)} cases; the rest have too few sessions"


def _begun(group: Replicates) -> float | None:
    """Return when a session began a case, in milliseconds since 1970; None for no date."""
    try:
        begun = datetime.fromisoformat(group.first.started_at)
        return 1000 * begun.replace(tzinfo=begun.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _day(group: Replicates) -> str:
    return group.first.started_at[:10]


def _case(found: CaseHistory) -> Block:
    levels = found.levels
    rows, before = [], None
    for number, (group, values) in enumerate(found.known):
        change = levels.get(number)
        rows.append(
            TextRow(
                cells=(
                    group.first.run_id,
                    " ".join(name[:_NAME] for name in _cards(group)),
                    group.first.started_at[:16].replace("T", " "),
                    str(len(group.ok)),
                    columns.seconds(statistics.median(values)),
                    columns.seconds(min(values)),
                    columns.seconds(max(values)),
                    "" if before is None else _packages(before, group.best),
                    "" if change is None else _level(change),
                ),
                page=record_page(group.best),
            )
        )
        before = group.best
    return table(HEADER, rows, words=2)


def _seconds(group: Replicates) -> list[float]:
    values = [all_metrics()["step_seconds"].compute(record) for record in group.ok]
    return [value for value in values if value is not None and value > 0]


def _level(change: changes.ChangePoint) -> str:
    return f"{units.signed_percent(change.ratio - 1)} step time, p = {change.p:.3f}"


def _packages(before: Record, after: Record) -> str:
    changed = [f"{name} {old} → {new}" for name, old, new in _changed(before, after)]
    return ", ".join(changed) or "none"


def _changed(before: Record, after: Record) -> list[tuple[str, str, str]]:
    """Return the packages that differ, each with its version before and after, by name."""
    found = differing(packages(before), packages(after))
    return sorted((each.setting, str(each.ours), str(each.theirs)) for each in found)
