"""How many floating-point operations one optimizer step needs, from shapes alone.

A multiply and an add are two operations. Counted are matrix products, which is where the time
goes; norms, activations, softmax and the optimizer are left out, as is usual (PaLM, appendix B,
arXiv:2204.02311), and so are DoRA's lengths of rows, which are of weights and not of tokens. What
is particular here:

- *LoRA-aware*: a frozen layer has no weight gradient, so its backward pass costs as much as its
  forward pass (about 4N a token in all), not twice as much (6N).
- *Mixture of experts*: only the experts a token is routed to.
- *Attention*: pairs of query and key that the causal mask (and the sliding window) leaves, from
  the real row lengths.
- *Recomputation* for gradient checkpointing is work of the method, not of the model: apart.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from suite.catalog.architecture import Architecture
from suite.catalog.method import Adapter
from suite.catalog.targets import Shape, adapted, experts, linear


class StepFlops(msgspec.Struct, frozen=True, kw_only=True):
    """Floating-point operations of one optimizer step; ``recompute`` is not part of ``model``."""

    forward: int
    backward: int
    recompute: int

    @property
    def model(self) -> int:
        """Return what the mathematics needs: forward and backward, nothing done twice."""
        return self.forward + self.backward


def step_flops(
    architecture: Architecture,
    adapter: Adapter | None,
    row_tokens: Sequence[int],
    *,
    recomputes: bool,
) -> StepFlops:
    """Return the operations for rows of the given real lengths, in tokens.

    ``adapter`` None means that every parameter is trained. ``recomputes`` is true where gradient
    checkpointing runs each layer's forward pass a second time.
    """
    tokens = sum(row_tokens)
    layers = architecture.layers
    weights = 2 * layers * _layer_weights(architecture) * tokens
    lora = 2 * layers * _layer_adapter_weights(architecture, adapter) * tokens
    pairs = attention_flops(architecture, row_tokens)
    head = 2 * architecture.vocabulary_size * architecture.hidden_size * tokens
    layer_forward = weights + lora + pairs
    trained = 2 if adapter is None else 1
    return StepFlops(
        forward=layer_forward + head,
        backward=trained * (weights + head) + 2 * lora + 2 * pairs,
        recompute=layer_forward if recomputes else 0,
    )


def attention_flops(architecture: Architecture, row_tokens: Sequence[int]) -> int:
    """Return the operations of one forward pass that attention does between positions."""
    heads = architecture.attention_heads * architecture.head_size
    return 4 * heads * _pairs(architecture, row_tokens)


# Every batch of every record asks, and few models are behind them all.
@lru_cache(maxsize=256)
def _layer_weights(architecture: Architecture) -> int:
    """Return the weights of one layer that a token is multiplied with."""
    shapes = linear(architecture) | experts(architecture)
    if architecture.experts is not None:
        shapes["mlp.router"] = (architecture.experts.count, architecture.hidden_size)
    return sum(_active(architecture, shape) * math.prod(shape[-2:]) for shape in shapes.values())


@lru_cache(maxsize=256)
def _layer_adapter_weights(architecture: Architecture, adapter: Adapter | None) -> int:
    """Return the adapter weights of one layer that a token is multiplied with."""
    if adapter is None:
        return 0
    shapes = adapted(architecture, adapter.targets).values()
    return adapter.rank * sum(_active(architecture, shape) * sum(shape[-2:]) for shape in shapes)


def _active(architecture: Architecture, shape: Shape) -> int:
    """Return how many matrices of a stack a token goes through: of experts, those routed to."""
    return architecture.experts.active if architecture.experts and len(shape) > 2 else 1


def _pairs(architecture: Architecture, row_tokens: Sequence[int]) -> int:
    """Return the query-key pairs of all layers that the masks leave."""
    full = sum(n * (n + 1) // 2 for n in row_tokens)
    window = architecture.sliding_window
    if window is None:
        return architecture.layers * full
    windowed = sum(
        n * (n + 1) // 2 if n <= window else window * (window + 1) // 2 + (n - window) * window
        for n in row_tokens
    )
    # Every other layer slides, beginning with the first (gpt-oss).
    sliding_layers = (architecture.layers + 1) // 2
    return sliding_layers * windowed + (architecture.layers - sliding_layers) * full
