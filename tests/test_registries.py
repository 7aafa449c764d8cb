"""The names that a file or an option may use are those that a registry finds, and no others."""

from collections.abc import Iterable
from typing import Any, get_args

import pytest

from suite.catalog import families
from suite.catalog.engines import ENGINES, EngineName
from suite.catalog.families import FamilyName
from suite.catalog.loops import LOOPS, Loop
from suite.catalog.optimizers import OPTIMIZERS, OptimizerName
from suite.catalog.targets import PLACES, Target
from suite.worker import engines
from suite.worker import loops as loop_modules
from suite.worker.model import families as hub_families

#: What is registered, beside the type that lists the allowed names.
REGISTRIES: dict[str, tuple[Any, Iterable[str]]] = {
    "engines": (EngineName, engines.names()),
    "engines as estimates know them": (EngineName, ENGINES),
    "loops": (Loop, loop_modules.names()),
    "loops as pages call them": (Loop, LOOPS),
    "families": (FamilyName, families.names()),
    "families in the worker": (FamilyName, hub_families.names()),
    "optimizers": (OptimizerName, OPTIMIZERS),
    "adapter targets": (Target, PLACES),
}


@pytest.mark.parametrize("registry", REGISTRIES)
def test_allowed_names_are_the_registered_ones(registry: str) -> None:
    """A module without its name cannot be asked for, a name without its module fails late."""
    allowed, found = REGISTRIES[registry]
    assert sorted(get_args(allowed)) == sorted(found)
