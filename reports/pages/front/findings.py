"""Three findings of all results in a line each: speed, memory, one GPU against another."""

from collections.abc import Sequence

import msgspec

from reports.analysis.card_pairs import CardPair, pairs
from reports.analysis.dataset import Dataset
from reports.pages.front.words import gpu_names, saved, times
from reports.published.headline_claim import (
    FASTER,
    ClaimCase,
    claim_cases,
    savings,
    speeds,
)
from reports.text.addresses import pair_page
from suite import units

CLAIMS = "claims.html"


class KeyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a few words, what it is of, and the address of its evidence."""

    headline: str
    text: str
    href: str


def findings(dataset: Dataset) -> tuple[KeyFinding, ...]:
    """Return what the data says; a finding without data is left out."""
    cases = claim_cases(dataset)
    found = (_speed(cases), _memory(cases), _gpus(dataset))
    return tuple(each for each in found if each is not None)


def _speed(cases: Sequence[ClaimCase]) -> KeyFinding | None:
    ratios = [ratio.value for _, ratio in speeds(cases)]
    if not ratios:
        return None
    naive = [ratio.value for _, ratio in speeds(cases, "naive")]
    hits = sum(value >= FASTER for value in naive)
    text = f"Unsloth vs plain PEFT at equal precision ({_comparisons(len(ratios))})."
    if max(ratios) < FASTER and hits:
        text += f" {FASTER:g}× takes a naive baseline: {hits} of {len(naive)}."
    elif max(ratios) < FASTER:
        text += f" None reached {FASTER:g}×."
    return KeyFinding(headline=f"{times(ratios)} as fast", text=text, href=CLAIMS)


def _memory(cases: Sequence[ClaimCase]) -> KeyFinding | None:
    smaller, equal = savings(cases)
    if smaller:
        text = "From 16-bit LoRA to Unsloth QLoRA."
        if equal:
            text += f" Unsloth at equal precision saves {saved(equal)}."
        return KeyFinding(headline=f"{saved(smaller)} less memory", text=text, href=CLAIMS)
    if not equal:
        return None
    text = f"Unsloth vs plain PEFT at equal precision ({_comparisons(len(equal))})."
    return KeyFinding(headline=f"{saved(equal)} less memory", text=text, href=CLAIMS)


def _gpus(dataset: Dataset) -> KeyFinding | None:
    known = [pair for pair in pairs(dataset) if pair.mean]
    if not known:
        return None
    pair = max(known, key=lambda each: each.counting)
    faster, slower = pair.ours, pair.theirs
    turned = (pair.mean or 1) < 1
    if turned:
        faster, slower = slower, faster
    mean, low, high = _range(pair, turned=turned)
    names = gpu_names(dataset)
    of = units.counted(pair.counting, "shared case")
    text = f"Speed, geometric mean of {of}"
    text += f" ({low:.2f}–{high:.2f}×)." if pair.counting > 1 else "."
    single = [each for each in pair.shared if each.counts and each.ratio]
    few = sum(min(each.ratio.launches) == 1 for each in single if each.ratio)
    if few:
        text += f" {few} of {len(single)} rest on one repeat."
    return KeyFinding(
        headline=f"{names[faster]}: {units.ratio(mean)} the {names[slower]}",
        text=text,
        href=pair_page(pair.ours, pair.theirs),
    )


def _range(pair: CardPair, *, turned: bool) -> tuple[float, float, float]:
    values = [each.ratio.value for each in pair.shared if each.ratio and each.counts]
    mean = pair.mean or 1.0
    if turned:
        return 1 / mean, 1 / max(values), 1 / min(values)
    return mean, min(values), max(values)


def _comparisons(number: int) -> str:
    return units.counted(number, "comparison")
