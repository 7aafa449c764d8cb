"""The same work on every card: what one run holds beside what others hold, kept apart by work.

A case is what it is whatever run it was measured in. Rows of one ``Work`` ran the same model,
workload, loop and seed; what they had differently all the same (adapters, settings, software) is
for ``suite.results.comparable`` to say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from reports import words
from reports.material import Material
from suite.catalog.method import Method
from suite.catalog.model import Model
from suite.catalog.tier import Loop, Workload
from suite.results.launches import Launches


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one profile.

    ``shown`` is the newest run with a good launch, or the newest run where no launch was good;
    ``others`` are the remaining runs of the same case there, newest first.
    """

    shown: Launches
    others: tuple[Launches, ...]


class Work(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What must be equal for rows to stand side by side, and what ran it.

    ``cells`` are by method name and profile, methods in the order in which they were planned and
    profiles by name.
    """

    model: Model
    workload: Workload
    loop: Loop
    seed: int
    cells: Mapping[tuple[str, str], Cell]

    @cached_property
    def title(self) -> str:
        """Return the work in words, without the model."""
        return f"{words.work(self.workload)} · {words.LOOPS[self.loop]} · seed {self.seed}"

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """Return the methods that ran anywhere, each once."""
        found: dict[str, Method] = {}
        for (name, _), cell in self.cells.items():
            found.setdefault(name, cell.shown.case.method)
        return tuple(found.values())

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """Return the names of the profiles that it ran on."""
        return tuple(sorted({profile for _, profile in self.cells}))

    def on(self, profile: str) -> Iterator[Cell]:
        """Yield what ran on one profile, in the methods' order."""
        for method in self.methods:
            if cell := self.cells.get((method.name, profile)):
                yield cell


def works(material: Material) -> list[Work]:
    """Return all work that has a record, models in the report's order, shorter sequences first."""
    found: dict[tuple[Model, Workload, Loop, int], dict[tuple[str, str], list[Launches]]] = {}
    for group in material.groups:  # newest run first
        case = group.case
        cells = found.setdefault((case.model, case.workload, case.loop, case.seed), {})
        cells.setdefault((case.method.name, group.first.profile), []).append(group)
    order = {model: number for number, (model, *_) in enumerate(found)}
    made = [
        Work(
            model=model,
            workload=workload,
            loop=loop,
            seed=seed,
            cells={place: _cell(groups) for place, groups in cells.items()},
        )
        for (model, workload, loop, seed), cells in found.items()
    ]
    return sorted(
        made,
        key=lambda work: (
            min(order[other.model] for other in made if other.model.name == work.model.name),
            work.workload.sequence_tokens,
        ),
    )


def profile_titles(material: Material) -> dict[str, str]:
    """Return every profile that has a record and its title, by name; no two titles are alike."""
    found: dict[str, str] = {}
    for section in material.overview.sections:
        if any(group.records for group in material.of(section)):
            found.setdefault(section.profile, section.title)
    often = Counter(found.values())
    return {
        name: title if often[title] == 1 else f"{title} ({words.short(name)})"
        for name, title in sorted(found.items())
    }


def _cell(groups: Sequence[Launches]) -> Cell:
    shown = next((group for group in groups if group.ok), groups[0])
    return Cell(shown=shown, others=tuple(group for group in groups if group is not shown))
