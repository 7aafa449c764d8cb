"""Loops: what drives the steps, by the name of its module in the worker; what is known of it here.

A new loop is that module and one entry here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

Loop = Literal["sft", "trainer", "bare"]


class LoopKind(msgspec.Struct, frozen=True, kw_only=True):
    """``words``: how pages call it. ``fused_loss``: its loss never holds a batch's logits."""

    words: str
    fused_loss: bool = False


LOOPS: Mapping[Loop, LoopKind] = MappingProxyType(
    {
        "sft": LoopKind(words="TRL's SFTTrainer", fused_loss=True),
        "trainer": LoopKind(words="transformers' Trainer"),
        "bare": LoopKind(words="plain PyTorch, no trainer"),
    }
)
