"""What torch's allocator has on the GPUs of this process: one, or all where it splits a model."""

import os
from collections.abc import Callable
from typing import Any


def _over_devices(read: Callable[[int], Any]) -> int:
    import torch  # belongs into the import phase, after the engine

    if "LOCAL_RANK" in os.environ:
        return int(read(torch.cuda.current_device()))  # the others are of other ranks
    return sum(int(read(device)) for device in range(torch.cuda.device_count()))


def allocated() -> int:
    """Return the bytes that tensors have now."""
    import torch

    return _over_devices(torch.cuda.memory_allocated)


def peak_allocated() -> int:
    """Return the most bytes since the last reset; of several GPUs the sum of each one's most."""
    import torch

    return _over_devices(torch.cuda.max_memory_allocated)


def peak_reserved() -> int:
    """Return the most bytes that the allocator took from the driver, in the same way."""
    import torch

    return _over_devices(torch.cuda.max_memory_reserved)


def reset_peaks() -> None:
    """Begin anew with what is allocated now."""
    import torch

    _over_devices(lambda device: torch.cuda.reset_peak_memory_stats(device) or 0)
