"""Why there is no GPU to measure on, and what to do about it.

A machine without an NVIDIA driver is a CPU machine. One whose driver or card does not answer is a
broken GPU machine, and nothing measures it as a CPU unless somebody says so.
"""

import platform
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from suite.catalog.profile import OTHER_VENDORS

#: What an NVIDIA driver leaves behind in the kernel, also where its library is out of reach.
TRACES = tuple(
    map(
        Path,
        (
            "/proc/driver/nvidia/version",
            "/sys/module/nvidia",
            "/sys/module/nvgpu",  # Jetson
            "/dev/nvidiactl",
            "/dev/nvidia0",
            "/usr/lib/wsl/lib/libnvidia-ml.so.1",
        ),
    )
)
KFD = Path("/dev/kfd")  #: ROCm's door to AMD GPUs
PCI = Path("/sys/bus/pci/devices")

ON_PURPOSE = "To measure the CPU on purpose: --profile cpu."

# nvml.h: the numbers never change.
NO_PERMISSION, NO_POWER, NOT_LOADED, NO_INTERRUPT, NO_LIBRARY = 4, 8, 9, 11, 12
LOST, NEEDS_RESET, MISMATCH, UNINITIALIZED = 15, 16, 18, 1
#: What no working card answers to any question.
BROKEN = (UNINITIALIZED, NO_POWER, NOT_LOADED, NO_INTERRUPT, LOST, NEEDS_RESET, MISMATCH)

_RESET = "Look for Xid in dmesg; reset it (nvidia-smi --gpu-reset) or restart the machine."
_LOOK = "See what nvidia-smi says on this machine."
_HINTS = {
    NO_PERMISSION: "Let this user open /dev/nvidia*, or give the container the GPU.",
    NO_POWER: "Check the GPU's power cables, then restart the machine.",
    NOT_LOADED: "Load it (modprobe nvidia), or install it for this kernel (dkms status says).",
    NO_INTERRUPT: _RESET,
    LOST: _RESET,
    NEEDS_RESET: _RESET,
    MISMATCH: "The driver was updated under its running kernel module: restart the machine.",
}


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """There is no GPU to look at, why, and what to do.

    ``no_driver``: this machine has no NVIDIA driver at all, so that it is no GPU machine.
    """

    reason: str
    hint: str = ""
    no_driver: bool = False


def without_library(error: object) -> Missing:
    """Return what it means that NVIDIA's library cannot be loaded: ``error`` says how."""
    if not driver_traces():
        return Missing(reason=f"no NVIDIA driver: {error}", no_driver=True)
    return Missing(
        reason=f"an NVIDIA driver runs on this machine, but its library is out of reach: {error}",
        hint=(
            "In a container: start it with --gpus all, which takes the NVIDIA Container Toolkit."
            " Outside: install the driver's libnvidia-ml.so.1."
        ),
    )


def without_bindings(error: object) -> Missing:
    """Return what it means that NVML's Python package is missing or of no use."""
    return Missing(
        reason=f"the Python package nvidia-ml-py cannot be used: {error}",
        hint="Start with ./tunebench, which has it, or: pip install --upgrade nvidia-ml-py.",
        no_driver=not driver_traces(),
    )


def too_old(lacking: Sequence[str], version: str) -> Missing:
    """Return what it means that NVML's Python package lacks functions."""
    return Missing(
        reason=f"NVML's Python bindings are too old ({version}): they have no {lacking[0]}",
        hint="pip uninstall pynvml; pip install --upgrade nvidia-ml-py.",
    )


def not_initialized(error: Exception) -> Missing:
    """Return what NVML's refusal to start means."""
    if _code(error) == NO_LIBRARY:
        return without_library(error)
    return Missing(reason=f"the NVIDIA driver does not answer: {error}", hint=_hint(error))


def not_answering(what: str, error: Exception) -> Missing:
    """Return what it means that a GPU, as somebody calls it, does not answer."""
    return Missing(reason=f"{what}: {error}", hint=_hint(error))


def is_broken(error: Exception) -> bool:
    """Return whether an answer of NVML means that the card or driver is broken."""
    return _code(error) in BROKEN


def driver_traces() -> bool:
    """Return whether this machine's kernel shows an NVIDIA driver."""
    return any(path.exists() for path in TRACES)


def unused_gpu() -> str:
    """Return a sentence on a GPU of this machine that cannot be measured, or an empty string."""
    if KFD.exists():
        return f"this machine has an AMD GPU: {OTHER_VENDORS}"
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return f"this machine has an Apple GPU: {OTHER_VENDORS}"
    if not driver_traces() and any(map(_is_nvidia_gpu, _pci())):
        return "this machine has an NVIDIA GPU, but no NVIDIA driver: install one to measure it"
    return ""


def _pci() -> list[Path]:
    try:
        return sorted(PCI.iterdir())
    except OSError:
        return []


def _is_nvidia_gpu(device: Path) -> bool:
    try:
        vendor, kind = ((device / name).read_text("ascii") for name in ("vendor", "class"))
    except (OSError, UnicodeDecodeError):
        return False
    return vendor.strip() == "0x10de" and re.match("0x03", kind) is not None


def _code(error: Exception) -> int | None:
    found = getattr(error, "value", None)
    return found if isinstance(found, int) else None


def _hint(error: Exception) -> str:
    return _HINTS.get(_code(error) or 0, _LOOK)
