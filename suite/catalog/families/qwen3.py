"""Qwen3: dense, with norms of queries and keys."""

from suite.catalog import targets
from suite.catalog.architecture import Architecture
from suite.catalog.families import ModelFamily
from suite.catalog.targets import Shape


def _layer(architecture: Architecture) -> dict[str, Shape]:
    head, hidden = architecture.head_size, architecture.hidden_size
    linear = targets.linear(architecture)
    return {
        **{f"{name}.weight": shape for name, shape in linear.items()},
        "self_attn.q_norm.weight": (head,),
        "self_attn.k_norm.weight": (head,),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }


FAMILY = ModelFamily(layer=_layer, has_experts=False)
