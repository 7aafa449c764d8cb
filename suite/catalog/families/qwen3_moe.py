"""Qwen3 with experts: the attention of Qwen3, and experts in place of its dense network."""

from suite.catalog import targets
from suite.catalog.architecture import Architecture
from suite.catalog.families import ModelFamily
from suite.catalog.targets import Shape


def _layer(architecture: Architecture) -> dict[str, Shape]:
    head, hidden, experts = architecture.head_size, architecture.hidden_size, architecture.experts
    assert experts is not None
    linear = targets.linear(architecture)
    return {
        **{f"{name}.weight": shape for name, shape in linear.items()},
        "self_attn.q_norm.weight": (head,),
        "self_attn.k_norm.weight": (head,),
        **targets.experts(architecture),
        "mlp.gate.weight": (experts.count, hidden),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }


FAMILY = ModelFamily(layer=_layer, has_experts=True)
