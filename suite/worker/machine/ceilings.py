"""What this device really reaches: a matrix product and copies, on random data.

A data sheet's peak is a lead; this is the ceiling a training step can be
held against, measured on the same card in the same sitting.
"""

import statistics
import time
from collections.abc import Callable

import torch

from suite.catalog.device import is_gpu
from suite.wire import Probe
from suite.worker.machine import host_probe

REPEATS = 10
#: Sides of the product and bytes of the copy; the CPU gets a small size, to try the code.
SIZES = {"cuda": (8192, 4 << 30)}
SMALL = (512, 64 << 20)


def _seconds(work: Callable[[], object], device: str) -> float:
    """Return the median time of one call in seconds, each call synchronized at both ends."""
    times = []
    for _ in range(3 + REPEATS):
        if is_gpu(device):
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if is_gpu(device):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times[3:])


def measure(device: str) -> Probe:
    """Return the ceilings of ``device``, from a product of cubes and one copy.

    The host is measured last, when the device waits for nothing any more.
    """
    side, copy_bytes = SIZES.get(device, SMALL)
    generator = torch.Generator(device=device).manual_seed(0)

    def noise(*shape: int) -> torch.Tensor:
        # Never zeros: they cost less power, so a capped card runs them faster than real data.
        values = torch.empty(*shape, device=device, dtype=torch.bfloat16)
        return values.normal_(generator=generator)

    left, right, product = noise(side, side), noise(side, side), noise(side, side)
    product_seconds = _seconds(lambda: torch.mm(left, right, out=product), device)
    source = noise(copy_bytes // 2)
    target = torch.empty_like(source)
    copy_seconds = _seconds(lambda: target.copy_(source), device)
    up = down = None
    if is_gpu(device):
        # How engines offload: from and to pinned memory, over the bus.
        host = torch.empty(min(copy_bytes, 1 << 30) // 2, dtype=torch.bfloat16, pin_memory=True)
        there = source[: host.numel()]
        down = host.nbytes / _seconds(lambda: host.copy_(there, non_blocking=True), device)
        up = host.nbytes / _seconds(lambda: there.copy_(host, non_blocking=True), device)
    return Probe(
        matmul_flops_per_second=2 * side**3 / product_seconds,
        matmul=f"{side} x {side} x {side} bfloat16, median of {REPEATS}",
        copy_bytes_per_second=2 * copy_bytes / copy_seconds,
        copy=f"{copy_bytes} bytes read and as many written, median of {REPEATS}",
        host_to_device_bytes_per_second=up,
        device_to_host_bytes_per_second=down,
        host=host_probe.measure(device),
    )
