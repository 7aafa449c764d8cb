"""What ranks say beside what every worker says: of themselves, and of what joins them.

These structs travel in the frames of ``suite.wire`` and end up in a record as they are.
"""

from typing import Literal

import msgspec

from suite.catalog.bounds import Column, Count, Float, Positive, Rate, StepSeconds

Operation = Literal["all-reduce", "all-gather"]


class Transfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a collective of all ranks reached with messages of one size.

    ``operation`` is "all-reduce" or "all-gather". ``message_bytes`` is what it works on in all:
    each rank's own tensor, or what every rank has gathered in the end. ``bus_bytes_per_second``
    is what each rank sends and receives where nothing is sent twice: independent of how many ranks
    there are (the "bus bandwidth" of NVIDIA's nccl-tests).
    """

    operation: Operation
    message_bytes: Positive
    seconds: StepSeconds
    bus_bytes_per_second: Rate


class Interconnect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast ranks reach each other, measured by themselves before the model is loaded.

    ``backend`` is torch's name, "nccl" or "gloo".
    """

    backend: str
    transfers: Column[Transfer] = ()


class RankReady(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rank of several, ready for its first step.

    ``weights_bytes`` are those of the parameters that this rank holds itself, and
    ``whole_bytes`` of the whole model, what quantization keeps beside the weights left out.
    ``first_rows`` are digests of its rows in the first step, ``data`` of all rows of the case.
    """

    rank: Count
    device: str
    trainable_parameters: Count
    weights_bytes: Count
    whole_bytes: Count
    first_rows: Column[str]
    data: str
    interconnect: Interconnect | None = None


class RankDone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rank of several after its last step.

    ``trained_sum`` adds up all trained weights that the rank holds, in 64 bits: whoever holds
    whole weights has the same sum as the others.
    """

    rank: Count
    trained_sum: Float | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a rank's main thread is: the innermost function that the interpreter knows of."""

    rank: Count
    place: str
