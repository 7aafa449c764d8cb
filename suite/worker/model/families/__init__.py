"""Families as transformers and the hub's files have them. One module is one family.

The module's name is the family's, with "_" for "-"; what else is known of it is in the module of
the same name in ``suite/catalog/families/``. The contract is ``HubFamily``.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, cast

from suite.catalog.architecture import Architecture
from suite.worker.model.tensors import Layout, StoredTensor


class HubFamily(Protocol):
    """What a module of this folder offers."""

    END: str  #: the token after a text

    def config(self, architecture: Architecture, common: Mapping[str, Any]) -> Any:
        """Return transformers' configuration; ``common`` is what all families have in it."""

    def stored(self, name: str, shape: tuple[int, ...], layout: Layout) -> Iterator[StoredTensor]:
        """Yield a parameter as the hub's files hold it: whole, split or packed."""


def open_family(name: str) -> HubFamily:
    """Import a family by name, and with it transformers."""
    return cast(HubFamily, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def names() -> list[str]:
    """Return the names of the families."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))
