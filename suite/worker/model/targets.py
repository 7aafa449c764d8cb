"""Which modules and parameters get an adapter, by model family."""

from suite.catalog.method import Adapter

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
FEED_FORWARD = ["gate_proj", "up_proj", "down_proj"]


def module_targets(adapter: Adapter, family: str) -> list[str]:
    """Return the last part of the names of the linear layers that get an adapter.

    A mixture-of-experts model keeps its experts as fused parameters, not linear layers, so only
    attention is left: see ``parameter_targets`` for the experts.
    """
    return ATTENTION if family in ("gpt-oss", "qwen3-moe") else ATTENTION + FEED_FORWARD


def parameter_targets(adapter: Adapter, family: str) -> list[str] | None:
    """Return the fused expert parameters that get an adapter (PEFT's ``target_parameters``)."""
    if adapter.targets == "experts" and family in ("gpt-oss", "qwen3-moe"):
        return ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
    return None
