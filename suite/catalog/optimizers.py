"""Optimizers: each name that a method's file may use, and what has to be known of it.

A new one is one entry here, under the name that transformers has for it. What a record is checked
against, and the estimates of memory and time, come out of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

OptimizerName = Literal[
    "adamw_torch_fused", "adamw_torch", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"
]

#: bitsandbytes' own limits, in elements: smaller tensors have a state of 32 bits; a scale is for
#: a block of so many; only larger tensors are paged (``Optimizer8bit.get_state_buffer``).
LEAST_EIGHT_BIT, STATE_BLOCK, LEAST_PAGED = 4096, 256, 100_000
#: Two tables of 256 numbers that all states in 8 bits share.
CODE_BYTES = 2 * 256 * 4


class OptimizerKind(msgspec.Struct, frozen=True, kw_only=True):
    """What runs under a name. ``moments``: the numbers that it keeps about each trained weight.

    All of bitsandbytes' AdamW are of one class; its arguments tell them apart. ``bits`` of a
    moment: 8, and a scale for each block of them, or 32; None, as wide as the weight, and a step
    counter for each tensor. ``paged``: moments are CUDA managed memory, which moves to the host
    where the card is full.
    """

    library: Literal["torch", "bitsandbytes"]
    class_name: str = "AdamW"
    fused: bool = False
    bits: Literal[8, 32] | None = None
    paged: bool = False
    moments: int = 2

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return the arguments that tell it apart, in the words of a record."""
        said = (
            "fused" if self.fused else "",
            "" if self.bits is None else f"{self.bits} bit",
            "paged" if self.paged else "",
        )
        return tuple(word for word in said if word)

    def runs(self, effective: str) -> bool:
        """Return whether a record's ``optimizer_class`` is this one: library, class, arguments."""
        name, _, arguments = effective.partition(" (")
        if (name.partition(".")[0], name.rpartition(".")[2]) != (self.library, self.class_name):
            return False
        return arguments.removesuffix(")") == ", ".join(self.arguments)


OPTIMIZERS: Mapping[OptimizerName, OptimizerKind] = MappingProxyType(
    {
        "adamw_torch_fused": OptimizerKind(library="torch", fused=True),
        "adamw_torch": OptimizerKind(library="torch"),
        "adamw_8bit": OptimizerKind(library="bitsandbytes", bits=8),
        "paged_adamw_8bit": OptimizerKind(library="bitsandbytes", bits=8, paged=True),
        "paged_adamw_32bit": OptimizerKind(library="bitsandbytes", bits=32, paged=True),
    }
)
