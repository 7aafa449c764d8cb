"""Several GPUs: as many as are asked for, alike, and how they are joined."""

import pynvml
import pytest

from suite.catalog.profile import load
from suite.errors import WrongMachine
from suite.run.machine import several_gpus
from suite.run.machine.nvml import open_gpu
from support import fake_gpu

H200 = "NVIDIA H200"


def machine(monkeypatch, *names):
    fake = fake_gpu.install(monkeypatch)
    fake.nvmlDeviceGetCount.return_value = len(names)
    fake.nvmlDeviceGetHandleByIndex.side_effect = lambda index: index
    fake.nvmlDeviceGetName.side_effect = lambda handle: names[handle]
    fake.nvmlDeviceGetUUID.side_effect = lambda handle: f"GPU-{handle}"
    for name in ("NVML_NVLINK_MAX_LINKS", "NVML_P2P_CAPS_INDEX_NVLINK", "NVML_P2P_STATUS_OK"):
        setattr(fake, name, getattr(pynvml, name))
    return fake


def test_two_that_are_joined_by_nvlink(monkeypatch):
    """Their order is that of the ranks, and the record says what lies between them."""
    fake = machine(monkeypatch, H200, H200)
    fake.nvmlDeviceGetP2PStatus.return_value = pynvml.NVML_P2P_STATUS_OK
    fake.nvmlDeviceGetNvLinkState.return_value = 1
    fake.nvmlDeviceGetNumaNodeId.side_effect = fake_gpu.unsupported()
    first = open_gpu()

    gpus = (first, *several_gpus.open_others(first, 2))

    assert [gpu.uuid for gpu in gpus] == ["GPU-0", "GPU-1"]
    found = several_gpus.topology(gpus)
    assert [(link.first, link.second, link.path) for link in found.links] == [(0, 1, "nvlink")]
    assert found.nvlinks == (pynvml.NVML_NVLINK_MAX_LINKS,) * 2
    assert found.numa_nodes == (None, None)
    assert "Not Supported" in found.unavailable["numa_nodes"]


def test_two_that_are_joined_by_the_host(monkeypatch):
    """Without NVLink it is the PCIe path that NVML knows."""
    fake = machine(monkeypatch, H200, H200)
    fake.nvmlDeviceGetP2PStatus.return_value = pynvml.NVML_P2P_STATUS_NOT_SUPPORTED
    fake.nvmlDeviceGetTopologyCommonAncestor.return_value = pynvml.NVML_TOPOLOGY_SYSTEM
    fake.nvmlDeviceGetNvLinkState.side_effect = fake_gpu.unsupported()
    fake.nvmlDeviceGetNumaNodeId.return_value = 1
    first = open_gpu()

    found = several_gpus.topology((first, *several_gpus.open_others(first, 2)))

    assert [link.path for link in found.links] == ["between-numa-nodes"]
    assert found.numa_nodes == (1, 1)
    assert found.nvlinks == (None, None)


@pytest.mark.parametrize(
    ("names", "count", "visible", "words"),
    [
        ((H200,), 2, None, "this machine shows 1 of the 2 GPUs asked for"),
        ((H200, H200), 2, "1", "1 of the 2 GPUs asked for"),
        ((H200, "NVIDIA L40S"), 2, None, "unlike GPUs"),
    ],
)
def test_fewer_or_unlike_ones_are_refused(monkeypatch, names, count, visible, words):
    """Said before anything is measured."""
    machine(monkeypatch, *names)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with pytest.raises(WrongMachine, match=words):
        several_gpus.require(load("h200-sxm"), count)


def test_slices_are_refused(monkeypatch):
    """NCCL does not join them."""
    fake = machine(monkeypatch, H200, H200)
    fake.nvmlDeviceGetUUID.side_effect = lambda handle: f"MIG-{handle}"
    with pytest.raises(WrongMachine, match="slices"):
        several_gpus.require(load("h200-sxm"), 2)


def test_more_processes_than_processors_are_refused(monkeypatch):
    """On the CPU a rank is a process: two are always possible."""
    monkeypatch.setattr(several_gpus, "cpu_count", lambda: 1)
    several_gpus.require(load("cpu"), 2)
    with pytest.raises(WrongMachine, match="3 processes"):
        several_gpus.require(load("cpu"), 3)
