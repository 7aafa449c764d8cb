"""Llama 3.1 and 3.3: their files hold each parameter as the model does."""

from collections.abc import Iterator, Mapping
from typing import Any

from transformers import LlamaConfig

from suite.catalog.architecture import Architecture
from suite.worker.model.tensors import Layout, StoredTensor, whole

END = "<|end_of_text|>"


def config(architecture: Architecture, common: Mapping[str, Any]) -> Any:
    """Return transformers' configuration; see ``HubFamily.config``."""
    # Meta's own scaling: 8 times the 8,192 positions of Llama 3, for low frequencies alone. (The
    # models say 131,072 positions, 16 times as many.)
    rope = {
        "rope_type": "llama3",
        "rope_theta": architecture.rope_theta,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": architecture.max_positions // 16,
    }
    return LlamaConfig(
        **{**common, "rope_parameters": rope},
        intermediate_size=architecture.intermediate_size,
        rms_norm_eps=1e-5,
        architectures=["LlamaForCausalLM"],
    )


def stored(name: str, shape: tuple[int, ...], layout: Layout) -> Iterator[StoredTensor]:
    """Yield a parameter as the files hold it; see ``HubFamily.stored``."""
    yield whole(name, shape)
