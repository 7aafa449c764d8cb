"""The phases of a worker's life: when they begin and end, how long, with which memory peaks."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.catalog.device import is_gpu
from suite.wire import Connection, Memory, Phase, PhaseBegun, PhaseDone, PhaseName
from suite.worker.machine import gpu_memory

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


class Phases:
    """One phase at a time; each is announced when it begins and reported when it ends.

    ``current`` is the phase, and ``step`` the optimizer step, that a failure now would belong to.
    """

    def __init__(self, connection: Connection, device: str) -> None:
        self.current: PhaseName = "start"
        self.step: int | None = None
        self._connection = connection
        self._on_gpu = is_gpu(device)
        self._began = 0.0
        self._rss_reset = False

    def begin(self, name: PhaseName) -> None:
        """Announce a phase and start its clock and its peaks."""
        self.current = name
        self._connection.send(PhaseBegun(name=name))
        self._rss_reset = _reset_host_peak()
        if self._cuda():
            gpu_memory.reset_peaks()
        self._began = time.perf_counter()

    def end(self) -> None:
        """Report the current phase as done."""
        seconds = time.perf_counter() - self._began
        phase = Phase(name=self.current, seconds=seconds, memory=self._memory())
        self._connection.send(PhaseDone(phase=phase))

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        """Time a block as one phase; a block that raises leaves it open, as ``current``."""
        self.begin(name)
        yield
        self.end()

    def _cuda(self) -> bool:
        torch = sys.modules.get("torch")
        return torch is not None and self._on_gpu and bool(torch.cuda.is_initialized())

    def _memory(self) -> Memory:
        unavailable = {"nvml_process_peak_bytes": "measured by the session, not by the worker"}
        allocated = reserved = None
        if self._cuda():
            allocated = gpu_memory.peak_allocated()
            reserved = gpu_memory.peak_reserved()
        else:
            reason = (
                "torch counts no host allocations"
                if not self._on_gpu
                else "no CUDA context yet in this phase"
            )
            unavailable["allocated_peak_bytes"] = unavailable["reserved_peak_bytes"] = reason
        host = host_peak_bytes()
        if host is None:
            unavailable["host_rss_peak_bytes"] = "no VmHWM in /proc/self/status"
        elif not self._rss_reset:
            host = None
            unavailable["host_rss_peak_bytes"] = (
                "the kernel's peak could not be reset (/proc/self/clear_refs), so it would be"
                " that of an earlier phase"
            )
        return Memory(
            allocated_peak_bytes=allocated,
            reserved_peak_bytes=reserved,
            host_rss_peak_bytes=host,
            unavailable=unavailable,
        )


def host_peak_bytes() -> int | None:
    """Return the peak resident set of this process since its last reset; None where unknown."""
    return _status_bytes("VmHWM")


def address_space_peak_bytes() -> int | None:
    """Return the most address space that this process has had; None where unknown."""
    return _status_bytes("VmPeak")


def _status_bytes(name: str) -> int | None:
    try:
        text = STATUS.read_text(encoding="ascii")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _reset_host_peak() -> bool:
    try:
        CLEAR_REFS.write_text("5", encoding="ascii")  # proc(5): resets the peak resident set
    except OSError:
        return False
    return True
