"""Turns what went wrong in a worker into what its record will say."""

import re
import resource
import sys

from suite.wire import Failure, PhaseName
from suite.worker.machine import gpu_memory
from suite.worker.phases import address_space_peak_bytes, host_peak_bytes

UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
CUDA_REQUEST = re.compile(r"Tried to allocate ([\d.]+) (bytes|[KMGT]iB)")
CPU_REQUEST = re.compile(r"you tried to allocate (\d+) bytes")
CPU_ALLOCATOR = "DefaultCPUAllocator: can't allocate memory"
#: What oneDNN says for want of memory, among other reasons: its status does not reach Python.
ONEDNN_FAILED = "could not create a primitive"
FULL = 0.9  #: of the limit of address space: the rest is too little for what was asked


class Unsupported(Exception):
    """No library here can run this case; the message says why."""


def failure(error: Exception, phase: PhaseName, step: int | None) -> Failure:
    """Classify an exception. ``step`` is the index of the optimizer step it ended, if any."""
    if isinstance(error, Unsupported):
        return Failure(kind="unsupported", phase=phase, message=str(error), step=step)
    message = f"{type(error).__name__}: {error}"
    if is_out_of_memory(error):
        return Failure(
            kind="oom",
            phase=phase,
            message=_first_line(message),
            requested_bytes=requested_bytes(str(error)),
            peak_bytes=_peak_bytes(),
            step=step,
        )
    return Failure(kind="error", phase=phase, message=message[:2000], step=step)


def is_out_of_memory(error: Exception) -> bool:
    """Say whether memory ran out, on the device or on the host.

    torch raises a plain RuntimeError when the host allocator fails, so its text has to tell.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    if isinstance(error, MemoryError) or CPU_ALLOCATOR in str(error):
        return True
    return ONEDNN_FAILED in str(error) and _address_space_is_full()


def _address_space_is_full() -> bool:
    limit, peak = resource.getrlimit(resource.RLIMIT_AS)[0], address_space_peak_bytes()
    return limit != resource.RLIM_INFINITY and peak is not None and peak >= FULL * limit


def requested_bytes(message: str) -> int | None:
    """Return how much an allocation asked for, as its error message says; None when it does not.

    torch prints two decimals on CUDA (``Tried to allocate 2.32 GiB``) and the exact number on the
    host (``you tried to allocate 4096 bytes``).
    """
    if found := CUDA_REQUEST.search(message):
        return round(float(found[1]) * UNITS[found[2]])
    if found := CPU_REQUEST.search(message):
        return int(found[1])
    return None


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:2000]


def _peak_bytes() -> int | None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return gpu_memory.peak_allocated()
    return host_peak_bytes()
