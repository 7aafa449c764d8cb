"""Does a method still train the same? Its losses and gradient beside its reference method's.

The reference is a record of the same run, profile and launch whose work is the same: same model,
workload, seed, adapters (``work_key``), loop, base weights and storage of the base weights.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from suite.results.record import Record
from suite.units import percent
from suite.wire import Step


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """How far apart two methods may be, relative to the reference.

    Both see the same weights, adapters and batches; what is left is the order of summation and
    bfloat16 rounding. ``first_loss`` and ``gradient`` (its norm) are of the first step, before any
    update; later steps inherit the differences of earlier ones, so ``trajectory`` is wider.
    """

    first_loss: float
    trajectory: float
    gradient: float


#: At least twice the largest differences between engines in the published records: a test holds
#: it, and the report shows them beside those of one method run twice ("How far losses lie apart").
#: The gradient's is the widest: TRL rounds QLoRA's adapters to bfloat16. A skipped layer, a wrong
#: scale or a changed mask moves them by far more.
DUMMY_BAND = Band(first_loss=0.0005, trajectory=0.002, gradient=0.012)
#: For trained weights nothing has been measured yet.
OTHER_BAND = Band(first_loss=0.005, trajectory=0.02, gradient=0.05)
#: Differences are relative to the reference's loss, or to this where that is smaller: near zero a
#: relative difference says nothing. In nats.
LOSS_FLOOR = 0.1

Verdict = Literal["agrees", "differs", "no reference"]


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """One record's losses against its reference.

    ``reason`` is a phrase for a reader. Differences are relative, and None without a reference or
    where a loss is not a number; ``trajectory`` is the largest over the ``steps`` that both took,
    ``gradient`` that of the first step's norm, None also where it says nothing.
    """

    verdict: Verdict
    reason: str
    reference: Record | None = None
    first: float | None = None
    trajectory: float | None = None
    gradient: float | None = None
    steps: int = 0


class References:
    """An index over records that finds the one each must agree with."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = {_key(record, record.method): record for record in records}
        # By identity, which holds as long as the record is kept beside.
        self._found: dict[int, tuple[Record, Parity]] = {}

    def parity(self, record: Record) -> Parity:
        """Return how this record's losses compare with its reference's."""
        place = id(record)
        if place not in self._found:
            self._found[place] = (record, self._parity(record))
        return self._found[place][1]

    def _parity(self, record: Record) -> Parity:
        name = record.case.method.reference
        if name is None:
            return _no_reference("it is its own reference")
        if record.outcome != "ok":
            return _no_reference("it has no losses to compare")
        reference = self._records.get(_key(record, name))
        if reference is None:
            return _no_reference(f"{name} did not run the same work in this launch")
        return between(record, reference)


def between(record: Record, reference: Record) -> Parity:
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
    differences = []
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
        scale = max(abs(other.loss), LOSS_FLOOR)
        differences.append(abs(step.loss - other.loss) / scale)
    if not differences:
        return _no_reference(f"no step in common with {title}")
    first, largest, gradient = differences[0], max(differences), _gradient(*pairs[0])
    if not _gradient_speaks(record):
        gradient = None
    allowed = band(record.weights)
    verdict: Verdict = "differs"
    if first > allowed.first_loss:
        reason = f"first loss is {percent(first)} away, over {percent(allowed.first_loss)}"
    elif largest > allowed.trajectory:
        reason = f"losses part by up to {percent(largest)}, over {percent(allowed.trajectory)}"
    elif gradient is not None and gradient > allowed.gradient:
        reason = f"first gradient is {percent(gradient)} away, over {percent(allowed.gradient)}"
    else:
        verdict = "agrees"
        reason = f"first loss within {percent(allowed.first_loss)}"
        reason += f", all {percent(allowed.trajectory)}"
        if gradient is not None:
            reason += f", first gradient {percent(allowed.gradient)}"
    return Parity(
        verdict=verdict,
        reason=reason,
        reference=reference,
        first=first,
        trajectory=largest,
        gradient=gradient,
        steps=len(differences),
    )


def band(weights: str) -> Band:
    """Return the band for a record's base weights, by its ``weights``."""
    return DUMMY_BAND if weights.startswith("dummy") else OTHER_BAND


def _gradient(step: Step, other: Step) -> float | None:
    """Return how far the gradient norms of two first steps are apart, or None when unknown."""
    ours, theirs = step.gradient_norm, other.gradient_norm
    if step.index != 0 or ours is None or not theirs:
        return None
    return abs(ours - theirs) / abs(theirs)


def _gradient_speaks(record: Record) -> bool:
    """Return whether the gradient is more than rounding.

    Dummy NF4 weights of the first fill had a mean that drowned it (``suite.worker.weights``).
    """
    nf4 = record.case.method.quantization is not None
    return not (nf4 and record.weights.startswith("dummy") and "fill" not in record.weights)


def _differs(reference: Record, reason: str) -> Parity:
    return Parity(verdict="differs", reason=reason, reference=reference)
