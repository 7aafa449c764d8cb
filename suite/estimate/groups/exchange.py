"""What ranks exchange in a step, and how long that takes alone at the rates that they measured.

A rate is the bus bandwidth of nccl-tests: a rank sends and receives 2 (n - 1) / n of an
all-reduce of n ranks, and (n - 1) / n of an all-gather or a reduce-scatter.
"""

import math
from collections.abc import Iterable

from suite.catalog.case import Case
from suite.estimate import storage
from suite.estimate.roofline import BFLOAT16, FLOAT32
from suite.wire.ranks import Operation, Transfer

_TIMES_SENT: dict[Operation, int] = {"all-reduce": 2, "all-gather": 1}
GATHERED = 2  #: times a step that FSDP2 gathers all weights: before forward and backward pass


def gathered_bytes(case: Case) -> float:
    """Return the bytes of all weights as FSDP2 gathers them: those of adapters in bfloat16."""
    trained = storage.trained_bytes(case.model, case.method)
    width = 1.0
    if case.method.adapter is not None and case.method.quantization is None:
        width = BFLOAT16 / FLOAT32
    return sum(storage.frozen_bytes(case.model, case.method).values()) + width * trained


def seconds(
    transfers: Iterable[Transfer],
    operation: Operation,
    total_bytes: float,
    gpus: int,
    *,
    messages: int = 1,
) -> float | None:
    """Return how long so many bytes take in so many messages, by the nearest probed size.

    None where the operation was not probed.
    """
    probed = [each for each in transfers if each.operation == operation]
    if not probed or total_bytes <= 0:
        return None
    size = total_bytes / messages
    near = min(probed, key=lambda each: abs(math.log(each.message_bytes / size)))
    moved = _TIMES_SENT[operation] * (gpus - 1) / gpus * total_bytes
    return moved / near.bus_bytes_per_second if near.bus_bytes_per_second else None


def step_seconds(case: Case, transfers: Iterable[Transfer]) -> float | None:
    """Return how long what a step exchanges takes alone; None where that is not known.

    DDP averages the gradients. FSDP2 gathers the weights of one layer after the other, twice, and
    scatters the gradients, which is taken to be as fast as gathering as much.
    """
    known, layers = list(transfers), case.model.architecture.layers
    gradients = storage.trained_bytes(case.model, case.method)
    if case.parallel is None or case.parallel.kind == "split":
        return None
    if case.parallel.kind == "ddp":
        return seconds(known, "all-reduce", gradients, case.gpus)
    total = GATHERED * gathered_bytes(case) + gradients
    return seconds(known, "all-gather", total, case.gpus, messages=(GATHERED + 1) * layers)
