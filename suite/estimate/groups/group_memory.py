"""What each of several GPUs must hold, from shapes and from what one GPU needs.

DDP: what one GPU needs, and a copy of the gradients, out of which they are averaged. FSDP2: a
share of all that is kept between steps but quantization state, which each GPU has whole; one GPU's
activations, for the rows are its own; and two layers' gathered weights, one in use and the next on
its way. Quantized weights are made whole before they are shared out, which can be the peak.
"""

from suite.catalog.case import Case
from suite.estimate import activations, storage
from suite.estimate.groups.group_model import GroupModel, on_one
from suite.estimate.interval import Interval
from suite.estimate.memory import FRAGMENTATION, WORKSPACE_BYTES, MemoryModel
from suite.estimate.pass_sizes import work
from suite.results.memory.fits_card import COMFORTABLE_SHARE, Verdict

GATHERED_LAYERS = 2
_WHOLE = ("quantization_state", "buffers")  #: lines of which each GPU has all


def needs(
    case: Case,
    alone: Interval | None,
    memory: MemoryModel,
    groups: GroupModel,
    device_bytes: float | None,
) -> Interval | None:
    """Return what each GPU of a case on several must hold, in bytes; None is unknown.

    ``alone`` is what the same rows need on one. Tensors, fragmentation and the CUDA context.
    """
    context = groups.context_bytes(case)
    if case.parallel is None or context is None:
        return None
    if case.parallel.kind == "ddp":
        copied = storage.trained_bytes(case.model, case.method)
        return None if alone is None else alone.plus(context).map(lambda each: each + copied)
    if case.parallel.kind == "fsdp2":
        return _shared(on_one(case), case.gpus, memory, device_bytes).plus(context)
    return None


def verdict(needed: Interval | None, offered_bytes: float | None) -> Verdict:
    """Return whether GPUs that offer so much hold it, over the whole interval."""
    if needed is None or offered_bytes is None:
        return "unknown"
    if needed.low > offered_bytes:
        return "does not fit"
    return "fits" if needed.high <= COMFORTABLE_SHARE * offered_bytes else "tight"


def _shared(case: Case, gpus: int, memory: MemoryModel, device_bytes: float | None) -> Interval:
    """Return what one of so many GPUs needs under FSDP2, with the context of one GPU alone."""
    held, _ = activations.estimate(work(case), memory.scales, case.model.name)
    frozen = sum(storage.frozen_bytes(case.model, case.method).values())
    kept = WORKSPACE_BYTES + sum(
        (line.bytes or 0) / (1 if line.part in _WHOLE else gpus) for line in storage.lines(case)
    )
    gathered = GATHERED_LAYERS * frozen / case.model.architecture.layers
    making = 0.0
    if case.method.quantization is not None:
        making = storage.load_bytes(case) + frozen / gpus
    alone = memory.estimate(case, device_bytes)
    moving = storage.trained_bytes(case.model, case.method) / gpus
    ends = [
        max(kept + gathered + held_end, making) + context + share * (moving + gathered + held_end)
        for held_end, context, share in (
            (held.low, alone.context_bytes.low, FRAGMENTATION.low),
            (held.value, alone.context_bytes.value, FRAGMENTATION.value),
            (held.high, alone.context_bytes.high, FRAGMENTATION.high),
        )
    ]
    return Interval(low=ends[0], value=ends[1], high=ends[2])
