"""Methods: what is trained, and which engine runs it. One TOML in ``methods/`` is one method."""

import math
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from suite.catalog import toml
from suite.catalog.bounds import Factor
from suite.catalog.engines import ENGINES, EngineName
from suite.catalog.names import Name
from suite.catalog.optimizers import OptimizerName
from suite.catalog.targets import Target

FOLDER = Path(__file__).parent / "methods"


class Quantization(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the frozen base weights are stored."""

    scheme: Literal["nf4"]
    double_quantization: bool


class Adapter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Low-rank adapters (LoRA). ``targets``: which projections get one.

    ``attention``: query, key, value and output. ``linear``: those and the gate, up and down
    projections that are ordinary linear layers; a mixture-of-experts model has none of these.
    ``experts``: those and every expert's projections.

    ``use_rslora`` divides alpha by the root of the rank (arXiv:2312.03732), ``use_dora`` trains
    the length of each row of a weight apart from its direction (arXiv:2402.09353).
    """

    rank: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    alpha: Factor
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    targets: Target
    use_rslora: bool = False
    use_dora: bool = False

    @property
    def scaling(self) -> float:
        """Return what the product of an adapter's matrices is multiplied with."""
        return self.alpha / (math.sqrt(self.rank) if self.use_rslora else self.rank)


class Optimizer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The optimizer by its transformers name, its learning rate and gradient clipping norm."""

    name: OptimizerName
    learning_rate: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    max_gradient_norm: Factor


class Method(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to fine-tune.

    ``reference`` names the method whose losses this one must reproduce on the same weights, data
    and adapters; null for a method that is its own reference. ``why`` says why these settings
    are what a competent user of the method would choose (or, for a baseline, what it shows).
    """

    name: Name
    title: str
    summary: str
    why: str
    engine: EngineName
    optimizer: Optimizer
    attention: Literal["sdpa", "eager", "engine"]  #: "engine": whatever the engine picks
    autocast: bool  #: bfloat16 autocast around the forward pass
    gradient_checkpointing: Literal["none", "standard", "unsloth"]
    #: How the experts of a layer are computed: all in grouped matrix products, or one after
    #: another in a Python loop; "engine": whatever the engine picks.
    experts: Literal["engine", "grouped", "loop"] = "engine"
    liger: bool = False
    fused_loss: bool = True  #: the trainer's memory-saving loss where the loop has one
    reference: Name | None = None
    quantization: Quantization | None = None
    adapter: Adapter | None = None  #: None: every parameter is trained

    def __post_init__(self) -> None:
        if self.quantization is not None and self.adapter is None:
            raise ValueError("quantization without adapter: 4-bit weights cannot be trained")
        engine = ENGINES[self.engine]
        if self.gradient_checkpointing == "unsloth" and not engine.own_checkpointing:
            raise ValueError("gradient_checkpointing = 'unsloth' needs engine = 'unsloth'")
        chosen = engine.chooses_experts and self.quantization is not None
        if self.experts != "engine" and not chosen:
            raise ValueError(
                f"experts = {self.experts!r} needs engine = 'unsloth' and quantization: only its"
                " experts in 4 bits can be computed in either way"
            )
        if self.liger and not engine.liger:
            raise ValueError("liger needs engine = 'transformers'")


def names() -> list[str]:
    """Return the catalog's method names."""
    return toml.names(FOLDER)


def load(name: str) -> Method:
    """Return one method; raises BadInput for an unknown name or a bad file."""
    method = toml.load(FOLDER, name, Method, noun="method")
    if method.reference is not None and method.reference not in names():
        toml.load(FOLDER, method.reference, Method, noun=f"reference method of {name!r}:")
    return method
