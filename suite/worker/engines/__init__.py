"""Engines: the library that loads a model, attaches adapters and brings its kernels.

One module is one engine, its file name is its name, and importing it imports the engine first of
all: Unsloth patches other libraries and must come before them. The contract is ``Engine``.
"""

import importlib
import pkgutil
from typing import Any, Protocol, cast

from suite.catalog.case import Case
from suite.wire import Start


class Engine(Protocol):
    """What a module of this folder offers."""

    def load(self, start: Start, checkpoint: str, revision: str | None) -> Any:
        """Return the model on the device, by the loader that a user of the engine calls.

        ``checkpoint`` is a folder or a hub id.
        """

    def attach(self, model: Any, case: Case) -> Any:
        """Return the model ready to train: adapters attached, or every parameter trainable."""


def open_engine(name: str) -> Engine:
    """Import an engine by name; slow, and the first heavy import of a process."""
    return cast(Engine, importlib.import_module(f"suite.worker.engines.{name}"))


def names() -> list[str]:
    """Return the names of the engines."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
