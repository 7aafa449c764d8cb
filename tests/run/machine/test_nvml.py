"""What is read from NVML, and what happens where it does not answer."""

import platform
from pathlib import Path

import msgspec
import pynvml
import pytest

from suite.errors import BadInput, WrongMachine
from suite.run.machine.environment import environment, require_machine, resolve_profile
from suite.run.machine.nvml import Device, Missing, open_gpu, slowdowns
from suite.run.machine.preflight import preflight
from support import fake_gpu


def test_the_card_is_described_in_si_units(monkeypatch):
    """Milliwatts become watts, pairs their current half, the serial a hash."""
    fake_gpu.install(monkeypatch)

    gpu, unavailable = open_gpu().describe()

    assert unavailable == {}
    assert (gpu.name, gpu.driver) == ("NVIDIA H200", "580.159.03")
    assert gpu.power_limit_watts == 700
    assert (gpu.sm_clock_max_mhz, gpu.memory_clock_max_mhz) == (1980, 3201)
    assert (gpu.ecc, gpu.mig, gpu.persistence) == (True, False, True)
    assert (gpu.pcie_generation, gpu.pcie_width) == (5, 16)
    assert "GPU-" not in gpu.uuid_hash
    assert len(gpu.uuid_hash) == 16


def test_every_query_may_be_unsupported(monkeypatch):
    """An answer that NVML refuses is null with NVML's own words, never zero."""
    fake = fake_gpu.install(monkeypatch)
    for name in (
        "PowerUsage",
        "MemoryInfo",
        "ClockInfo",
        "Temperature",
        "CurrentClocksEventReasons",
        "TotalEnergyConsumption",
        "ComputeRunningProcesses",
        "EccMode",
        "MigMode",
        "EnforcedPowerLimit",
    ):
        getattr(fake, f"nvmlDeviceGet{name}").side_effect = fake_gpu.unsupported()
    gpu = open_gpu()

    reading = gpu.read()
    card, reasons = gpu.describe()

    assert reading.power_watts is reading.energy_joules is reading.processes is None
    assert reading.sm_clock_mhz is reading.temperature_celsius is reading.throttle_reasons is None
    assert "Not Supported" in reading.unavailable["energy_joules"]
    assert card.ecc is card.mig is card.power_limit_watts is None
    assert set(reasons) == {"ecc", "mig", "power_limit_watts", "memory_total_bytes"}


@pytest.mark.parametrize(
    ("visible", "query"),
    [
        (None, ("nvmlDeviceGetHandleByIndex", 0)),
        ("2,3", ("nvmlDeviceGetHandleByIndex", 2)),
        ("GPU-abc", ("nvmlDeviceGetHandleByUUID", "GPU-abc")),
    ],
)
def test_the_first_visible_gpu_is_looked_at(monkeypatch, visible, query):
    """CUDA_VISIBLE_DEVICES decides, by index or UUID."""
    fake = fake_gpu.install(monkeypatch)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert isinstance(open_gpu(), Device)

    name, argument = query
    getattr(fake, name).assert_called_once_with(argument)


