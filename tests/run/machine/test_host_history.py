"""A host beside its own past: what is in line, what is not, and a past that cannot be read."""

from pathlib import Path

import msgspec
import pytest

from suite.results.record import Finding
from suite.run.machine import host_history
from suite.run.machine.host_history import FILE, LEAST, MOST
from suite.wire import HostProbe

USUAL = HostProbe(
    kernel_launches_per_second=200e3,
    python_operations_per_second=40e6,
    memory_bytes_per_second=20e9,
    cpu_family=6,
    cpu_model=143,
    cpu_stepping=8,
    unavailable={"pinned_bytes_per_second": "not permitted"},
)


def look(folder: Path, host: HostProbe | None = USUAL, *, python: str = "3.12.3") -> Finding:
    return host_history.finding(folder, host, cpu="A CPU", python=python)


def other(**changes: object) -> HostProbe:
    return msgspec.structs.replace(USUAL, **changes)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A machine that was probed as often as it takes."""
    for _ in range(LEAST):
        assert look(tmp_path / "cache").status == "unknown"
    return tmp_path / "cache"


def test_the_first_probes_of_a_machine_have_nothing_to_be_compared_with(tmp_path: Path) -> None:
    """Unknown, not fine, until there are enough; a host that was not probed is not kept."""
    found = look(tmp_path / "cache")
    assert (found.name, found.status) == ("host speed", "unknown")
    assert "fewer than 3 earlier probes" in found.detail
    assert look(tmp_path / "cache", None).detail == "the host was not probed"
    assert len((tmp_path / "cache" / FILE).read_text().splitlines()) == 1


def test_a_rate_in_line_with_earlier_ones_is_fine(known: Path) -> None:
    """Scatter of some percent is no reason to doubt."""
    found = look(known, other(kernel_launches_per_second=170e3))
    assert found.status == "ok"
    assert found.detail == "in line with 3 earlier probes on this machine"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("kernel_launches_per_second", 82e3, "kernel launches 41 % of usual (82 k/s, 200 k/s)"),
        ("python_operations_per_second", 29e6, "Python operations 72 % of usual"),
        ("memory_bytes_per_second", 5e9, "memory copies of one thread 25 % of usual (5 GB/s"),
    ],
)
def test_a_slower_host_is_a_warning_with_figures(
    known: Path, field: str, value: float, said: str
) -> None:
    """Which rate, how far, from what, and what it does to a measurement."""
    found = look(known, other(**{field: value}))
    assert found.status == "warn"
    assert said in found.detail
    assert "Steps that wait for the host will take longer" in found.detail
    assert found.detail.count("of usual") == 1


def test_a_part_that_was_not_permitted_is_not_compared(known: Path) -> None:
    """Null today, or null in the past: the other parts are still compared."""
    assert look(known, other(kernel_launches_per_second=None)).status == "ok"
    assert look(known, other(pinned_bytes_per_second=1.0)).status == "ok"


@pytest.mark.parametrize("change", [{"cpu_model": 85}, {"cpu_stepping": None}])
def test_another_processor_is_another_machine(known: Path, change: dict[str, object]) -> None:
    """A cache folder that machines share mixes up no two of them, nor two Pythons."""
    slow = other(python_operations_per_second=1e6, **change)
    assert look(known, slow).status == "unknown"
    assert look(known, slow, python="3.11.9").status == "unknown"


def test_damaged_lines_are_left_out(known: Path) -> None:
    """Half a line, another format and no text at all: the rest counts, and is kept."""
    with (known / FILE).open("ab") as file:
        file.write(b'{"cpu": "A CPU", "pyth\n[]\n\xff\xfe\n{"cpu": 1}\n\n')
    found = look(known)
    assert found.detail == "in line with 3 earlier probes on this machine"
    assert len((known / FILE).read_bytes().splitlines()) == LEAST + 1


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    """A machine that became slower for good is in line with itself again; the file stays small."""
    cache = tmp_path / "cache"
    for _ in range(MOST):
        look(cache)
    slow = other(python_operations_per_second=20e6)
    assert look(cache, slow).status == "warn"
    for _ in range(MOST):
        look(cache, slow)
    assert look(cache, slow).status == "ok"
    assert len((cache / FILE).read_text().splitlines()) == MOST
    assert [path.name for path in cache.iterdir()] == [FILE]


def test_a_folder_that_cannot_be_written_is_said_and_no_error(tmp_path: Path) -> None:
    """The launch goes on, and its records say why the next one will know nothing."""
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = look(tmp_path / "cache")
    assert found.status == "unknown"
    assert "not kept for later repeats: " in found.detail
    assert str(tmp_path) not in found.detail
