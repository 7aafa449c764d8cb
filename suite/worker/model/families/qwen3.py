"""Qwen3: its files hold each parameter as the model does."""

from collections.abc import Iterator, Mapping
from typing import Any

from transformers import Qwen3Config

from suite.catalog.architecture import Architecture
from suite.worker.model.tensors import Layout, StoredTensor, whole

END = "<|im_end|>"


def config(architecture: Architecture, common: Mapping[str, Any]) -> Any:
    """Return transformers' configuration; see ``HubFamily.config``."""
    return Qwen3Config(
        **common,
        intermediate_size=architecture.intermediate_size,
        architectures=["Qwen3ForCausalLM"],
    )


def stored(name: str, shape: tuple[int, ...], layout: Layout) -> Iterator[StoredTensor]:
    """Yield a parameter as the files hold it; see ``HubFamily.stored``."""
    yield whole(name, shape)
