"""How far the published claim holds: "up to 3x faster, 80 % less memory than standard LoRA".

Each half is looked at by itself, at every setting that was measured on a GPU and against every
baseline that the claim may mean.
"""

from collections.abc import Iterable, Sequence

import msgspec

from reports.analysis.baselines import BASELINES, BaselineRatio, baselines, settings
from reports.analysis.dataset import Dataset
from reports.text import phrases
from reports.text.numbers import paired_text, verdict
from suite import units
from suite.results.memoize import once
from suite.results.pooled import PairedRatio
from suite.results.replicates import Replicates

FASTER = 3.0  #: throughput over the baseline's
LESS_MEMORY = 0.8  #: share of the baseline's peak memory that is saved
ENGINE, ENGINE_TITLE = "unsloth", "Unsloth"  #: whose claim it is

#: What a baseline is called in a sentence about all models.
NAMES = {
    "plain": "LoRA",
    "quantized": "QLoRA",
    "liger": "PEFT + Liger",
    "naive": "naive LoRA",
}


class ClaimCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case of the engine, and what it was held against."""

    group: Replicates
    baselines: dict[str, BaselineRatio]

    @property
    def where(self) -> str:
        """Return work, loop and GPU in words."""
        case, gpu = self.group.case, self.group.best.environment.gpu
        parts = [phrases.work(case.workload), phrases.LOOPS[case.loop]]
        return ", ".join([*parts, *([] if gpu is None else [gpu.name])])


@once
def claim_cases(dataset: Dataset) -> tuple[ClaimCase, ...]:
    """Return the engine's adapter methods that ran on a GPU beside at least one baseline.

    A case whose losses differ from its reference's is left out: a fast wrong run claims nothing.
    """
    cases = []
    for groups in settings([case.repeats for case in dataset.cases]):
        for group in groups:
            method, record = group.case.method, group.best
            if method.engine != ENGINE or method.adapter is None or not group.ok:
                continue
            if record.case.parallel is not None:
                continue  # the claim is of one GPU
            if record.environment.gpu is None or not (against := dict(baselines(group, groups))):
                continue
            if verdict(group, dataset.references).kind == "bad":
                continue
            cases.append(ClaimCase(group=group, baselines=against))
    return tuple(cases)


def sentences(found: Iterable[ClaimCase]) -> list[str]:
    """Return, for cases of one model, where each half of the claim holds, and where both do."""
    listed = list(found)
    said = []
    for kind in BASELINES:
        against = [each for each in listed if kind in each.baselines]
        said += [_faster(kind, against), _smaller(kind, against), _both(kind, against)]
    return [text for text in said if text]


def saving(memory: PairedRatio | None) -> float | None:
    """Return the share of a baseline's memory that is saved; negative where more is needed."""
    return None if memory is None else 1 - memory.value


def plain_kind(case: ClaimCase) -> str:
    """Return which baseline is plain PEFT with weights of the same precision."""
    return "plain" if case.group.case.method.quantization is None else "quantized"


def speeds(cases: Sequence[ClaimCase], kind: str = "") -> list[tuple[ClaimCase, PairedRatio]]:
    """Return the ratios of throughput over one baseline; by default plain PEFT's, as precise."""
    found = []
    for case in cases:
        base = case.baselines.get(kind or plain_kind(case))
        if base is not None and base.throughput is not None:
            found.append((case, base.throughput))
    return found


def savings(cases: Sequence[ClaimCase]) -> tuple[list[float], list[float]]:
    """Return the shares of memory saved: from 16 bits to 4, and at the same precision."""
    smaller: list[float] = []
    equal: list[float] = []
    for case in cases:
        for kind in ("plain", "quantized"):
            base = case.baselines.get(kind)
            share = None if base is None else saving(base.memory)
            if share is not None:
                (equal if kind == plain_kind(case) else smaller).append(share)
    return smaller, equal


def _faster(kind: str, listed: list[ClaimCase]) -> str:
    known = [
        (ratio.value, paired_text(ratio), each)
        for each in listed
        if (ratio := each.baselines[kind].throughput)
    ]
    return _half(f"{FASTER:g}× faster than {NAMES[kind]}", known, FASTER)


def _smaller(kind: str, listed: list[ClaimCase]) -> str:
    known = [
        (share, _tenths(share), each)
        for each in listed
        if (share := saving(each.baselines[kind].memory)) is not None
    ]
    what = f"{units.percent(LESS_MEMORY)} less memory than {NAMES[kind]}"
    return _half(what, known, LESS_MEMORY)


def _tenths(share: float) -> str:
    # Whole percents would print a saving of 79.6 % as the 80 % that it does not reach.
    return f"{share * 100:.1f} %"


def _both(kind: str, listed: list[ClaimCase]) -> str:
    known = [
        (speed.value >= FASTER and saved >= LESS_MEMORY, each)
        for each in listed
        if (speed := each.baselines[kind].throughput)
        and (saved := saving(each.baselines[kind].memory)) is not None
    ]
    if not known:
        return ""
    holding = [each for both, each in known if both]
    return f"Both at once vs {NAMES[kind]}: {_count(holding, len(known))}."


def _count(holding: list[ClaimCase], total: int) -> str:
    places = "; ".join(_place(each) for each in holding)
    return (
        f"true for {len(holding)} of {total} ({places})"
        if holding
        else f"true for none of {total}"
    )


def _half(what: str, known: list[tuple[float, str, ClaimCase]], least: float) -> str:
    if not known:
        return ""
    holding = [each for value, _, each in known if value >= least]
    _, largest, at = max(known, key=lambda each: each[0])
    return f"{what}: {_count(holding, len(known))}. The largest is {largest}: {_place(at)}."


def _place(each: ClaimCase) -> str:
    return f"{each.group.case.method.title}, {each.where}"
