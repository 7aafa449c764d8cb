"""Engines: the library that runs a method, by the name of its module in the worker.

A new engine is that module and one entry here, which says what cases and estimates have to know.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from suite.catalog.optimizers import OptimizerName

EngineName = Literal["transformers", "unsloth"]
PLAIN: EngineName = "transformers"  #: what the others are compared with


class EngineKind(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine does in a step. Where nothing is said, it does as transformers does."""

    quantizes_experts: bool = False  #: with 4-bit weights, a mixture's experts have them too
    fused_kernels: bool = False  #: norms, rotary positions and gates are one kernel each
    fused_loss: bool = False  #: under every loop, a batch's logits are never held at once
    attention_masks: bool = True  #: are built for rows of different lengths
    wide_adapters: bool = False  #: float32 on 4-bit weights too, where TRL makes them bfloat16
    wide_norms: bool = False  #: float32 where all is trained; see also ``ModelFamily``
    rotary_copy: bool = True  #: dense models under adapters keep rotary frequencies twice
    single_experts: bool = False  #: the host starts kernels for each expert of a layer
    offload_buffers: bool = False  #: for hidden states on their way to the host and back
    own_checkpointing: bool = False  #: its own way to compute activations anew
    liger: bool = False  #: takes Liger's kernels
    chooses_experts: bool = False  #: computes experts in 4 bits in either way that is asked
    packs_in_trl_only: bool = False  #: tells documents of a row apart by TRL's batches alone
    whole_weights: bool = False  #: kernels read whole weights, of which FSDP2 has shards
    cpu_optimizer: OptimizerName | None = None  #: without a GPU it puts this one in any's place


ENGINES: Mapping[EngineName, EngineKind] = MappingProxyType(
    {
        "transformers": EngineKind(liger=True),
        "unsloth": EngineKind(
            quantizes_experts=True,
            fused_kernels=True,
            fused_loss=True,
            attention_masks=False,
            wide_adapters=True,
            wide_norms=True,
            rotary_copy=False,
            single_experts=True,
            offload_buffers=True,
            own_checkpointing=True,
            chooses_experts=True,
            packs_in_trl_only=True,
            whole_weights=True,
            cpu_optimizer="adamw_torch_fused",
        ),
    }
)
