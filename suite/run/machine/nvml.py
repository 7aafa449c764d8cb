"""The one door to NVML, through which the suite only looks: what GPU this is, what it does now.

Every query may be unsupported by a driver, a card or a container; then its value is null, with
the reason beside it.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from importlib import metadata
from types import MappingProxyType
from typing import Any

import msgspec

from suite.catalog.device import DeviceType
from suite.results.record import Gpu
from suite.results.telemetry.throttle import slowdowns
from suite.run.machine import no_gpu, visible_gpu
from suite.run.machine.no_gpu import Missing

__all__ = ["Device", "Missing", "Reading", "open_gpu", "slowdowns"]

#: Every function of NVML's bindings that is called here or in ``visible``. Old ones lack some.
NEEDED = (
    "nvmlInit",
    "nvmlShutdown",
    "nvmlSystemGetDriverVersion",
    *(
        f"nvmlDeviceGet{name}"
        for name in (
            "ClockInfo",
            "ComputeRunningProcesses",
            "Count",
            "CudaComputeCapability",
            "CurrentClocksEventReasons",
            "EccMode",
            "EnforcedPowerLimit",
            "HandleByIndex",
            "HandleByUUID",
            "MaxClockInfo",
            "MaxMigDeviceCount",
            "MaxPcieLinkGeneration",
            "MaxPcieLinkWidth",
            "MemoryInfo",
            "MigDeviceHandleByIndex",
            "MigMode",
            "Name",
            "NumaNodeId",
            "NvLinkState",
            "P2PStatus",
            "PersistenceMode",
            "PowerManagementDefaultLimit",
            "PowerUsage",
            "Temperature",
            "TopologyCommonAncestor",
            "TotalEnergyConsumption",
            "UUID",
            "VbiosVersion",
        )
    ),
)


#: nvml.h: what two cards have in common, by ``nvmlGpuTopologyLevel_t``.
PATHS: Mapping[int, str] = MappingProxyType(
    {
        0: "pcie-switch",  # on one board
        10: "pcie-switch",
        20: "pcie-switches",
        30: "host-bridge",
        40: "numa-node",
        50: "between-numa-nodes",
    }
)


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
        self._driver: str = nvml.nvmlSystemGetDriverVersion()

    @property
    def device_type(self) -> DeviceType:
        """Return what torch calls such a device."""
        return "cuda"

    @property
    def memory_bytes(self) -> int | None:
        """Return the total that NVML reports; None where the GPU shares the host's memory."""
        memory = Questions(self._nvml, self._handle)("", self._nvml.nvmlDeviceGetMemoryInfo)
        return None if memory is None else int(memory.total)

    @property
    def compute_capability(self) -> str | None:
        """Return it as profiles have it, ``"9.0"``; None where NVML does not say."""
        query = self._nvml.nvmlDeviceGetCudaComputeCapability
        answer = Questions(self._nvml, self._handle)("", query)
        try:
            major, minor = answer
            return f"{int(major)}.{int(minor)}"
        except (TypeError, ValueError):
            return None

    @property
    def is_slice(self) -> bool:
        """Return whether this is a MIG slice of a card, and not a whole one."""
        return self.uuid.startswith("MIG-")

    def slices(self) -> list[str]:
        """Return the UUIDs of the MIG slices that this card is cut into."""
        return [uuid for uuid, _ in visible_gpu.slices(self._nvml, self._handle)]

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
            driver=self._driver,
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

    def all_names(self) -> list[str]:
        """Return the names of this machine's GPUs by NVML's index, as far as they answer."""
        nvml = self._nvml
        found: list[str] = []
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                found.append(nvml.nvmlDeviceGetName(nvml.nvmlDeviceGetHandleByIndex(index)))
        except nvml.NVMLError:
            pass
        return found

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

    def numa_node(self) -> tuple[int | None, str]:
        """Return the NUMA node of the host that the card is at, or None and why."""
        ask = Questions(self._nvml, self._handle)
        found = ask("numa_node", self._nvml.nvmlDeviceGetNumaNodeId)
        return found, ask.unavailable.get("numa_node", "")

    def nvlinks(self) -> tuple[int | None, str]:
        """Return how many of the card's NVLinks are up, or None and why."""
        nvml, up = self._nvml, 0
        for link in range(nvml.NVML_NVLINK_MAX_LINKS):
            try:
                up += bool(nvml.nvmlDeviceGetNvLinkState(self._handle, link))
            except nvml.NVMLError as error:
                return (up, "") if link else (None, f"NVML: {error}")  # as many as it has
        return up, ""

    def path_to(self, other: "Device") -> tuple[str | None, str]:
        """Return what joins it with another card, as ``GpuLink`` calls it, or None and why."""
        nvml = self._nvml
        try:
            both = nvml.nvmlDeviceGetP2PStatus(
                self._handle, other._handle, nvml.NVML_P2P_CAPS_INDEX_NVLINK
            )
            if both == nvml.NVML_P2P_STATUS_OK:
                return "nvlink", ""
            level = nvml.nvmlDeviceGetTopologyCommonAncestor(self._handle, other._handle)
        except nvml.NVMLError as error:
            return None, f"NVML: {error}"
        return PATHS.get(level), ""

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


def open_gpu(number: int = 0) -> Device | Missing:
    """Open a GPU that a worker will use: by ``CUDA_VISIBLE_DEVICES`` the first, or a later one.

    Returns Missing, with the reason and what to do, without an NVIDIA driver or a GPU, with none
    visible, and where driver, card or bindings are broken.
    """
    try:
        import pynvml
    except (ImportError, SyntaxError) as error:  # a binding older than Python 3 is the latter
        return no_gpu.without_bindings(error)
    if not all(hasattr(pynvml, name) for name in ("nvmlInit", "nvmlShutdown", "NVMLError")):
        return no_gpu.without_bindings("the module pynvml is not NVIDIA's")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return no_gpu.not_initialized(error)
    opened: Device | Missing | None = None
    try:
        opened = _opened(pynvml, number)
        return opened
    finally:
        if not isinstance(opened, Device):
            pynvml.nvmlShutdown()


def _opened(nvml: Any, number: int) -> Device | Missing:
    lacking = [name for name in NEEDED if not hasattr(nvml, name)]
    if lacking:
        return no_gpu.too_old(lacking, _bindings())
    told = os.environ.get(visible_gpu.VARIABLE)
    try:
        handle = visible_gpu.handle(nvml, told, number)
        if isinstance(handle, Missing):
            return handle
        device = Device(nvml, handle)
        return visible_gpu.lost(nvml, handle, device.name) or device
    except nvml.NVMLError as error:
        what = "the GPU" if told is None else f"the GPU of {visible_gpu.VARIABLE}={told}"
        return no_gpu.not_answering(what, error)


def _bindings() -> str:
    """Return which package the bindings come from, as far as anything says so."""
    for name in ("nvidia-ml-py", "pynvml"):
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return "of an unknown version"


def _flag(value: int | list[int] | None) -> bool | None:
    """Return NVML's enabled or disabled; of a pair of current and pending, the current one."""
    current = value[0] if isinstance(value, list) else value
    return None if current is None else bool(current)