def test_no_driver_no_gpu_none_visible(monkeypatch):
    """Each is Missing with its reason, and NVML is let go."""
    fake = fake_gpu.install(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "no GPU is visible" in open_gpu().reason
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    fake.nvmlDeviceGetHandleByIndex.side_effect = pynvml.NVMLError(
        pynvml.NVML_ERROR_INVALID_ARGUMENT
    )
    assert "Invalid Argument" in open_gpu().reason
    assert fake.nvmlShutdown.call_count == 2

    fake.nvmlInit.side_effect = pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
    assert "no NVIDIA driver" in open_gpu().reason


def test_the_profile_is_found_by_exact_name(monkeypatch):
    """The GPU's own name decides; a similar one is no profile."""
    fake = fake_gpu.install(monkeypatch)
    assert resolve_profile("auto").name == "h200-sxm"

    fake.nvmlDeviceGetName.return_value = "NVIDIA H200 NVL 2"
    assert resolve_profile("auto").name == "unlisted-nvidia-h200-nvl-2"


def test_a_gpu_that_no_file_describes_is_measured_with_what_is_known(monkeypatch):
    """Its name and memory are read, the rest is unknown, and a profile is asked for."""
    fake = fake_gpu.install(monkeypatch)
    fake.nvmlDeviceGetName.return_value = "NVIDIA L4"
    made = resolve_profile("auto")
    assert (made.title, made.verified, made.image) == ("NVIDIA L4", False, None)
    assert made.facts.value("nvml_memory_bytes") == 150_000 << 20
    assert made.facts.bf16_flops is None
    assert made.facts.memory_bytes is None
    assert resolve_profile(made.name) == made, "a launch finds it by the name in the plan"
    require_machine(made, open_gpu())
    asked = [f for f in preflight(made, open_gpu(), Path()) if f.name == "profile"]
    assert [finding.status for finding in asked] == ["warn"]
    assert "hardware_profiles/NAME.toml with nvml_name = 'NVIDIA L4'" in asked[0].detail
    with pytest.raises(BadInput, match="unknown profile"):
        resolve_profile("unlisted-nvidia-t4")

    fake.nvmlDeviceGetMemoryInfo.side_effect = fake_gpu.unsupported()
    assert resolve_profile("auto").facts.nvml_memory_bytes is None


def test_a_profile_of_another_card_is_refused(monkeypatch):
    """The error names both cards and the profile that fits."""
    fake = fake_gpu.install(monkeypatch)
    wanted = resolve_profile("h200-sxm")
    require_machine(wanted, open_gpu())
    require_machine(resolve_profile("cpu"), Missing(reason="none"))

    fake.nvmlDeviceGetName.return_value = "NVIDIA L4"
    with pytest.raises(WrongMachine, match="'NVIDIA L4'"):
        require_machine(wanted, open_gpu())
    with pytest.raises(WrongMachine, match="needs a GPU"):
        require_machine(wanted, Missing(reason="no NVIDIA driver"))


def test_without_a_driver_auto_is_the_cpu(monkeypatch):
    """A laptop runs the CPU profile without being asked."""
    fake = fake_gpu.install(monkeypatch)
    fake.nvmlInit.side_effect = pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    assert resolve_profile("auto").name == "cpu"


def test_the_environment_names_no_host(monkeypatch):
    """Nothing that identifies the machine's owner; nulls have reasons."""
    fake_gpu.install(monkeypatch)

    with_gpu = environment("local", open_gpu())
    without = environment("local", Missing(reason="no NVIDIA driver: not found"))

    assert with_gpu.gpu.name == "NVIDIA H200"
    assert without.unavailable["gpu"] == "no NVIDIA driver: not found"
    assert without.cpu_count >= 1
    assert without.memory_bytes > 1 << 28
    text = msgspec.json.encode(with_gpu).decode()
    assert platform.node() not in text.replace(with_gpu.platform, "")
    for name in ("revision", "dirty", "lock_hash"):
        assert (getattr(without, name) is None) == (name in without.unavailable)


def test_the_power_cap_is_no_slowdown():
    """0x4 is how a card works; thermal and hardware bits are not."""
    assert slowdowns(0x4) == []
    assert slowdowns(0x4 | 0x40) == ["hardware thermal slowdown"]


def test_other_gpus_of_the_machine_are_counted_and_those_that_compute(monkeypatch):
    """Three cards, one of them busy; without a list of processes the answer is unknown."""
    fake = fake_gpu.install(monkeypatch)
    fake.nvmlDeviceGetCount.return_value = 3
    fake.nvmlDeviceGetHandleByIndex.side_effect = lambda index: index
    fake.nvmlDeviceGetUUID.side_effect = lambda index: f"GPU-{index}"
    fake.nvmlDeviceGetComputeRunningProcesses.side_effect = lambda index: (
        [fake_gpu.process(1, 1)] if index != 1 else []
    )
    gpu = open_gpu()
    assert isinstance(gpu, Device)
    assert gpu.neighbours() == (2, 1)
    fake.nvmlDeviceGetComputeRunningProcesses.side_effect = fake_gpu.unsupported()
    assert gpu.neighbours() is None
