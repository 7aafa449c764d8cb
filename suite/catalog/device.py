"""What a case trains on, by torch's name for it, and the one question that is asked about it."""

from typing import Literal

DeviceType = Literal["cpu", "cuda"]


def is_gpu(device: str) -> bool:
    """Return whether a device, by the name of its type, is a GPU."""
    return device == "cuda"
