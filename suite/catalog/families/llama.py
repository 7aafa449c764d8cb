"""Llama 3.1 and 3.3: dense, with rotary positions that are stretched for long texts."""

from suite.catalog import targets
from suite.catalog.architecture import Architecture
from suite.catalog.families import ModelFamily
from suite.catalog.targets import Shape


def _layer(architecture: Architecture) -> dict[str, Shape]:
    linear, hidden = targets.linear(architecture), architecture.hidden_size
    return {
        **{f"{name}.weight": shape for name, shape in linear.items()},
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }


FAMILY = ModelFamily(layer=_layer, has_experts=False)
