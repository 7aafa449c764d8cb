"""Models: what is tuned. Architecture facts live in ``models/*.toml``, each with its source."""

from pathlib import Path

import msgspec

from suite.catalog import families, toml
from suite.catalog.architecture import Architecture
from suite.catalog.bounds import Positive
from suite.catalog.families import FamilyName
from suite.catalog.names import HubId, Name
from suite.errors import BadInput

FOLDER = Path(__file__).parent / "models"


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of the catalog.

    ``parameters`` is the exact total count (tied weights once) that the built model must have.
    ``hub_revision`` is null where no commit was pinned; the record then holds the one loaded.
    """

    name: Name
    title: str
    family: FamilyName
    source: str
    license: str
    parameters: Positive
    architecture: Architecture
    hub_id: HubId | None = None
    hub_revision: Name | None = None
    active_parameters: Positive | None = None

    def __post_init__(self) -> None:
        if families.of(self.family).has_experts != (self.architecture.experts is not None):
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
