"""Cases on several GPUs beside the same work on one: speed-up, memory, losses, communication.

Weak scaling: each GPU has as many rows as one has alone. Strong: all together have as many.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from reports.analysis.card_pairs import throughput
from reports.analysis.dataset import Dataset
from reports.text import phrases
from suite.catalog.parallel import Parallel
from suite.catalog.tier import Workload
from suite.estimate.groups import exchange
from suite.results.memoize import once
from suite.results.metrics import all_metrics
from suite.results.pooled import PooledCase, both_sides, paired
from suite.results.record import Record
from suite.results.replicates import Replicates
from suite.results.validity.comparable import packages, timed_alike
from suite.results.validity.parity import compare_losses
from suite.wire.ranks import Operation, Transfer

Scaling = Literal["weak", "strong"]

#: The operation that most of what ranks exchange goes through.
OPERATIONS: Mapping[str, Operation] = {"ddp": "all-reduce", "fsdp2": "all-gather"}
_DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


class Speedup(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens per second of several GPUs over those of one: a geometric mean.

    Of ``pairs`` of one session, whose least and largest are the ``ends``; or, where there is no
    pair, of so many pooled repeats on ``sides``, with the ends of a 95 % interval where there are
    enough.
    """

    value: float
    gpus: int
    ends: tuple[float, float] | None
    pairs: int = 0
    sides: tuple[int, int] = (0, 0)

    @property
    def efficiency(self) -> float:
        """Return the share of as many times one GPU's throughput; 1 loses nothing."""
        return self.value / self.gpus

    @property
    def efficiency_ends(self) -> tuple[float, float] | None:
        """Return the same of the ends."""
        return self.ends and (self.ends[0] / self.gpus, self.ends[1] / self.gpus)

    @property
    def basis(self) -> str:
        """Return what it is the mean of."""
        if self.pairs:
            return f"{self.pairs} pair{'' if self.pairs == 1 else 's'}"
        ours, theirs = self.sides
        return f"{phrases.launches(ours, ours)} vs {theirs}"


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far losses and gradient norms lie apart at most, relative; None is unknown.

    ``reason`` says why nothing is known.
    """

    losses: float | None
    gradient_norms: float | None
    reason: str = ""


class OneGpu(msgspec.Struct, frozen=True, kw_only=True):
    """The same work on one GPU of the same model.

    ``without_waits`` is the efficiency by the 10 % quantiles of step times, which a wait for the
    host rarely makes longer. ``longer_seconds`` is by how much a step of several GPUs takes
    longer, under weak scaling: of pairs of one session where there are some, as the speed-up is.
    ``agreement`` is there where one GPU accumulated the batches of all ranks. ``differing`` says
    what else is not the same.
    """

    kind: Scaling
    repeats: Replicates
    speedup: Speedup | None
    without_waits: float | None
    longer_seconds: float | None
    agreement: Agreement | None
    differing: tuple[str, ...]


class ScaledCase(msgspec.Struct, frozen=True, kw_only=True):
    """One case on several GPUs, and what stands beside it; ``beside`` may be empty.

    ``transfer`` is the probe's largest message of the operation that matters most.
    ``gradients_seconds`` is what an all-reduce of the gradients takes alone, by the probe. None
    is unknown, or does not apply.
    """

    repeats: Replicates
    parallel: Parallel
    beside: tuple[OneGpu, ...]
    transfer: Transfer | None
    gradients_seconds: float | None


@once
def scaled_cases(dataset: Dataset) -> list[ScaledCase]:
    """Return every case that ran on several GPUs, in the report's order."""
    timed = [case for case in dataset.cases if not dataset.is_try(case.repeats)]
    alone: dict[object, list[PooledCase]] = {}
    for case in timed:
        if case.repeats.case.parallel is None:
            alone.setdefault(_same(case.repeats), []).append(case)
    return [
        _scaled(case.repeats, parallel, alone.get(_same(case.repeats), ()))
        for case in timed
        if (parallel := case.repeats.case.parallel) is not None and case.repeats.ok
    ]


def _same(group: Replicates) -> tuple[object, ...]:
    """Return what both sides have in common, but for the rows of a step."""
    case, first, load = group.case, group.first, group.case.workload
    data = (load.sequence_tokens, load.data, load.packing)
    return (first.profile, first.origin, case.model, case.method, case.loop, case.seed, *data)


def _scaled(group: Replicates, parallel: Parallel, alone: Iterable[PooledCase]) -> ScaledCase:
    beside = [
        _one_gpu(group, parallel, case, kind)
        for case in alone
        if (kind := _kind(group.case.workload, case.repeats.case.workload)) is not None
    ]
    operation = OPERATIONS.get(parallel.kind)
    return ScaledCase(
        repeats=group,
        parallel=parallel,
        beside=tuple(sorted(beside, key=lambda each: each.kind == "strong")),
        transfer=max(
            (each for each in _transfers(group.best) if each.operation == operation),
            key=lambda each: each.message_bytes,
            default=None,
        ),
        gradients_seconds=_gradients_seconds(group.best, parallel),
    )


