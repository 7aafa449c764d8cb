from suite.run.machine.ceilings import probe


def test_the_probe_measures_this_device():
    """A real product and a real copy on the CPU give rates a CPU can have."""
    found, reason = probe("cpu")
    assert reason == ""
    assert found is not None
    assert 1e8 < found.matmul_flops_per_second < 1e14
    assert 1e8 < found.copy_bytes_per_second < 1e13
    assert found.host is not None
    assert (found.host.python_operations_per_second or 0) > 1e5
    assert found.host.unavailable["kernel_launches_per_second"] == "no GPU in use"


def test_a_device_that_is_not_there_gives_a_reason_instead_of_numbers():
    """Asked for an unknown device, the probe answers with the library's own words."""
    found, reason = probe("abacus")
    assert found is None
    assert "abacus" in reason
