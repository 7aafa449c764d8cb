"""The one door to NVML, through which the suite only looks: what GPU this is, what it does now.

Every query may be unsupported by a driver, a card or a container; then its value is null, with
the reason beside it.
"""

import hashlib
import os
from collections.abc import Callable
from typing import Any

import msgspec

from suite.results.record import Gpu
from suite.results.throttle import SLOWDOWNS


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """There is no GPU to look at, and why."""

    reason: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the GPU does at one moment; null where NVML does not say, with the reason.

    ``energy_joules`` is the counter since the driver was loaded. ``power_watts`` is the driver's:
    on recent cards an average over the last second. ``processes`` maps process ids that compute
    on the GPU to their bytes there.
    """

    power_watts: float | None
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    temperature_celsius: int | None
    throttle_reasons: int | None
    device_memory_bytes: int | None
    energy_joules: float | None
    processes: dict[int, int | None] | None
    unavailable: dict[str, str]


class Device:
    """One GPU, opened."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self.uuid: str = nvml.nvmlDeviceGetUUID(handle)
        self.name: str = nvml.nvmlDeviceGetName(handle)

    def describe(self) -> tuple[Gpu, dict[str, str]]:
        """Return the card's facts and settings, and why some are null.

        PCIe generation and width are the most that card and slot can do together: at rest the
        link is slower. ``power_limit_watts`` is the one in force.
        """
        nvml = self._nvml
        ask = Questions(nvml, self._handle)
        # Not where the GPU shares the host's memory.
        memory = ask("memory_total_bytes", nvml.nvmlDeviceGetMemoryInfo)
        gpu = Gpu(
            name=self.name,
            uuid_hash=hashlib.sha256(self.uuid.encode()).hexdigest()[:16],
            driver=nvml.nvmlSystemGetDriverVersion(),
            memory_total_bytes=None if memory is None else int(memory.total),
            power_limit_watts=ask.watts("power_limit_watts", nvml.nvmlDeviceGetEnforcedPowerLimit),
            power_limit_default_watts=ask.watts(
                "power_limit_default_watts", nvml.nvmlDeviceGetPowerManagementDefaultLimit
            ),
            sm_clock_max_mhz=ask(
                "sm_clock_max_mhz", nvml.nvmlDeviceGetMaxClockInfo, nvml.NVML_CLOCK_SM
            ),
            memory_clock_max_mhz=ask(
                "memory_clock_max_mhz", nvml.nvmlDeviceGetMaxClockInfo, nvml.NVML_CLOCK_MEM
            ),
            ecc=_flag(ask("ecc", nvml.nvmlDeviceGetEccMode)),
            mig=_flag(ask("mig", nvml.nvmlDeviceGetMigMode)),
            persistence=_flag(ask("persistence", nvml.nvmlDeviceGetPersistenceMode)),
            pcie_generation=ask("pcie_generation", nvml.nvmlDeviceGetMaxPcieLinkGeneration),
            pcie_width=ask("pcie_width", nvml.nvmlDeviceGetMaxPcieLinkWidth),
            vbios=ask("vbios", nvml.nvmlDeviceGetVbiosVersion),
        )
        return gpu, ask.unavailable

    def read(self) -> Reading:
        """Return what the GPU does now; a handful of driver calls."""
        nvml = self._nvml
        ask = Questions(nvml, self._handle)
        energy = ask("energy_joules", nvml.nvmlDeviceGetTotalEnergyConsumption)
        memory = ask("device_memory_bytes", nvml.nvmlDeviceGetMemoryInfo)
        processes = ask("process_memory_bytes", nvml.nvmlDeviceGetComputeRunningProcesses)
        return Reading(
            power_watts=ask.watts("power_watts", nvml.nvmlDeviceGetPowerUsage),
            sm_clock_mhz=ask("sm_clock_mhz", nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM),
            memory_clock_mhz=ask(
                "memory_clock_mhz", nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_MEM
            ),
            temperature_celsius=ask(
                "temperature_celsius", nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU
            ),
            throttle_reasons=ask("throttle_reasons", nvml.nvmlDeviceGetCurrentClocksEventReasons),
            device_memory_bytes=None if memory is None else int(memory.used),
            energy_joules=None if energy is None else energy / 1000,
            processes=None
            if processes is None
            else {process.pid: process.usedGpuMemory for process in processes},
            unavailable=ask.unavailable,
        )

    def neighbours(self) -> tuple[int, int] | None:
        """Return how many other GPUs this machine shows, and how many of them compute now.

        None where NVML does not list processes.
        """
        nvml = self._nvml
        busy = others = 0
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                if nvml.nvmlDeviceGetUUID(handle) != self.uuid:
                    others += 1
                    busy += bool(nvml.nvmlDeviceGetComputeRunningProcesses(handle))
        except nvml.NVMLError:
            return None
        return others, busy

    def close(self) -> None:
        """Let go of NVML."""
        self._nvml.nvmlShutdown()


class Questions:
    """Queries to one GPU; ``unavailable`` collects, by field, why there was no answer."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._error = nvml.NVMLError
        self._handle = handle
        self.unavailable: dict[str, str] = {}

    def __call__(self, field: str, query: Callable[..., Any], *arguments: object) -> Any:
        """Return NVML's answer, or None."""
        try:
            return query(self._handle, *arguments)
        except self._error as error:
            self.unavailable[field] = f"NVML: {error}"
            return None

    def watts(self, field: str, query: Callable[..., int]) -> float | None:
        """Return an answer that NVML gives in milliwatts."""
        milliwatts = self(field, query)
        return None if milliwatts is None else milliwatts / 1000


def open_gpu() -> Device | Missing:
    """Open the GPU that a worker will use: the first visible one, by ``CUDA_VISIBLE_DEVICES``.

    Returns Missing without an NVIDIA driver, without a GPU, or with none visible.
    """
    try:
        import pynvml
    except ImportError:
        return Missing(reason="the Python package nvidia-ml-py is not installed")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return Missing(reason=f"no NVIDIA driver: {error}")
    wanted = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    try:
        if wanted.startswith(("GPU-", "MIG-")):
            handle = pynvml.nvmlDeviceGetHandleByUUID(wanted)
        elif wanted.isdigit():
            handle = pynvml.nvmlDeviceGetHandleByIndex(int(wanted))
        else:
            pynvml.nvmlShutdown()
            return Missing(reason=f"CUDA_VISIBLE_DEVICES is {wanted!r}: no GPU is visible")
        return Device(pynvml, handle)
    except pynvml.NVMLError as error:
        pynvml.nvmlShutdown()
        return Missing(reason=f"GPU {wanted!r}: {error}")


def slowdowns(throttle_reasons: int) -> list[str]:
    """Return the reasons in words that make a measurement unfit; the power cap is not one."""
    return [words for bit, words in SLOWDOWNS.items() if throttle_reasons & bit]


def _flag(value: int | list[int] | None) -> bool | None:
    """Return NVML's enabled or disabled; of a pair of current and pending, the current one."""
    current = value[0] if isinstance(value, list) else value
    return None if current is None else bool(current)
