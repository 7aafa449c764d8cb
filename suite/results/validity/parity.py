"""Does a method still train the same? Its losses and gradient norms beside its reference's.

The reference is a record of the same run, profile and launch whose work is the same: same model,
workload, seed, adapters (``work_key``), loop, base weights and storage of the base weights.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from suite.results.memoize import once
from suite.results.record import Record
from suite.results.samples import LOSS_FLOOR
from suite.units import percent
from suite.wire import Step


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """How far apart two methods may be, relative to the reference.

    Both see the same weights, adapters and batches; what is left is the order of summation and
    bfloat16 rounding. ``first_loss`` is of the first step, before any update; later steps inherit
    the differences of earlier ones, so ``trajectory``, of any step's loss, is wider. ``gradient``
    is of any step's gradient norm, before clipping.
    """

    first_loss: float
    trajectory: float
    gradient: float


#: At least twice the largest differences between engines in the published records, which a test
#: holds: first loss 0.024 %, any loss 0.044 % (so 0.08 % would be too narrow), any step's gradient
#: norm 0.71 % (TRL rounds QLoRA's adapters to bfloat16). Launches of one method differ by 0.027 %
#: and 0.09 %. A skipped layer, a wrong scale or a changed mask moves them by far more. The report
#: shows all of it ("How far losses lie apart").
DUMMY_BAND = Band(first_loss=0.0005, trajectory=0.001, gradient=0.015)
#: In a mixture of experts rounding can send a token to another expert. No two engines ran one, but
#: GPT-OSS-120B on an H100 and on an H200 differs by 0.0084 % (first loss), 0.22 % and 1.6 %, now
#: in the one direction and now in the other.
EXPERTS_BAND = Band(first_loss=0.0005, trajectory=0.005, gradient=0.04)
#: For trained weights nothing has been measured yet.
OTHER_BAND = Band(first_loss=0.005, trajectory=0.02, gradient=0.05)

Verdict = Literal["agrees", "differs", "no reference"]


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """One record's losses against its reference.

    ``reason`` is a phrase for a reader. Differences are relative, and None without a reference or
    where a loss is not a number; ``trajectory`` is the largest over the ``steps`` that both took,
    ``gradient`` that of the gradient norm over the ``gradient_steps`` where both are known, None
    where there are none or they say nothing.
    """

    verdict: Verdict
    reason: str
    reference: Record | None = None
    first: float | None = None
    trajectory: float | None = None
    gradient: float | None = None
    steps: int = 0
    gradient_steps: int = 0


class References:
    """An index over records that finds the one each must agree with."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = {_key(record, record.method): record for record in records}

    def find(self, record: Record, method: str) -> Record | None:
        """Return the record of a method that did the same work in the same launch."""
        return self._records.get(_key(record, method))

    def parity(self, record: Record) -> Parity:
        """Return how this record's losses compare with its reference's."""
        return _parity(record, self)


@once
def _parity(record: Record, references: References) -> Parity:
    name = record.case.method.reference
    if name is None:
        return _no_reference("it is its own reference")
    if record.outcome != "ok":
        return _no_reference("it has no losses to compare")
    reference = references.find(record, name)
    if reference is None:
        return _no_reference(f"{name} did not run the same workload in this repeat")
    return compare_losses(record, reference)


def compare_losses(record: Record, reference: Record) -> Parity:
    """Return how the losses of any two records of the same work compare, of any runs."""
    hindrance = _hindrance(record, reference)
    return _no_reference(hindrance) if hindrance else _compared(record, reference)


def _key(record: Record, method: str) -> tuple[str, str, int, str, str, str]:
    run = (record.run_id, record.profile, record.launch)
    return (*run, record.work_key, record.case.loop, method)


def _no_reference(reason: str) -> Parity:
    return Parity(verdict="no reference", reason=reason)


def _hindrance(record: Record, reference: Record) -> str:
    """Return why the losses of the two say nothing about each other, or an empty string."""
    title = reference.case.method.title
    if reference.outcome != "ok":
        return f"{title} has no losses to compare with ({reference.outcome})"
    if record.case.method.quantization != reference.case.method.quantization:
        return f"other base weights: they are not stored as those of {title} are"
    if record.weights != reference.weights:
        return f"other base weights: {record.weights}, and {reference.weights} for {title}"
    return ""


