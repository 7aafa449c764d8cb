"""Notes a loop takes while it runs, for the memory ledger of its steady steps."""

from typing import Any

import torch

from suite.catalog.device import is_gpu
from suite.wire import Ledger
from suite.worker import ledger
from suite.worker.machine import gpu_memory


class MemoryNotes:
    """What has to be looked at in the middle of a step. Costs nothing on the CPU."""

    def __init__(self, model: torch.nn.Module, device: str) -> None:
        self._model, self._on_gpu = model, is_gpu(device)
        self._gradient_bytes = 0
        self._allocated_before: int | None = None

    def step_begins(self) -> None:
        """Note what is allocated before a step."""
        if self._on_gpu:
            self._allocated_before = gpu_memory.allocated()

    def gradients_are_there(self) -> None:
        """Count the gradients; call in one step of warm-up, since counting takes time."""
        self._gradient_bytes = sum(
            ledger.held(parameter.grad).nbytes
            for parameter in self._model.parameters()
            if parameter.grad is not None
        )

    def ledger(self, optimizer: Any) -> Ledger:
        """Return where the memory of the last phase went; call once the steps are over."""
        return ledger.take(
            self._model,
            getattr(optimizer, "optimizer", optimizer),  # accelerate wraps it
            gradient_bytes=self._gradient_bytes,
            allocated_before_step_bytes=self._allocated_before,
            allocated_peak_bytes=gpu_memory.peak_allocated() if self._on_gpu else None,
            reserved_peak_bytes=gpu_memory.peak_reserved() if self._on_gpu else None,
        )
