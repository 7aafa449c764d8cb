"""Families: what models of one kind have in common beside their shapes. One module is one family.

The module's name is the family's, with "_" for "-". What transformers has to be told of a family
is in the module of the same name in ``suite/worker/model/families/``.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal, cast

import msgspec

from suite.catalog.architecture import Architecture
from suite.catalog.targets import Shape

FamilyName = Literal["qwen3", "qwen3-moe", "gpt-oss", "llama"]


class ModelFamily(msgspec.Struct, frozen=True, kw_only=True):
    """What a module of this folder says, as its ``FAMILY``.

    ``layer`` returns all parameters of one layer by name and shape, in the model's order and with
    the names of transformers. ``has_experts``: in every layer, in place of a dense network.
    ``no_sdpa`` says why eager attention runs where SDPA was asked for, ``no_packing`` why the
    documents of one row would see each other; both are empty where all is well.
    """

    layer: Callable[[Architecture], Mapping[str, Shape]]
    has_experts: bool
    no_sdpa: str = ""
    no_packing: str = ""
    #: In 4 bits Unsloth makes linear layers of each expert's projections, and computes them one by
    #: one or in grouped products.
    unsloth_splits_experts: bool = False
    #: Unsloth computes norms in float32 under adapters too, not only where all is trained.
    unsloth_widens_norms: bool = False


@cache
def of(name: str) -> ModelFamily:
    """Return a family by its name."""
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return cast(ModelFamily, module.FAMILY)


def names() -> list[str]:
    """Return the names of the families."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))
