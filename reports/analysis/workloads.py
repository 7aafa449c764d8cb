"""The same work on every card: what one run holds beside what others hold, kept apart by work.

A case is what it is whatever run it was measured in. Rows of one ``WorkGroup`` ran the same model,
workload, loop and seed; what they had differently all the same (adapters, settings, software) is
for ``suite.results.validity.comparable`` to say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from reports.analysis.dataset import Dataset
from reports.text import phrases
from suite.catalog.engines import PLAIN
from suite.catalog.loops import Loop
from suite.catalog.method import Method
from suite.catalog.model import Model
from suite.catalog.tier import Workload
from suite.results.replicates import Replicates


class CardResult(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one profile.

    ``shown`` is from the work's main run there (``WorkGroup.runs``) where that has a good launch,
    else the newest run that has one, else the newest; ``others`` are the remaining runs, newest
    first.
    """

    shown: Replicates
    others: tuple[Replicates, ...]


class WorkGroup(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What must be equal for rows to stand side by side, and what ran it.

    ``cells`` are by method name and profile.
    ``runs`` is the main run of each profile: the one with most methods that gave numbers, the
    newest of equals. Methods are best compared within one run, one sitting of one machine.
    """

    model: Model
    workload: Workload
    loop: Loop
    seed: int
    cells: Mapping[tuple[str, str], CardResult]
    runs: Mapping[str, str]

    @cached_property
    def title(self) -> str:
        """Return the work in words, without the model."""
        return f"{phrases.work(self.workload)} · {phrases.LOOPS[self.loop]} · seed {self.seed}"

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Return the methods that ran anywhere, by what they train and then as a ladder."""
        found: dict[str, Method] = {}
        for (name, _), cell in self.cells.items():
            found.setdefault(name, cell.shown.case.method)
        return tuple(sorted(found.values(), key=_rank))

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """Return the names of the profiles that it ran on."""
        return tuple(sorted({profile for _, profile in self.cells}))

    def on(self, profile: str) -> Iterator[CardResult]:
        """Yield what ran on one profile, in the methods' order."""
        for method in self.methods:
            if cell := self.cells.get((method.name, profile)):
                yield cell


def work_groups(dataset: Dataset) -> list[WorkGroup]:
    """Return all work that has a record, smaller models and shorter sequences first."""
    return dataset.cached("works", _work_groups)


def _work_groups(dataset: Dataset) -> list[WorkGroup]:
    found: dict[tuple[Model, Workload, Loop, int], list[Replicates]] = {}
    timed = [group for group in dataset.groups if not dataset.is_try(group)]
    models = {group.case.model for group in timed}
    profiles = {group.first.profile for group in timed}
    for group in dataset.groups:  # newest run first
        # A search's tries are no work to compare, unless a model or a card has nothing else.
        other = group.case.model in models and group.first.profile in profiles
        if other and dataset.is_try(group):
            continue
        case = group.case
        found.setdefault((case.model, case.workload, case.loop, case.seed), []).append(group)
    made = [_work_group(*key, groups) for key, groups in found.items()]
    return sorted(
        made, key=lambda w: (w.model.parameters, w.model.name, w.workload.sequence_tokens)
    )


def _work_group(
    model: Model, workload: Workload, loop: Loop, seed: int, groups: Sequence[Replicates]
) -> WorkGroup:
    good: dict[tuple[str, str], int] = {}
    cells: dict[tuple[str, str], list[Replicates]] = {}
    for group in groups:
        cells.setdefault((group.case.method.name, group.first.profile), []).append(group)
        place = group.first.profile, group.first.run_id
        good[place] = good.get(place, 0) + bool(group.ok)
    runs: dict[str, str] = {}
    for profile, run_id in sorted(
        good, key=good.__getitem__, reverse=True
    ):  # stable: newest first
        runs.setdefault(profile, run_id)
    return WorkGroup(
        model=model,
        workload=workload,
        loop=loop,
        seed=seed,
        cells={place: _card_result(found, runs[place[1]]) for place, found in cells.items()},
        runs=runs,
    )


def profile_titles(dataset: Dataset) -> dict[str, str]:
    """Return every profile that has a record and its title, by name; no two titles are alike."""
    found: dict[str, str] = {}
    for section in dataset.overview.sections:
        if any(group.records for group in dataset.of(section)):
            found.setdefault(section.profile, section.title)
    often = Counter(found.values())
    return {
        name: title if often[title] == 1 else f"{title} ({phrases.short(name)})"
        for name, title in sorted(found.items())
    }


def _rank(method: Method) -> tuple[object, ...]:
    """Order methods: adapters before full, 16 bit before 4, then from naive to Unsloth."""
    return (
        method.adapter is None,
        method.adapter is not None and method.adapter.targets,
        method.quantization is not None,
        method.engine != PLAIN,
        method.liger,
        method.autocast,
        method.name,
    )


def _card_result(groups: Sequence[Replicates], run_id: str) -> CardResult:
    good = [group for group in groups if group.ok]
    main = [group for group in good if group.first.run_id == run_id]
    shown = next(iter([*main, *good, *groups]))
    return CardResult(shown=shown, others=tuple(group for group in groups if group is not shown))
