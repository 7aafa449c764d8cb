"""How fast one thread of this host is: where a step waits for the host, this is its clock.

Each part runs for some tenths of a second in rounds; its figure is that of the median round, which
a single interruption does not move.
"""

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy
import torch

from suite.catalog.device import is_gpu
from suite.wire import HostProbe

#: For each of four parts. A CPU's figures are there to try the code.
PART_SECONDS = {"cuda": 0.5, "cpu": 0.03}
COPY_BYTES = 64 << 20
PINNED_BYTES = 16 << 20

CPUINFO = Path("/proc/cpuinfo")
NODES = Path("/sys/devices/system/node/online")


def measure(device: str) -> HostProbe:
    """Return what one thread reaches now; takes about 2 s beside a GPU. No part raises."""
    seconds = PART_SECONDS[device]
    found: dict[str, object] = {}
    unavailable: dict[str, str] = {}
    parts: dict[str, Callable[[], tuple[float, Callable[[], object]]]] = {
        "kernel_launches_per_second": _launches,
        "python_operations_per_second": _operations,
        "memory_bytes_per_second": _copies,
        "pinned_bytes_per_second": _pinned,
    }
    for name, part in parts.items():
        if part in (_launches, _pinned) and not is_gpu(device):
            unavailable[name] = "no GPU in use"
            continue
        try:
            amount, work = part()
            found[name] = amount / _median_seconds(work, seconds)
        except (RuntimeError, MemoryError, OSError, AttributeError) as error:
            # A host that forbids page-locked memory, or has none left, still trains; so does a
            # torch without the function that launches an empty kernel, which is not public.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            unavailable[name] = lines[0][:200]
    found |= _processor(unavailable)
    return msgspec.convert({**found, "unavailable": unavailable}, HostProbe)


def _median_seconds(work: Callable[[], object], at_least: float) -> float:
    """Return the median time of one call, of as many as take ``at_least`` seconds together."""
    work()
    times: list[float] = []
    while sum(times) < at_least or len(times) < 3:
        began = time.perf_counter()
        work()
        times.append(max(time.perf_counter() - began, 1e-9))
    return statistics.median(times)


def _launches() -> tuple[float, Callable[[], object]]:
    count, launch = 1_000, torch.cuda._sleep

    def work() -> None:
        for _ in range(count):
            launch(0)  # a kernel that returns at once
        torch.cuda.synchronize()

    return count, work


def _operations() -> tuple[float, Callable[[], object]]:
    count = 20_000

    def work() -> int:
        total = 0
        for number in range(count):
            total += number
        return total

    return count, work


def _copies() -> tuple[float, Callable[[], object]]:
    source = numpy.full(COPY_BYTES // 8, 0.1)
    target = numpy.empty_like(source)
    return 2 * COPY_BYTES, lambda: numpy.copyto(target, source)


def _pinned() -> tuple[float, Callable[[], object]]:
    # Registered, not allocated: torch would keep a pinned block for whoever asks next, and the
    # engine's own offloading would find another allocator than without this probe.
    buffer = numpy.full(PINNED_BYTES, 1, dtype=numpy.uint8)
    runtime = torch.cuda.cudart()

    def work() -> None:
        torch.cuda.check_error(runtime.cudaHostRegister(buffer.ctypes.data, PINNED_BYTES, 0))
        torch.cuda.check_error(runtime.cudaHostUnregister(buffer.ctypes.data))

    return PINNED_BYTES, work


def _processor(unavailable: dict[str, str]) -> dict[str, int]:
    """Return the processor's numbers and the NUMA nodes, as far as the kernel tells them."""
    found: dict[str, int] = {}
    keys = {"cpu_family": "cpu family", "cpu_model": "model", "cpu_stepping": "stepping"}
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for name, key in keys.items():
        if match := re.search(rf"^{key}\s*: (\d+)$", text, re.MULTILINE):
            found[name] = int(match[1])
        else:
            unavailable[name] = f"not in {CPUINFO}"
    try:
        spans = [span.split("-") for span in NODES.read_text("ascii").strip().split(",")]
        found["numa_nodes"] = sum(int(span[-1]) - int(span[0]) + 1 for span in spans)
    except (OSError, ValueError):
        unavailable["numa_nodes"] = f"{NODES} does not say"
    return found
