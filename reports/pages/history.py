"""Each case over time on one kind of GPU: its runs, what changed, and where the level did."""

import statistics
from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import work_groups
from reports.text import facts, phrases
from reports.text.blocks import Block, Heading, Prose, TextRow, table
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
    groups: tuple[Replicates, ...]
    known: tuple[tuple[Replicates, list[float]], ...]
    levels: Mapping[int, changes.ChangePoint]
    most: int


def series(dataset: Dataset) -> Iterator[tuple[str, list[Replicates]]]:
    """Yield every case that several runs hold on one kind of GPU: its title, and them in order."""
    for work in work_groups(dataset):
        for method in work.methods:
            for profile in work.profiles:
                cell = work.cells.get((method.name, profile))
                good = [] if cell is None else [g for g in cell.sessions if g.ok]
                # Another's machine is no later state of this one.
                for whose in dict.fromkeys(group.first.origin for group in good):
                    groups = [group for group in good if group.first.origin == whose]
                    if len(groups) > 1:
                        case = phrases.case_title(groups[0].case)
                        place = facts.profile_title(groups[0].records, profile)
                        title = f"{case} on {place}, {phrases.work(work.workload)}"
                        yield title, sorted(groups, key=lambda group: group.first.started_at)


def _cards(group: Replicates) -> tuple[str, ...]:
    """Return the physical GPUs that a run's good repeats were on, by the digest of their id."""
    found = {r.environment.gpu.uuid_hash for r in group.ok if r.environment.gpu is not None}
    found |= {gpu.uuid_hash for r in group.ok if r.group is not None for gpu in r.group.gpus}
    return tuple(sorted(found))


def blocks(dataset: Dataset) -> tuple[Block, ...]:
    """Return what the History page shows; nothing where no case ran twice."""
    found: list[Block] = []
    for each in _tested(dataset):
        found += [Heading(text=each.title), *_case(each)]
    return tuple(found)


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
        levels = f"Whether a step time changed its level takes {least}."
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
    for title, groups in series(dataset):
        known = tuple((group, values) for group in groups if (values := _seconds(group)))
        # Another physical GPU of the same kind is no later state of this one.
        places: dict[tuple[str, ...], list[int]] = {}
        for place, (group, _) in enumerate(known):
            places.setdefault(_cards(group), []).append(place)
        levels = {
            of[each.at]: each
            for of in places.values()
            for each in changes.change_points([known[place][1] for place in of])
        }
        most = max(map(len, places.values()), default=0)
        found.append(
            CaseHistory(title=title, groups=tuple(groups), known=known, levels=levels, most=most)
        )
    return tuple(found)


def _case(found: CaseHistory) -> list[Block]:
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
    if found.most < changes.LEAST_RUNS:
        of = units.counted(found.most, "session")
        text = f"{of} on one GPU at most: too few for a test, which takes {changes.LEAST_RUNS}."
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
