"""The same work on every card, kept apart by work; the repeats of a case are pooled.

A case is what it is whatever session it was measured in. Rows of one ``WorkGroup`` ran the same
model, workload, loop and seed; what they had differently all the same (adapters, settings,
software) is for ``suite.results.validity.comparable`` to say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from reports.analysis.dataset import Dataset
from reports.text import facts, phrases
from suite.catalog.engines import PLAIN
from suite.catalog.loops import Loop
from suite.catalog.method import Method
from suite.catalog.model import Model
from suite.catalog.tier import Workload
from suite.results.memoize import once
from suite.results.pooled import PooledCase, rank
from suite.results.record import Record
from suite.results.replicates import Replicates

_Work = tuple[Model, Workload, Loop, int]


class CardResult(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one profile.

    ``shown`` are the repeats that its number is of, ``others`` what is not pooled with them, and
    ``sessions`` all of them by session, each newest first.
    """

    shown: Replicates
    others: tuple[Replicates, ...]
    sessions: tuple[Replicates, ...]


class WorkGroup(msgspec.Struct, frozen=True, kw_only=True, dict=True, eq=False):
    """What must be equal for rows to stand side by side, and what ran it.

    ``cells`` are by method name and profile.
    A group equals itself alone.
    """

    model: Model
    workload: Workload
    loop: Loop
    seed: int
    cells: Mapping[tuple[str, str], CardResult]

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


@once
def work_groups(dataset: Dataset) -> list[WorkGroup]:
    """Return all work that has a record, smaller models and shorter sequences first."""
    sessions: dict[tuple[object, ...], list[Replicates]] = {}
    for group in dataset.groups:  # newest session first
        sessions.setdefault((*_work(group), *_place(group)), []).append(group)
    timed = [case.repeats for case in dataset.cases if not dataset.is_try(case.repeats)]
    models = {repeats.case.model for repeats in timed}
    profiles = {repeats.first.profile for repeats in timed}
    by_work: dict[_Work, dict[tuple[str, str], list[PooledCase]]] = {}
    for case in dataset.cases:
        repeats = case.repeats
        # A search's tries are no work to compare, unless a model or a card has nothing else.
        other = repeats.case.model in models and repeats.first.profile in profiles
        if other and dataset.is_try(repeats):
            continue
        cells = by_work.setdefault(_work(repeats), {})
        cells.setdefault(_place(repeats), []).append(case)
    works = [
        WorkGroup(
            model=work[0],
            workload=work[1],
            loop=work[2],
            seed=work[3],
            cells={
                place: _card_result(cases, sessions[*work, *place])
                for place, cases in cells.items()
            },
        )
        for work, cells in by_work.items()
    ]
    return sorted(
        works, key=lambda w: (w.model.parameters, w.model.name, w.workload.sequence_tokens)
    )


def works_by_model(dataset: Dataset) -> dict[str, list[WorkGroup]]:
    """Return all work by the name of its model, in the order of ``work_groups``."""
    found: dict[str, list[WorkGroup]] = {}
    for work in work_groups(dataset):
        found.setdefault(work.model.name, []).append(work)
    return found


def _work(group: Replicates) -> _Work:
    case = group.case
    return case.model, case.workload, case.loop, case.seed


def _place(group: Replicates) -> tuple[str, str]:
    return group.case.method.name, group.first.profile


def profile_titles(dataset: Dataset) -> dict[str, str]:
    """Return every profile that has a record and its title, by name; no two titles are alike.

    A title says whose the numbers are that are shown, where they are not the project's own.
    """
    found: dict[str, str] = {}
    for section in dataset.overview.sections:
        records = [record for group in dataset.of(section) for record in group.records]
        if records:
            title = facts.hardware_title(records, section.profile)
            found.setdefault(section.profile, title)
    often = Counter(found.values())
    shown = {
        name: title if often[title] == 1 else f"{title} ({phrases.short(name)})"
        for name, title in sorted(found.items())
    }
    numbers: dict[str, list[Record]] = {}
    for case in dataset.cases:
        numbers.setdefault(case.repeats.first.profile, []).append(case.repeats.first)
    return {name: facts.with_origins(title, numbers[name]) for name, title in shown.items()}


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


def _card_result(cases: Sequence[PooledCase], sessions: Sequence[Replicates]) -> CardResult:
    """Return one of the cases, which are by the same method, as the one that is shown."""
    newest = sorted(cases, key=lambda each: rank(each.repeats), reverse=True)
    shown = next((each for each in newest if each.repeats.ok), newest[0])
    rest = [*shown.older]
    for each in newest:
        rest += [] if each is shown else [each.repeats, *each.older]
    return CardResult(shown=shown.repeats, others=tuple(rest), sessions=tuple(sessions))
