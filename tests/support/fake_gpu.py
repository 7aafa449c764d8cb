"""A pynvml that has a GPU: the real module's names and signatures, made-up answers.

Autospec'd, so that a function that NVML's binding does not have, or a wrong number of arguments,
fails the test.
"""

import sys
from types import SimpleNamespace
from unittest import mock

import pynvml

MIB = 1 << 20


def install(monkeypatch) -> mock.NonCallableMagicMock:
    """Put the fake where ``import pynvml`` finds it, with an H200 at work."""
    fake = mock.create_autospec(pynvml)
    fake.NVMLError = pynvml.NVMLError
    fake.NVML_CLOCK_SM = pynvml.NVML_CLOCK_SM
    fake.NVML_CLOCK_MEM = pynvml.NVML_CLOCK_MEM
    fake.NVML_TEMPERATURE_GPU = pynvml.NVML_TEMPERATURE_GPU
    fake.nvmlDeviceGetUUID.return_value = "GPU-11111111-2222"
    fake.nvmlDeviceGetCount.return_value = 1
    fake.nvmlDeviceGetName.return_value = "NVIDIA H200"
    fake.nvmlSystemGetDriverVersion.return_value = "580.159.03"
    fake.nvmlDeviceGetMemoryInfo.return_value = SimpleNamespace(total=150_000 * MIB, used=MIB)
    fake.nvmlDeviceGetEnforcedPowerLimit.return_value = 700_000
    fake.nvmlDeviceGetPowerManagementDefaultLimit.return_value = 700_000
    fake.nvmlDeviceGetMaxClockInfo.side_effect = lambda handle, kind: {1: 1980, 2: 3201}[kind]
    fake.nvmlDeviceGetClockInfo.side_effect = lambda handle, kind: {1: 1830, 2: 3201}[kind]
    fake.nvmlDeviceGetEccMode.return_value = [1, 1]
    fake.nvmlDeviceGetMigMode.return_value = [0, 0]
    fake.nvmlDeviceGetPersistenceMode.return_value = 1
    fake.nvmlDeviceGetMaxPcieLinkGeneration.return_value = 5
    fake.nvmlDeviceGetMaxPcieLinkWidth.return_value = 16
    fake.nvmlDeviceGetVbiosVersion.return_value = "96.00.00"
    fake.nvmlDeviceGetPowerUsage.return_value = 512_345
    fake.nvmlDeviceGetTemperature.return_value = 61
    fake.nvmlDeviceGetCurrentClocksEventReasons.return_value = 0x4
    fake.nvmlDeviceGetTotalEnergyConsumption.return_value = 1_000_000
    fake.nvmlDeviceGetComputeRunningProcesses.return_value = []
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


def process(pid: int, used: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=used)


def unsupported() -> pynvml.NVMLError:
    return pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
