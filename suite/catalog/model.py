"""Models: what is tuned. Architecture facts live in ``models/*.toml``, each with its source."""

from pathlib import Path
from typing import Literal

import msgspec

from suite.catalog import toml
from suite.catalog.bounds import Factor, Positive
from suite.catalog.names import HubId, Name
from suite.errors import BadInput

FOLDER = Path(__file__).parent / "models"


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


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of the catalog.

    ``parameters`` is the exact total count (tied weights once) that the built model must have.
    ``hub_revision`` is null where no commit was pinned; the record then holds the one loaded.
    """

    name: Name
    title: str
    family: Literal["qwen3", "qwen3-moe", "gpt-oss"]
    source: str
    license: str
    parameters: Positive
    architecture: Architecture
    hub_id: HubId | None = None
    hub_revision: Name | None = None
    active_parameters: Positive | None = None

    def __post_init__(self) -> None:
        if (self.family == "qwen3") == (self.architecture.experts is not None):
            raise ValueError(f"family {self.family!r} contradicts architecture.experts")


def refuse_beyond(model: Model, sequence_tokens: int, option: str) -> None:
    """Raise BadInput where rows of an option's length are longer than the model's positions."""
    positions = model.architecture.max_positions
    if sequence_tokens > positions:
        raise BadInput(
            f"{option} {sequence_tokens}: {model.name} has {positions:,} positions",
            hint=f"{FOLDER / model.name}.toml: key 'architecture.max_positions'",
        )


def names() -> list[str]:
    """Return the catalog's model names."""
    return toml.names(FOLDER)


def load(name: str) -> Model:
    """Return one model; raises BadInput for an unknown name or a bad file."""
    return toml.load(FOLDER, name, Model, noun="model")
