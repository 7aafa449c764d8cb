"""Optimizers: each name that a method's file may use, and what has to be known of it.

A new one is one entry here, under the name that transformers has for it. What a record is checked
against, and the estimates of memory and time, come out of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

OptimizerName = Literal["adamw_torch_fused", "adamw_torch", "paged_adamw_8bit", "adamw_8bit"]


class OptimizerKind(msgspec.Struct, frozen=True, kw_only=True):
    """``running``: its class, and in brackets its settings, as a record names what ran.

    ``moments``: the numbers that it keeps about each trained weight. ``eight_bit``: in 8 bits each
    and a scale for a block of them; else each as wide as the weight, and a step counter for each
    tensor.
    """

    running: str
    moments: int = 2
    eight_bit: bool = False


OPTIMIZERS: Mapping[OptimizerName, OptimizerKind] = MappingProxyType(
    {
        "adamw_torch_fused": OptimizerKind(running="AdamW (fused)"),
        "adamw_torch": OptimizerKind(running="AdamW"),
        "paged_adamw_8bit": OptimizerKind(running="AdamW (8 bit, paged)", eight_bit=True),
        "adamw_8bit": OptimizerKind(running="AdamW (8 bit)", eight_bit=True),
    }
)
