"""The finding that stands above a dot plot, in at most a dozen words."""

from collections.abc import Sequence

from reports.analysis.baselines import QUANTIZED
from reports.analysis.workloads import WorkGroup
from reports.pages.front.measures import Measure
from reports.pages.front.words import saved, times
from reports.published.headline_claim import ClaimCase, plain_kind, savings, speeds
from reports.text import phrases
from reports.text.numbers import BASELINE
from suite.results.metrics import all_metrics
from suite.results.pooled import paired

_BASES = {"plain": BASELINE, "quantized": QUANTIZED}


def title(measure: Measure, work: WorkGroup, cases: Sequence[ClaimCase]) -> str:
    """Return what the plot shows; without a comparison, how many methods have numbers."""
    model = phrases.short(work.model.title)
    if measure.name == "speed" and (ratios := [ratio.value for _, ratio in speeds(cases)]):
        return f"On {model} Unsloth is {times(ratios)} as fast as plain PEFT"
    if measure.name == "memory":
        smaller, equal = savings(cases)
        if smaller and min(smaller) > 0:
            return f"On {model} Unsloth QLoRA takes {saved(smaller)} less memory than LoRA"
        if equal and min(equal) > 0:
            return f"On {model} Unsloth takes {saved(equal)} less memory than plain PEFT"
    if measure.name == "energy" and (shares := _energy(work, cases)) and min(shares) > 0:
        return f"On {model} Unsloth takes {saved(shares)} less energy than plain PEFT"
    methods = {name for name, _ in work.cells}
    good = {name for (name, _), cell in work.cells.items() if cell.shown.ok}
    noun = "method" if len(methods) == 1 else "methods"
    return f"{model}: {len(good)} of {len(methods)} {noun} ran"


def _energy(work: WorkGroup, cases: Sequence[ClaimCase]) -> list[float]:
    """Return the shares of energy saved against plain PEFT at the same precision."""
    shares = []
    for case in cases:
        kind = plain_kind(case)
        base = work.cells.get((_BASES[kind], case.group.first.profile))
        if kind in case.baselines and base is not None:
            ratio = paired(case.group, base.shown, all_metrics()["joules_per_token"])
            shares += [] if ratio is None else [1 - ratio.value]
    return shares
