"""Where adapters sit: each value of ``targets`` in a method's file, and what it means.

A new value is one entry here. Counts of parameters and operations, the worker's PEFT settings,
what a record is checked against and the words of pages all come out of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from suite.catalog.architecture import Architecture

Shape = tuple[int, ...]
Target = Literal["attention", "linear", "experts"]


class AdapterPlacement(msgspec.Struct, frozen=True, kw_only=True):
    """Which projections get an adapter beside the four of attention, and how a page says it.

    ``feed_forward``: gate, up and down projections that are ordinary linear layers, which a
    mixture-of-experts model has none of. ``experts``: every expert's projections.
    """

    words: str
    feed_forward: bool = False
    experts: bool = False


PLACES: Mapping[Target, AdapterPlacement] = MappingProxyType(
    {
        "attention": AdapterPlacement(words="attention"),
        "linear": AdapterPlacement(words="linear layers", feed_forward=True),
        "experts": AdapterPlacement(
            words="linear layers and experts", feed_forward=True, experts=True
        ),
    }
)


def adapted(architecture: Architecture, target: Target) -> dict[str, Shape]:
    """Return what gets an adapter in one layer: by name, (out, in) or (experts, out, in)."""
    place = PLACES[target]
    found = linear(architecture) if place.feed_forward else attention(architecture)
    return found | experts(architecture) if place.experts else found


def linear(architecture: Architecture) -> dict[str, Shape]:
    """Return one layer's ordinary linear layers, as (out, in)."""
    return attention(architecture) | feed_forward(architecture)


def attention(architecture: Architecture) -> dict[str, Shape]:
    """Return the projections of one layer's attention, as (out, in)."""
    hidden = architecture.hidden_size
    query = architecture.attention_heads * architecture.head_size
    key_value = architecture.key_value_heads * architecture.head_size
    return {
        "self_attn.q_proj": (query, hidden),
        "self_attn.k_proj": (key_value, hidden),
        "self_attn.v_proj": (key_value, hidden),
        "self_attn.o_proj": (hidden, query),
    }


def feed_forward(architecture: Architecture) -> dict[str, Shape]:
    """Return the projections of one layer's dense network, as (out, in); none with experts."""
    hidden, inner = architecture.hidden_size, architecture.intermediate_size
    if inner is None:
        return {}
    return {
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }


def experts(architecture: Architecture) -> dict[str, Shape]:
    """Return one layer's stacks of expert matrices, as (experts, out, in); none without experts.

    Gate and up are one fused projection to twice the width.
    """
    found, hidden = architecture.experts, architecture.hidden_size
    if found is None:
        return {}
    return {
        "mlp.experts.gate_up_proj": (found.count, 2 * found.intermediate_size, hidden),
        "mlp.experts.down_proj": (found.count, hidden, found.intermediate_size),
    }