def _compared(record: Record, reference: Record) -> Parity:
    title = reference.case.method.title
    others = {step.index: step for step in reference.steps}
    pairs = [(step, others[step.index]) for step in record.steps if step.index in others]
    if not pairs:
        return _no_reference(f"no step in common with {title}")
    losses = []
    for step, other in pairs:
        where = f"at step {step.index + 1}"
        if other.loss is None:
            return _no_reference(f"the loss of {title} is {other.loss_text or 'unknown'} {where}")
        if step.loss is None:
            return _differs(reference, f"loss is {step.loss_text or 'unknown'} {where}")
        if step.tokens_loss != other.tokens_loss:
            return _differs(
                reference,
                f"{step.tokens_loss} loss tokens {where}, {other.tokens_loss} with {title}",
            )
        losses.append(abs(step.loss - other.loss) / max(abs(other.loss), LOSS_FLOOR))
    norms = _norms(pairs) if _gradient_speaks(record) else {}
    agreement = Parity(
        verdict="agrees",
        reason="",
        reference=reference,
        first=losses[0],
        trajectory=max(losses),
        gradient=max(norms.values(), default=None),
        steps=len(pairs),
        gradient_steps=len(norms),
    )
    allowed = band(record)
    if over := _over(losses, norms, allowed):
        return msgspec.structs.replace(agreement, verdict="differs", reason=over)
    reason = f"first loss within {percent(allowed.first_loss)}, all {percent(allowed.trajectory)}"
    reason += _said_of_norms(record, agreement, allowed)
    return msgspec.structs.replace(agreement, reason=reason)


def _over(losses: Sequence[float], norms: Mapping[int, float], allowed: Band) -> str:
    """Return what is outside the band, or an empty string; ``norms`` are by step index."""
    if losses[0] > allowed.first_loss:
        return f"first loss is {percent(losses[0])} away, over {percent(allowed.first_loss)}"
    if (largest := max(losses)) > allowed.trajectory:
        return f"losses part by up to {percent(largest)}, over {percent(allowed.trajectory)}"
    for index, norm in norms.items():
        if norm > allowed.gradient:
            return (
                f"gradient norm is {percent(norm)} away at step {index + 1},"
                f" over {percent(allowed.gradient)}"
            )
    return ""


def _said_of_norms(record: Record, found: Parity, allowed: Band) -> str:
    """Return how a reason goes on about gradient norms that do not differ."""
    if not _gradient_speaks(record):
        return "; gradient norms say nothing on NF4 weights of the first fill"
    missing = found.steps - found.gradient_steps
    if not found.gradient_steps:
        return "; gradient norms are unknown"
    said = f", gradient norms {percent(allowed.gradient)}"
    return f"{said} (unknown at {missing} of {found.steps} steps)" if missing else said


def band(record: Record) -> Band:
    """Return how far the record may be from its reference, by its base weights and model."""
    if not record.weights.startswith("dummy"):
        return OTHER_BAND
    dense = record.case.model.architecture.experts is None
    return DUMMY_BAND if dense else EXPERTS_BAND


def _norms(pairs: Iterable[tuple[Step, Step]]) -> dict[int, float]:
    """Return how far gradient norms are apart, by step index, where both are known."""
    return {
        step.index: abs(step.gradient_norm - other.gradient_norm) / abs(other.gradient_norm)
        for step, other in pairs
        if step.gradient_norm is not None and other.gradient_norm
    }


def _gradient_speaks(record: Record) -> bool:
    """Return whether gradients are more than rounding.

    Dummy NF4 weights of the first fill had a mean that drowned them (``model.weights``).
    """
    nf4 = record.case.method.quantization is not None
    return not (nf4 and record.weights.startswith("dummy") and "fill" not in record.weights)


def _differs(reference: Record, reason: str) -> Parity:
    return Parity(verdict="differs", reason=reason, reference=reference)
