from pathlib import Path

import msgspec
import pytest

from suite.catalog import profile
from suite.results.record import Gpu
from suite.run.machine.nvml import Missing, Reading
from suite.run.machine.preflight import available_memory, card, host, neighbours, preflight

H200 = Gpu(
    name="NVIDIA H200",
    uuid_hash="0" * 16,
    memory_total_bytes=150_754_820_096,
    driver="580.159.04",
    power_limit_watts=700.0,
    power_limit_default_watts=700.0,
    ecc=True,
    mig=False,
    persistence=True,
    pcie_width=16,
)
AT_REST = Reading(
    power_watts=75.0,
    sm_clock_mhz=345,
    memory_clock_mhz=3201,
    temperature_celsius=30,
    throttle_reasons=1,
    device_memory_bytes=0,
    energy_joules=1.0,
    processes={},
    unavailable={},
)


def _statuses(gpu: Gpu = H200, now: Reading = AT_REST, cuda: int | None = 13) -> dict[str, str]:
    return {f.name: f.status for f in card(profile.load("h200-sxm"), gpu, now, cuda)}


def test_a_fit_card_at_rest_raises_nothing():
    """Everything as the profile means it: every finding is ok."""
    assert set(_statuses().values()) == {"ok"}


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({"name": "NVIDIA H200 NVL"}, "gpu", "block"),
        ({"driver": "570.86.10"}, "driver", "block"),
        ({"power_limit_watts": 400.0}, "power limit", "warn"),
        ({"ecc": False}, "ecc", "warn"),
        ({"mig": True}, "mig", "block"),
        ({"persistence": False}, "persistence", "warn"),
        ({"pcie_width": 8}, "pcie width", "warn"),
        ({"ecc": None}, "ecc", "unknown"),
        ({"power_limit_watts": None}, "power limit", "unknown"),
    ],
)
def test_each_fact_that_would_mislead_a_reader_is_found(
    change: dict[str, object], name: str, status: str
):
    """One fact of the card differs, one finding changes, and nothing else."""
    found = _statuses(gpu=msgspec.structs.replace(H200, **change))
    assert {key for key, value in found.items() if value != "ok"} == {name}
    assert found[name] == status


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({"processes": {4321: 1 << 30}}, "other processes", "block"),
        ({"throttle_reasons": 0x40}, "clocks", "warn"),
        ({"throttle_reasons": 0x4}, "clocks", "ok"),
        ({"temperature_celsius": 75}, "temperature", "warn"),
        ({"processes": None}, "other processes", "unknown"),
    ],
)
def test_each_state_that_would_spoil_a_measurement_is_found(
    change: dict[str, object], name: str, status: str
):
    """A stranger on the card blocks; heat and slowdowns warn; the power cap is normal."""
    assert _statuses(now=msgspec.structs.replace(AT_REST, **change))[name] == status


def test_a_gpu_profile_without_a_gpu_is_blocked_with_the_drivers_words(tmp_path: Path):
    """The reason why there is no GPU is the finding's text."""
    found = preflight(profile.load("h200-sxm"), Missing(reason="no NVIDIA driver"), tmp_path)
    assert [(f.status, f.detail) for f in found if f.name == "gpu"] == [
        ("block", "no NVIDIA driver")
    ]


@pytest.mark.parametrize(
    ("found", "status"),
    [((0, 0), "ok"), ((1, 0), "ok"), ((7, 2), "warn"), (None, "unknown")],
)
def test_work_on_a_neighbouring_gpu_is_a_warning(found: tuple[int, int] | None, status: str):
    """Other cards of the machine share its host: idle ones do no harm, busy ones may."""
    assert neighbours(found).status == status


def test_the_host_is_looked_at_also_for_a_folder_that_does_not_exist_yet(tmp_path: Path):
    """Free space is that of the nearest folder that exists."""
    found = {f.name: f for f in host(tmp_path / "not" / "yet")}
    assert found["disk"].status in ("ok", "warn")
    assert "free" in found["disk"].detail


def test_memory_that_holds_files_read_before_is_available(tmp_path: Path):
    """A host that has just read 100 GB of weights has little free and much to give."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 1024 kB\nMemFree:    8 kB\nMemAvailable:    512 kB\n")
    assert available_memory(meminfo) == 512 << 10
    meminfo.write_text("MemFree:    8 kB\n")
    assert available_memory(meminfo) is None
    assert available_memory(tmp_path / "no such system") is None
