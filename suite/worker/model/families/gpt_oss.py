"""gpt-oss: its experts are stored in stacks, or in 4 bits as a matrix for each expert."""

from collections.abc import Iterator, Mapping
from typing import Any

from transformers import GptOssConfig

from suite.catalog.architecture import Architecture
from suite.worker.model.tensors import Layout, StoredTensor, packed, whole

END = "<|return|>"


def config(architecture: Architecture, common: Mapping[str, Any]) -> Any:
    """Return transformers' configuration; see ``HubFamily.config``."""
    experts = architecture.experts
    assert experts is not None
    # YaRN as OpenAI's reference code has it: factor 32 over the original 4,096 positions.
    rope = {
        "rope_type": "yarn",
        "rope_theta": architecture.rope_theta,
        "factor": 32.0,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "truncate": False,
        "original_max_position_embeddings": architecture.max_positions // 32,
    }
    return GptOssConfig(
        **{**common, "rope_parameters": rope},
        num_local_experts=experts.count,
        num_experts_per_tok=experts.active,
        intermediate_size=experts.intermediate_size,
        sliding_window=architecture.sliding_window,
        architectures=["GptOssForCausalLM"],
    )


def stored(name: str, shape: tuple[int, ...], layout: Layout) -> Iterator[StoredTensor]:
    """Yield a parameter as the files hold it; see ``HubFamily.stored``."""
    if layout == "dense":
        yield whole(name, shape)
    elif name.endswith("_proj.weight"):
        yield from packed(name, shape[0], shape[1])
    elif ".experts." not in name:
        yield whole(name.replace(".router.", ".router.linear."), shape)
    else:
        yield from _experts(name, shape)


def _experts(name: str, shape: tuple[int, ...]) -> Iterator[StoredTensor]:
    """Yield a stack of experts' weights or biases, one by one."""
    stem, _, projection = name.rpartition(".")
    part = projection.removesuffix("_bias")
    for expert in range(shape[0]):
        target = f"{stem}.{part}s.{expert}"
        if part == projection:
            yield from packed(f"{target}.weight", shape[2], shape[1])
        else:
            yield whole(f"{target}.bias", shape[1:])
