"""Is this machine fit to be measured on? Looks at everything, changes nothing.

Each finding is ok, warn, block or unknown, in words. A block stops a run before its first case;
all findings go into every record.
"""

import os
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

from suite import units
from suite.catalog.profile import Profile
from suite.results.record import Finding, Gpu
from suite.results.telemetry.throttle import slowdowns
from suite.run.machine import gpu_identity, no_gpu, torch_build, unlisted_gpu, visible_gpu
from suite.run.machine.gpu import GpuDevice, Missing, Reading

#: Oldest driver branch for a CUDA release (NVIDIA, CUDA compatibility, minor-version table).
DRIVER_FOR_CUDA = {13: 580, 12: 525}

IDLE_CELSIUS = 60
FREE_DISK_BYTES = 5 << 30
SHARED_MEMORY_BYTES = 1 << 30
HOST_MEMORY_BYTES = 4 << 30


def preflight(
    profile: Profile, gpu: GpuDevice | Missing, folder: Path, *, in_image: bool = False
) -> tuple[Finding, ...]:
    """Return all findings for a run of ``profile`` that writes to ``folder``.

    ``in_image``: it will run in an image, whose PyTorch is not the one that is installed here.
    """
    found = list(host(folder))
    if not profile.has_gpu:
        if sentence := no_gpu.unused_gpu():
            found.append(_finding("gpu", "warn", sentence))
    elif isinstance(gpu, Missing):
        found.append(missing(gpu))
    else:
        seen = gpu.describe()[0]
        slices = tuple(gpu.slices()) if seen.mig and not gpu.is_slice else ()
        found += card(profile, seen, gpu.read(), cuda_release(), slices=slices)
        found += gpu_identity.bfloat16(profile, gpu.compute_capability)
        found += filter(None, [torch_build.finding(elsewhere=in_image)])
        found += gpu_identity.order(gpu.all_names(), os.environ.get(visible_gpu.VARIABLE))
        found.append(neighbours(gpu.neighbours()))
    return tuple(found)


def missing(gpu: Missing) -> Finding:
    """Return that there is no GPU to measure, why, and what to do."""
    sentence = no_gpu.unused_gpu() or gpu.hint.rstrip(".")
    return _finding("gpu", "block", "; ".join(filter(None, [gpu.reason, sentence])))


