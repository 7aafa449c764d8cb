"""gpt-oss: experts, biases everywhere, attention sinks, and a window on every other layer."""

from suite.catalog import targets
from suite.catalog.architecture import Architecture
from suite.catalog.families import ModelFamily
from suite.catalog.targets import Shape


def _layer(architecture: Architecture) -> dict[str, Shape]:
    hidden, experts = architecture.hidden_size, architecture.experts
    assert experts is not None
    found: dict[str, Shape] = {}
    for name, shape in targets.linear(architecture).items():
        found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    found["self_attn.sinks"] = (architecture.attention_heads,)
    for name, (count, rows, columns) in targets.experts(architecture).items():
        found[name] = (count, columns, rows)  # stored (in, out)
    return found | {
        "mlp.router.weight": (experts.count, hidden),
        "mlp.router.bias": (experts.count,),
        "mlp.experts.gate_up_proj_bias": (experts.count, 2 * experts.intermediate_size),
        "mlp.experts.down_proj_bias": (experts.count, hidden),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }


FAMILY = ModelFamily(
    layer=_layer,
    has_experts=True,
    no_sdpa="transformers has no SDPA for gpt-oss: its attention sinks need the eager one",
    no_packing=(
        "in transformers 5.17 gpt-oss builds its attention mask without position ids, and"
        " Unsloth refuses to pack it: the documents of one row would see each other"
    ),
    unsloth_splits_experts=True,
    unsloth_widens_norms=True,
)
