"""The verdict on the claim that this suite began with: a sentence, and the counts behind it."""

from collections.abc import Sequence
from statistics import median

import msgspec

from reports.analysis.baselines import BASELINES
from reports.analysis.dataset import Dataset
from reports.analysis.workloads import profile_titles
from reports.pages.front.words import gpu_names, saved, times
from reports.published.headline_claim import (
    ENGINE_TITLE,
    FASTER,
    LESS_MEMORY,
    ClaimCase,
    claim_cases,
    saving,
    savings,
    speeds,
)
from reports.published.sources import Reference
from suite import units

SOURCE = "fixstars"  #: whose claim it is, by the name of its file


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """``lead`` answers in one paragraph; ``points`` are its numbers, a sentence each.

    ``source`` is where the claim was made, None where its file cannot be read.
    """

    lead: str
    points: tuple[str, ...]
    source: Reference | None


def claim_verdict(dataset: Dataset, references: Sequence[Reference]) -> ClaimVerdict | None:
    """Return the verdict; None where the engine ran beside no baseline on a GPU."""
    cases = claim_cases(dataset)
    ratios = {kind: [ratio.value for _, ratio in speeds(cases, kind)] for kind in BASELINES}
    shares = _shares(cases)
    if not any(ratios.values()):
        return None
    source = next((each for each in references if each.name == SOURCE), None)
    points = [*_speed(cases, ratios), *_memory(cases), *_scope(dataset, cases, source)]
    return ClaimVerdict(
        lead=" ".join([_faster(ratios), *_smaller(shares)]), points=tuple(points), source=source
    )


def _shares(cases: Sequence[ClaimCase]) -> list[float]:
    found = (saving(base.memory) for case in cases for base in case.baselines.values())
    return [share for share in found if share is not None]


def _faster(ratios: dict[str, list[float]]) -> str:
    hits = {kind: sum(value >= FASTER for value in values) for kind, values in ratios.items()}
    total, reached = sum(map(len, ratios.values())), sum(hits.values())
    of = units.counted(total, "comparison")
    if not reached:
        return f"{FASTER:g}× as fast was reached in none of {of}."
    alone = ", only against a naive script" if reached == hits.get("naive") else ""
    return f"{FASTER:g}× as fast was reached in {reached} of {of}{alone}."


def _smaller(shares: Sequence[float]) -> list[str]:
    if not shares:
        return []
    reached = sum(share >= LESS_MEMORY for share in shares)
    of = units.counted(len(shares), "comparison")
    what = f"{units.percent(LESS_MEMORY)} less memory"
    if reached:
        return [f"{what} was reached in {reached} of {of}."]
    # A tenth more, as 79.6 % must not read as the 80 % that it does not reach.
    return [f"{what} was reached in none; the most was {max(shares) * 100:.1f} %."]


def _speed(cases: Sequence[ClaimCase], ratios: dict[str, list[float]]) -> list[str]:
    equal = [ratio.value for _, ratio in speeds(cases)]
    said = []
    if equal:
        middle = f", median {median(equal):.1f}×" if len(equal) > 2 else ""
        said.append(
            f"Against plain PEFT at equal precision, {ENGINE_TITLE} is {times(equal)} as fast"
            f" ({units.counted(len(equal), 'comparison')}{middle})."
        )
    for kind, name in (("liger", "PEFT with Liger kernels"), ("naive", "a naive script")):
        if values := ratios.get(kind):
            count = units.counted(len(values), "comparison")
            said.append(f"Against {name}: {times(values)} ({count}).")
    return said


def _memory(cases: Sequence[ClaimCase]) -> list[str]:
    smaller, equal = savings(cases)
    said = []
    if equal:
        said.append(f"At equal precision it needs {saved(equal)} less memory.")
    if smaller:
        said.append(
            f"From 16-bit LoRA to {ENGINE_TITLE} QLoRA: {saved(smaller)} less. Most of that is"
            " quantization."
        )
    return said


def _scope(dataset: Dataset, cases: Sequence[ClaimCase], source: Reference | None) -> list[str]:
    measured = {each.group.first.profile for each in cases}
    names = gpu_names(dataset)
    where = units.listed([names[each] for each in profile_titles(dataset) if each in measured])
    said = f"Measured on {where}, one GPU, each case with its own batch and length."
    claimed = set() if source is None else set(source.figures[0].settings.profiles)
    if source is not None and claimed and not claimed & measured:
        hardware = source.figures[0].settings.hardware
        return [said, f"The claim is about another GPU: {hardware}."]
    return [said]
