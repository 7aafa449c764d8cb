"""A GPU of this machine, whoever made it: what a vendor's module offers, and who is asked.

``nvml`` is the one such module so far. Another adds its name to ``device.DeviceType`` of the
catalog, opens its GPUs as a ``GpuDevice``, and is asked by ``open_gpu``.
"""

from typing import Any, Protocol

from suite.catalog.device import DeviceType
from suite.results.record import Gpu
from suite.run.machine import nvml
from suite.run.machine.no_gpu import Missing
from suite.run.machine.nvml import Reading

__all__ = ["GpuDevice", "Missing", "Reading", "open_gpu"]


class GpuDevice(Protocol):
    """One GPU, opened. Its methods only look, and answer None where the driver does not say."""

    name: str  #: as a profile has it, to be told by
    uuid: str  #: what chooses it for a worker

    @property
    def device_type(self) -> DeviceType:
        """Return what torch calls such a device."""

    @property
    def memory_bytes(self) -> int | None:
        """Return the memory that the driver reports; None where it is the host's."""

    @property
    def compute_capability(self) -> str | None:
        """Return it as profiles have it, ``"9.0"``."""

    @property
    def is_slice(self) -> bool:
        """Return whether this is a part of a card, and not a whole one."""

    def slices(self) -> list[str]:
        """Return the UUIDs of the parts that this card is cut into."""

    def describe(self) -> tuple[Gpu, dict[str, str]]:
        """Return the card's facts and settings, and why some are null."""

    def read(self) -> Reading:
        """Return what it does now."""

    def all_names(self) -> list[str]:
        """Return the names of this machine's GPUs, as far as they answer."""

    def neighbours(self) -> tuple[int, int] | None:
        """Return how many other GPUs this machine shows, and how many of them compute now."""

    def numa_node(self) -> tuple[int | None, str]:
        """Return the NUMA node of the host that the card is at, or None and why."""

    def nvlinks(self) -> tuple[int | None, str]:
        """Return how many direct links to other cards are up, or None and why."""

    def path_to(self, other: Any) -> tuple[str | None, str]:
        """Return what joins it with another card, as ``GpuLink`` calls it, or None and why."""

    def close(self) -> None:
        """Let go of the driver."""


def open_gpu(number: int = 0) -> GpuDevice | Missing:
    """Open a GPU that a worker will use, or return why there is none and what to do.

    Where a case trains on several, they are numbered from 0.
    """
    return nvml.open_gpu(number)
