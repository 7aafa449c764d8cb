"""Loops: what drives the optimizer steps, the same for every engine.

One module is one loop, its file name is its name; the contract is ``Loop``.
"""

import importlib
import pkgutil
from typing import Any, Protocol, cast

from suite.wire import Ledger, Start
from suite.worker.data import TrainingRow
from suite.worker.training.step_gate import Gate


class Loop(Protocol):
    """What a module of this folder offers."""

    def run(
        self, model: Any, tokenizer: Any, rows: list[TrainingRow], start: Start, gate: Gate
    ) -> Ledger | None:
        """Prepare, let ``gate`` hold every step, and return once it says that it is enough.

        Returns where the memory of the steady steps went, or None without a step.
        """


def open_loop(name: str) -> Loop:
    """Import a loop by name; the engine must have been imported before."""
    return cast(Loop, importlib.import_module(f"suite.worker.loops.{name}"))


def names() -> list[str]:
    """Return the names of the loops."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))