def _kind(ours: Workload, theirs: Workload) -> Scaling | None:
    """Return how two workloads that differ in their rows at most are related; None if not."""
    if (ours.batch_sequences, ours.gradient_accumulation) == (
        theirs.batch_sequences,
        theirs.gradient_accumulation,
    ):
        return "weak" if ours.ranks > 1 else "strong"
    return "strong" if ours.step_tokens == theirs.step_tokens else None


def _one_gpu(group: Replicates, parallel: Parallel, case: PooledCase, kind: Scaling) -> OneGpu:
    rate = all_metrics()["tokens_per_second"]
    # What was measured in the same session comes before what is newer.
    pools = (case.repeats, *case.older)
    base = next((each for each in pools if each.ok and paired(group, each, rate)), case.repeats)
    alike = base.ok and group.best.weights == base.best.weights
    timed = alike and timed_alike(group.best, base.best)
    return OneGpu(
        kind=kind,
        repeats=base,
        speedup=_speedup(group, base, parallel) if timed else None,
        without_waits=_without_waits(group, base, parallel.gpus) if timed else None,
        longer_seconds=_longer(group, base) if kind == "weak" else None,
        agreement=_agreement(group, base) if base.ok and _accumulates(group, base) else None,
        differing=tuple(_differing(group.best, base.best)) if base.ok else (),
    )


def _speedup(group: Replicates, base: Replicates, parallel: Parallel) -> Speedup | None:
    gpus = parallel.gpus
    pairs = paired(group, base, all_metrics()["tokens_per_second"])
    if pairs is not None:
        ends = (pairs.low, pairs.high) if pairs.pairs > 1 else None
        return Speedup(value=pairs.value, gpus=gpus, ends=ends, pairs=pairs.pairs)
    pooled = throughput(group, base)
    if pooled is None:
        return None
    low, high = pooled.low, pooled.high
    ends = None if low is None or high is None else (low, high)
    return Speedup(value=pooled.value, gpus=gpus, ends=ends, sides=pooled.launches)


def _longer(group: Replicates, base: Replicates) -> float | None:
    both = both_sides(group, base, all_metrics()["step_seconds"])
    return statistics.mean(ours - theirs for ours, theirs in both) if both else None


def _without_waits(group: Replicates, base: Replicates, gpus: int) -> float | None:
    """Return the efficiency that the shortest steps show: they rarely wait for the host."""
    both = both_sides(group, base, all_metrics()["step_seconds_low"])
    if not both:
        return None
    ratio = statistics.geometric_mean(theirs / ours for ours, theirs in both)
    ours, theirs = group.case.workload, base.case.workload
    return ratio * ours.step_tokens / theirs.step_tokens / gpus


def _accumulates(group: Replicates, base: Replicates) -> bool:
    """Return whether one GPU takes as many batches a step as all ranks do, of the same rows."""
    ours, theirs = group.case.workload, base.case.workload
    batches = ours.gradient_accumulation * ours.ranks
    return (ours.batch_sequences, batches) == (
        theirs.batch_sequences,
        theirs.gradient_accumulation,
    )


def _agreement(group: Replicates, base: Replicates) -> Agreement:
    found = [compare_losses(record, base.best) for record in group.ok]
    silent = next((each for each in found if each.trajectory is None), None)
    if silent is not None:
        return Agreement(losses=None, gradient_norms=None, reason=silent.reason)
    norms = [each.gradient for each in found if each.gradient is not None]
    return Agreement(
        losses=max(each.trajectory or 0.0 for each in found),
        gradient_norms=max(norms) if len(norms) == len(found) else None,
    )


def _differing(ours: Record, theirs: Record) -> Iterable[str]:
    """Yield what is not the same though the work is, as phrases."""
    if ours.weights != theirs.weights:
        yield "other weights"
    if packages(ours) != packages(theirs):
        yield "other packages"
    if ours.effective is None or theirs.effective is None:
        return
    here, there = ours.effective.trainable_dtypes, theirs.effective.trainable_dtypes
    if here != there:
        yield f"trained in {', '.join(here)}, on one GPU in {', '.join(there)}"


def _transfers(record: Record) -> Sequence[Transfer]:
    group = record.group
    return () if group is None or group.interconnect is None else group.interconnect.transfers


def _gradients_seconds(record: Record, parallel: Parallel) -> float | None:
    """Return how long an all-reduce of all gradients takes alone, by the nearest probed size."""
    effective = record.effective
    if parallel.kind != "ddp" or effective is None:
        return None
    sizes = {_DTYPE_BYTES.get(dtype) for dtype in effective.trainable_dtypes}
    size = sizes.pop() if len(sizes) == 1 else None
    if size is None or not effective.trainable_parameters:
        return None
    message = size * effective.trainable_parameters
    return exchange.seconds(_transfers(record), "all-reduce", message, parallel.gpus)
