"""How a case is spread over several GPUs of one machine, and which methods can be.

``ddp``: every GPU has a process with the whole model; gradients are averaged.
``fsdp2``: every GPU has a process with a part of each weight, gathered layer by layer.
``split``: one process, each GPU has some of the layers, and they take turns.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from suite.catalog.engines import ENGINES
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.targets import PLACES
from suite.errors import BadInput

if TYPE_CHECKING:
    from suite.catalog.loops import Loop
    from suite.catalog.method import Method

ParallelName = Literal["ddp", "fsdp2", "split"]

MOST_GPUS = 64  #: of one machine
WORDS: Mapping[ParallelName, str] = MappingProxyType(
    {
        "ddp": "DDP",
        "fsdp2": "FSDP2",
        "split": "split by layers",
    }
)


class Parallel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Over how many GPUs, and how. A workload's batch is that of each rank, not of all."""

    kind: ParallelName
    gpus: Annotated[int, msgspec.Meta(ge=2, le=MOST_GPUS)]

    @property
    def ranks(self) -> int:
        """Return how many processes train together."""
        return 1 if self.kind == "split" else self.gpus

    @property
    def suffix(self) -> str:
        """Return how a case id says it."""
        return f"{self.kind}-{self.gpus}gpus"

    @property
    def words(self) -> str:
        """Return how pages say it, behind the rows of a batch."""
        place = f"on each of {self.gpus} GPUs" if self.ranks > 1 else f"on {self.gpus} GPUs"
        return f"{place} ({WORDS[self.kind]})"


WAYS = ", ".join(f"{name} ({words})" for name, words in WORDS.items())


def asked(gpus: int | None, kind: ParallelName | None) -> Parallel | None:
    """Return what ``--gpus`` and ``--parallel`` say; None leaves it to the tier.

    Raises BadInput where one is given without the other, or a number is out of range.
    """
    if kind is None:
        if gpus is not None and gpus > 1:
            raise BadInput(
                f"--gpus {gpus} does not say how they train together",
                hint=f"Add --parallel: {WAYS}.",
            )
        return None
    if gpus is None or not 2 <= gpus <= MOST_GPUS:
        raise BadInput(f"--parallel {kind} needs --gpus, from 2 to {MOST_GPUS}")
    return Parallel(kind=kind, gpus=gpus)


def refused(parallel: Parallel, method: "Method", loop: "Loop") -> str | None:
    """Return why a method cannot be trained so, or None."""
    words = WORDS[parallel.kind]
    if loop == "bare":
        return f"plain PyTorch without a trainer is for one GPU; {words} needs a trainer"
    if parallel.kind == "fsdp2":
        return _no_shards(method)
    return None


def _no_shards(method: "Method") -> str | None:
    if ENGINES[method.engine].whole_weights:
        return (
            "Unsloth does not support FSDP2: its kernels read whole weights, which FSDP2 gathers"
            " only around the layers' own forward passes; use --parallel ddp"
        )
    if OPTIMIZERS[method.optimizer.name].library == "bitsandbytes":
        return (
            f"bitsandbytes' optimizer {method.optimizer.name} cannot update sharded weights"
            " (DTensor); use --parallel ddp, or a method with another optimizer"
        )
    if method.adapter is not None and method.adapter.use_dora:
        return (
            "DoRA starts from the lengths of whole weights' rows, which a rank of FSDP2 does not"
            " have; use --parallel ddp"
        )
    if method.adapter is not None and PLACES[method.adapter.targets].experts:
        return (
            "adapters on experts add to whole fused weights, of which a rank has shards only"
            " under FSDP2"
        )
    return None
