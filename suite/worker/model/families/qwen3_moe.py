"""Qwen3 with experts: its files hold three matrices for each expert."""

from collections.abc import Iterator, Mapping
from typing import Any

from transformers import Qwen3MoeConfig

from suite.catalog.architecture import Architecture
from suite.worker.model.tensors import Layout, StoredTensor, whole

END = "<|im_end|>"


def config(architecture: Architecture, common: Mapping[str, Any]) -> Any:
    """Return transformers' configuration; see ``HubFamily.config``."""
    experts = architecture.experts
    assert experts is not None
    return Qwen3MoeConfig(
        **common,
        num_experts=experts.count,
        num_experts_per_tok=experts.active,
        moe_intermediate_size=experts.intermediate_size,
        norm_topk_prob=True,
        architectures=["Qwen3MoeForCausalLM"],
    )


def stored(name: str, shape: tuple[int, ...], layout: Layout) -> Iterator[StoredTensor]:
    """Yield a parameter as the files hold it; see ``HubFamily.stored``."""
    if ".experts." not in name:
        yield whole(name, shape)
        return
    stem, _, projection = name.rpartition(".")
    count, rows, columns = shape
    for expert in range(count):
        if projection == "gate_up_proj":
            for part in ("gate_proj", "up_proj"):
                yield whole(f"{stem}.{expert}.{part}.weight", (rows // 2, columns))
        else:
            yield whole(f"{stem}.{expert}.{projection}.weight", (rows, columns))
