"""Rows of one work that may stand in one chart: methods and cards that trained the same weights.

A work can hold adapters of several kinds and full fine-tuning; each is a set of its own.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from reports.analysis.baselines import BaselineRatio, baselines
from reports.analysis.dataset import Dataset
from reports.analysis.workloads import CardResult, WorkGroup
from reports.text import facts
from reports.text.numbers import ParityVerdict, peak_memory, verdict
from suite import units
from suite.catalog.targets import PLACES
from suite.results.metrics import all_metrics
from suite.results.replicates import MedianWithRange, Replicates, summarize


class DisplayNames(msgspec.Struct, frozen=True, kw_only=True):
    """What one page calls methods and cards, by name, and the number of a method's series."""

    methods: Mapping[str, str]
    cards: Mapping[str, str]
    numbers: Mapping[str, int]


class MethodResult(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One method on one card: medians over good launches, None where unknown.

    ``baselines`` are those of the same GPU, ``others`` repeats that are not pooled with these.
    Equal to itself alone, and so the key of a dictionary.
    """

    group: Replicates
    others: tuple[Replicates, ...]
    tokens: MedianWithRange | None
    memory: MedianWithRange | None
    verdict: ParityVerdict | None
    baselines: Mapping[str, BaselineRatio]

    @property
    def method(self) -> str:
        """Return the name of the method."""
        return self.group.case.method.name

    @property
    def profile(self) -> str:
        """Return the name of the hardware profile."""
        return self.group.first.profile

    @property
    def counts(self) -> bool:
        """Return whether it ran and, as far as is known, computes what its reference does."""
        return bool(self.group.ok) and (self.verdict is None or self.verdict.kind != "bad")


class ComparableSet(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Entries of one work that trained the same. Equal to itself alone."""

    work: WorkGroup
    trained: str
    entries: tuple[MethodResult, ...]

    @property
    def title(self) -> str:
        """Return the work and what was trained, in words."""
        return f"{self.work.title} · {self.trained}"

    @property
    def profiles(self) -> tuple[str, ...]:
        """Return the cards that have an entry."""
        return tuple(sorted({entry.profile for entry in self.entries}))

    def on(self, profile: str) -> tuple[MethodResult, ...]:
        """Return the entries of one card."""
        return tuple(entry for entry in self.entries if entry.profile == profile)


def comparable_sets(work: WorkGroup, dataset: Dataset) -> list[ComparableSet]:
    """Return the entries of a work in sets that may be compared, the largest first."""
    cells = [cell for profile in work.profiles for cell in work.on(profile)]
    by_training: dict[tuple[object, ...], list[CardResult]] = {}
    for cell in cells:
        if cell.shown.ok and _trained(cell.shown) is not None:
            by_training.setdefault(_same(cell.shown), []).append(cell)
    for cell in cells:  # what did not run, or does not say what it trained, joins the first
        if not (cell.shown.ok and _trained(cell.shown) is not None):
            ours = _same(cell.shown)
            least = 3 if cell.shown.ok else 2
            key = next((key for key in by_training if key[:least] == ours[:least]), ours)
            by_training.setdefault(key, []).append(cell)
    beside = {profile: [cell.shown for cell in work.on(profile)] for profile in work.profiles}
    order = {method.name: place for place, method in enumerate(work.methods)}
    sets = [
        ComparableSet(
            work=work,
            trained=_words(each[0].shown),
            entries=tuple(
                _method_result(cell, beside[cell.shown.first.profile], dataset)
                for cell in sorted(each, key=lambda cell: order[cell.shown.case.method.name])
            ),
        )
        for each in by_training.values()
    ]
    return sorted(sets, key=lambda peers: -len(peers.entries))


def pareto_front(entries: Iterable[MethodResult]) -> list[MethodResult]:
    """Return the entries that no other beats in throughput and memory, least memory first.

    One beats another that is not faster and needs no less memory, and is worse in one of them.
    Entries that lack either number, or whose losses differ, are left out; one alone is no front.
    """
    known = [pair for entry in entries if (pair := _both(entry)) is not None]
    if len(known) < 2:
        return []
    best = [
        (memory, tokens, entry)
        for memory, tokens, entry in known
        if not any(
            other_memory <= memory
            and other_tokens >= tokens
            and (other_memory, other_tokens) != (memory, tokens)
            for other_memory, other_tokens, _ in known
        )
    ]
    return [entry for _, _, entry in sorted(best, key=lambda each: each[:2])]


def notes(peers: Sequence[MethodResult], names: DisplayNames) -> tuple[str, ...]:
    """Return what is not the same behind entries that stand together, as sentences."""
    sentences = []
    for profile in dict.fromkeys(entry.profile for entry in peers):
        records = [entry.group.best for entry in peers if entry.profile == profile]
        runs = dict.fromkeys(record.run_id for record in records)
        if len(runs) > 1:
            listed = _differing(facts.changes(records))
            sentences.append(
                f"On {names.cards[profile]} these rows come from {len(runs)} sessions"
                f" ({', '.join(map(short, runs))}), which differ in: {listed}."
            )
    if len({entry.profile for entry in peers}) > 1:
        seen = facts.changes([entry.group.best for entry in peers])
        others = {name: values for name, values in seen.items() if name != "GPU"}
        if others:
            sentences.append(f"Besides the GPU, these differ too: {_differing(others)}.")
    return tuple(sentences)


def short(text: str, most: int = 60) -> str:
    """Return a stranger's text on one line, with no more letters than a sentence can bear."""
    line = units.printable(text)
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def _differing(seen: Mapping[str, Sequence[str]]) -> str:
    listed = [
        f"{name} ({', '.join(short(v or 'none') for v in each)})" for name, each in seen.items()
    ]
    return "; ".join(listed) or "nothing that is recorded of driver, packages or suite"


def _both(entry: MethodResult) -> tuple[float, float, MethodResult] | None:
    if not entry.counts or entry.tokens is None or entry.memory is None:
        return None
    return entry.memory.median, entry.tokens.median, entry


def _same(group: Replicates) -> tuple[object, ...]:
    """Return what must be equal for groups of one work to be compared, in that order."""
    best = group.best
    return group.case.method.adapter, best.work_key, best.weights, _trained(group)


def _trained(group: Replicates) -> int | None:
    effective = group.best.effective
    return None if effective is None else effective.trainable_parameters


def _words(group: Replicates) -> str:
    adapter = group.case.method.adapter
    if adapter is None:
        return "every parameter trained"
    return f"adapters of rank {adapter.rank} on {PLACES[adapter.targets].words}"


def _method_result(
    cell: CardResult, within: Sequence[Replicates], dataset: Dataset
) -> MethodResult:
    group = cell.shown
    return MethodResult(
        group=group,
        others=cell.others,
        tokens=summarize(group, all_metrics()["tokens_per_second"]),
        memory=summarize(group, peak_memory(group.best)),
        verdict=verdict(group, dataset.references) if group.ok else None,
        baselines=baselines(group, within),
    )
