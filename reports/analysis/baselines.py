"""What a method is held against: plain LoRA and QLoRA, its rung with Liger's kernels, naive LoRA.

A headline ratio is mostly a matter of its baseline, so each of them is always named. Against LoRA
a method with 4-bit weights also has what its storage saves; against QLoRA it has not.
"""

from collections.abc import Mapping, Sequence

import msgspec

from reports.text.numbers import BASELINE, hindrance, peak_memory
from suite.catalog.method import Method
from suite.results.metrics import all_metrics
from suite.results.pooled import PairedRatio, paired
from suite.results.replicates import Replicates

NAIVE = "lora-naive"
QUANTIZED = "qlora"

#: The place of each baseline, in the order of tables.
BASELINES = ("plain", "quantized", "liger", "naive")


class BaselineRatio(msgspec.Struct, frozen=True, kw_only=True):
    """One baseline that did the same work: throughput and peak memory of a method over its own.

    In pairs of one session; 1 is equal. None is unknown: no launch has both numbers.
    """

    title: str
    throughput: PairedRatio | None
    memory: PairedRatio | None


def settings(groups: Sequence[Replicates]) -> list[list[Replicates]]:
    """Return the groups by what they compare within: one GPU, model, workload, loop and seed."""
    found: dict[object, list[Replicates]] = {}
    for group in groups:
        case, first = group.case, group.first
        key = (first.profile, case.model, case.workload, case.loop, case.seed)
        found.setdefault(key, []).append(group)
    return list(found.values())


def baselines(group: Replicates, others: Sequence[Replicates]) -> Mapping[str, BaselineRatio]:
    """Return the baselines of a method by kind; its own, and those of other work, are left out."""
    ratios = {}
    for kind, base in _bases(group, others).items():
        if base.case.method.name == group.case.method.name or not group.ok:
            continue
        if not hindrance(group, base):
            ratios[kind] = BaselineRatio(
                title=base.case.method.title,
                throughput=paired(group, base, all_metrics()["tokens_per_second"]),
                memory=paired(group, base, peak_memory(group.best)),
            )
    return ratios


def is_base(method: Method, kind: str) -> bool:
    """Return whether a method is a baseline of this kind for others."""
    if kind == "liger":
        return method.liger
    return method.name == {"plain": BASELINE, "quantized": QUANTIZED, "naive": NAIVE}[kind]


def _bases(group: Replicates, others: Sequence[Replicates]) -> dict[str, Replicates]:
    ours = group.case.method
    by_kind = {}
    for other in others:
        method = other.case.method
        if method.name == BASELINE:
            by_kind["plain"] = other
        elif method.name == NAIVE:
            by_kind["naive"] = other
        elif method.name == QUANTIZED:
            if method.quantization == ours.quantization:
                by_kind["quantized"] = other
        elif (
            method.liger
            and method.adapter == ours.adapter
            and method.quantization == ours.quantization
        ):
            by_kind["liger"] = other
    return {kind: by_kind[kind] for kind in BASELINES if kind in by_kind}