def card(
    profile: Profile,
    gpu: Gpu,
    now: Reading,
    cuda: int | None,
    *,
    slices: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """Yield what there is to say about the GPU, at rest, before the first case.

    ``slices`` are the UUIDs of a card's MIG slices.
    """
    yield gpu_identity.card(profile, gpu)
    yield from unlisted_gpu.findings(profile)
    yield _processes(now)
    yield _driver(gpu.driver, cuda)
    yield _power(gpu)
    yield _setting("ecc", gpu.ecc, good="on", bad="off: faster, but not what the profile means")
    yield gpu_identity.mig(gpu, slices)
    yield _setting(
        "persistence", gpu.persistence, good="on", bad="off: the driver reloads between processes"
    )
    yield _at_least("pcie width", gpu.pcie_width, 16, "lanes")
    if now.throttle_reasons is None:
        yield _finding("clocks", "unknown", "NVML does not say what limits the clocks")
    else:
        held = slowdowns(now.throttle_reasons)
        yield _finding(
            "clocks", "warn" if held else "ok", ", ".join(held) or "nothing limits them"
        )
    if now.temperature_celsius is None:
        yield _finding("temperature", "unknown", "NVML does not say")
    else:
        hot = now.temperature_celsius > IDLE_CELSIUS
        words = f"{now.temperature_celsius} °C at rest"
        yield _finding("temperature", "warn" if hot else "ok", words)


def neighbours(found: tuple[int, int] | None) -> Finding:
    """Return what there is to say about the machine's other GPUs: how many, how many compute.

    They share the host's memory, its bus and its cooling, so what they do can be felt.
    """
    name = "other gpus"
    if found is None:
        return _finding(name, "unknown", "NVML does not list what runs on them")
    others, busy = found
    if not others:
        return _finding(name, "ok", "none in this machine")
    words = f"{busy} of {others} in this machine computes" if busy else f"{others}, idle"
    return _finding(name, "warn" if busy else "ok", words)


def host(folder: Path) -> Iterator[Finding]:
    """Yield what there is to say about disk, shared memory and host memory."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    words = f"{units.bytes_(free)} free for results"
    yield _finding("disk", "ok" if free >= FREE_DISK_BYTES else "warn", words)
    shared = Path("/dev/shm")
    if shared.is_dir():
        size = shutil.disk_usage(shared).total
        words = f"{units.bytes_(size)} in /dev/shm"
        yield _finding("shared memory", "ok" if size >= SHARED_MEMORY_BYTES else "warn", words)
    available = available_memory()
    if available is None:
        yield _finding("host memory", "unknown", "the system does not say what is available")
    else:
        words = f"{units.bytes_(available)} available"
        yield _finding("host memory", "ok" if available >= HOST_MEMORY_BYTES else "warn", words)


def cuda_release() -> int | None:
    """Return the major CUDA release that the installed torch was built for, without importing it.

    None where torch is absent or its files do not say.
    """
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None
    build = version.partition("+cu")[2]
    if build[:2].isdigit():
        return int(build[:2])
    for requirement in metadata.requires("torch") or []:
        name = requirement.split(";")[0]
        for release in DRIVER_FOR_CUDA:
            if f"-cu{release}" in name:
                return release
    return None


def _processes(now: Reading) -> Finding:
    if now.processes is None:
        return _finding("other processes", "unknown", "NVML does not list processes")
    if now.processes:
        return _finding(
            "other processes", "block", f"{len(now.processes)} already compute on this GPU"
        )
    return _finding("other processes", "ok", "none")


def _driver(driver: str, cuda: int | None) -> Finding:
    if cuda is None or cuda not in DRIVER_FOR_CUDA:
        return _finding("driver", "unknown", f"{driver}; torch does not say for which CUDA it is")
    branch = driver.partition(".")[0]
    if not branch.isdecimal():
        return _finding("driver", "unknown", f"{driver}: no version that NVIDIA would give")
    needed = DRIVER_FOR_CUDA[cuda]
    enough = int(branch) >= needed
    words = f"{driver}; CUDA {cuda} needs {needed} or newer"
    return _finding("driver", "ok" if enough else "block", words)


def _power(gpu: Gpu) -> Finding:
    limit, default = gpu.power_limit_watts, gpu.power_limit_default_watts
    if limit is None or default is None:
        return _finding("power limit", "unknown", "NVML does not say")
    if limit == default:
        return _finding("power limit", "ok", f"{limit:.0f} W, the default")
    return _finding("power limit", "warn", f"{limit:.0f} W, the default is {default:.0f} W")


def _setting(name: str, value: bool | None, *, good: str, bad: str) -> Finding:
    if value is None:
        return _finding(name, "unknown", "NVML does not say")
    return _finding(name, "ok" if value else "warn", good if value else bad)


def _at_least(name: str, value: int | None, wanted: int, unit: str) -> Finding:
    if value is None:
        return _finding(name, "unknown", "NVML does not say")
    return _finding(name, "ok" if value >= wanted else "warn", f"{value} {unit}")


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return the bytes of host memory that a new process can have; None where nothing says so.

    Not what is free: Linux fills that with files it has read, and gives it back when asked.
    """
    try:
        text = meminfo.read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^MemAvailable: +(\d+) kB$", text, re.MULTILINE)
    return None if found is None else int(found[1]) << 10


def _finding(name: str, status: Literal["ok", "warn", "block", "unknown"], detail: str) -> Finding:
    return Finding(name=name, status=status, detail=detail)
