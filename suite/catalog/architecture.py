"""Architectures: the shapes of a model, whatever its name and weights."""

import msgspec

from suite.catalog.bounds import Factor, Positive


class Experts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mixture-of-experts part of a layer."""

    count: Positive
    active: Positive
    intermediate_size: Positive

    def __post_init__(self) -> None:
        if self.active > self.count:
            raise ValueError(f"active ({self.active}) exceeds count ({self.count})")


class Architecture(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shapes of a decoder-only transformer, in elements and counts."""

    hidden_size: Positive
    layers: Positive
    attention_heads: Positive
    key_value_heads: Positive
    head_size: Positive
    vocabulary_size: Positive
    max_positions: Positive
    rope_theta: Factor
    tied_embeddings: bool
    intermediate_size: Positive | None = None  #: dense feed-forward; None when experts replace it
    experts: Experts | None = None
    sliding_window: Positive | None = None  #: tokens, on every other layer

    def __post_init__(self) -> None:
        if self.attention_heads % self.key_value_heads:
            raise ValueError(
                f"attention_heads ({self.attention_heads}) is not a multiple of"
                f" key_value_heads ({self.key_value_heads})"
            )
        if self.head_size % 2:
            raise ValueError(f"head_size ({self.head_size}) must be even for rotary embeddings")
        if (self.intermediate_size is None) == (self.experts is None):
            raise ValueError("give exactly one of intermediate_size and experts")
