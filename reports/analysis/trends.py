"""How the ratio of an engine to its plain method goes with length and packing, as sentences."""

from collections.abc import Iterable, Iterator, Sequence

from reports.text import phrases
from reports.text.numbers import hindrance
from suite import units
from suite.catalog.engines import PLAIN
from suite.catalog.method import Method
from suite.results.metrics import all_metrics
from suite.results.pooled import paired
from suite.results.replicates import Replicates

PACKINGS = {"none": "padded", "padding-free": "padding-free", "packed": "packed"}


def pairs(groups: Iterable[Replicates]) -> list[tuple[Method, Method]]:
    """Return each method of another engine beside its plain reference, where both are there."""
    methods = {group.case.method.name: group.case.method for group in groups}
    return [
        (method, methods[method.reference])
        for method in methods.values()
        if method.engine != PLAIN and method.reference in methods
    ]


def speed(ours: Replicates | None, theirs: Replicates | None) -> float | None:
    """Return throughput of one over the other's; None where they do not compare."""
    if ours is None or theirs is None or not ours.ok or hindrance(ours, theirs):
        return None
    found = paired(ours, theirs, all_metrics()["tokens_per_second"])
    return None if found is None else found.value


def over_lengths(groups: Sequence[Replicates]) -> Iterator[str]:
    """Yield how each ratio goes with length, which the published ones are said to grow with.

    ``groups`` ran one model on one card and differ in method and length alone.
    """
    by_length = {(g.case.workload.sequence_tokens, g.case.method.name): g for g in groups}
    lengths = sorted({length for length, _ in by_length})
    for ours, theirs in pairs(groups):
        known = {
            length: ratio
            for length in lengths
            if (ratio := speed(*(by_length.get((length, m.name)) for m in (ours, theirs))))
        }
        if len(known) > 1:
            shortest, longest = min(known), max(known)
            yield (
                f"Speed of {_said(ours)} vs {_said(theirs)}:"
                f" {units.ratio(known[shortest])} at {shortest:,} tokens a row,"
                f" {units.ratio(known[longest])} at {longest:,}."
            )


def over_packings(groups: Sequence[Replicates]) -> Iterator[str]:
    """Yield how much of each engine's gain over padded rows is that padding went away.

    ``groups`` ran one model on the same rows on one card and differ in method and packing alone.
    """
    by_packing = {(str(g.case.workload.packing), g.case.method.name): g for g in groups}
    tokens = all_metrics()["tokens_per_second"]
    for ours, theirs in pairs(groups):
        engine = {
            packing: speed(*(by_packing.get((packing, each.name)) for each in (ours, theirs)))
            for packing in PACKINGS
        }
        padded = engine.pop("none")
        for packing, alike in engine.items():
            if padded is None or alike is None:
                continue
            gain = paired(
                by_packing[packing, theirs.name], by_packing["none", theirs.name], tokens
            )
            if gain is not None:
                own = gain.value
                yield (
                    f"{_said(ours)} {PACKINGS[packing]} is {units.ratio(own * alike)} as fast as"
                    f" {_said(theirs)} padded. {_said(theirs)} gains {units.ratio(own)} of this"
                    f" by packing too; the engine's own part is {units.ratio(alike)}. Where both"
                    f" are padded the engine's part is {units.ratio(padded)}."
                )


def _said(method: Method) -> str:
    return phrases.short(method.title)
