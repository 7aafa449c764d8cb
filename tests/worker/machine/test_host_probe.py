"""The host's probe where a part cannot be had: null with its reason, the rest is there."""

from pathlib import Path

import numpy
import pytest

from suite.worker.machine import host_probe


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "MemoryError"),  # Python's own says nothing
        (PermissionError(1, "Operation not permitted"), "[Errno 1] Operation not permitted"),
        (RuntimeError("CUDA error: invalid\nand more lines"), "CUDA error: invalid"),
        (AttributeError("no attribute '_sleep'"), "no attribute '_sleep'"),
    ],
    ids=["silent", "forbidden", "long", "absent"],
)
def test_a_part_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """One buffer that cannot be had costs one rate, whatever the error says or does not say."""

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(numpy, "full", fails)
    found = host_probe.measure("cpu")
    assert found.memory_bytes_per_second is None
    assert found.unavailable["memory_bytes_per_second"] == reason
    assert (found.python_operations_per_second or 0) > 1e5


def test_a_processor_that_is_hidden_leaves_the_rates(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container without /proc/cpuinfo and /sys has no numbers, each with its reason."""
    monkeypatch.setattr(host_probe, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(host_probe, "NODES", tmp_path / "online")
    found = host_probe.measure("cpu")
    assert found.cpu_family is found.cpu_model is found.cpu_stepping is found.numa_nodes is None
    for name in ("cpu_family", "cpu_model", "cpu_stepping", "numa_nodes"):
        assert found.unavailable[name]
    assert found.python_operations_per_second
