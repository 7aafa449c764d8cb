"""The ledger's lines add up to what the driver counts, and what nothing explains is a line."""

import pytest

from suite.paths import RESULTS
from suite.results.memory.ledger import MOST_RESIDUAL_SHARE, PARTS, Account, account
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.storage import run_folder
from suite.wire import Memory, Phase
from support import records

MIB = 1 << 20


def of(record: Record) -> Account:
    found = account(record)
    assert found is not None
    return found


def line(found: Account, part: str) -> int | None:
    (only,) = [each for each in found.lines if each.part == part]
    assert (only.bytes is None) == bool(only.reason)
    return only.bytes


def with_memory(**changes: object) -> Record:
    fields = {"reserved_peak_bytes": 1000 * MIB, "nvml_process_peak_bytes": 1500 * MIB}
    memory = Memory(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own keywords
    return records.on_gpu(phases=(Phase(name="steady", seconds=1, memory=memory),))


def test_the_lines_add_up_to_what_nvml_counts() -> None:
    """Every part once, frozen weights by dtype, and the context is what torch does not have."""
    newer = {
        "workspaces_bytes": 8 * MIB,
        "other_tensors_bytes": MIB,
        "activations_bytes": 230 * MIB,
    }
    found = of(records.on_gpu(ledger=records.ledger(**newer)))
    assert [each.part for each in found.lines] == ["frozen_weights", *PARTS]
    assert [each.dtype for each in found.lines][:3] == ["bfloat16", "uint8", ""]
    assert sum(each.bytes or 0 for each in found.lines) == found.total_bytes == 1500 * MIB
    assert found.counted_by == "nvml"
    assert line(found, "context") == 500 * MIB
    assert found.residual_bytes == line(found, "residual") == 10 * MIB
    assert found.residual_share == pytest.approx(10 / 1500)
    assert found.adds_up
    assert found.host_rss_peak_bytes == 900 * MIB


@pytest.mark.parametrize(("activations", "adds_up"), [(219, True), (218, False), (280, False)])
def test_a_line_that_misses_bytes_shows_in_the_residual(activations: int, adds_up: bool) -> None:
    """30 MiB of 1,500 are the most that may be unexplained, in either direction."""
    record = records.on_gpu(ledger=records.ledger(activations_bytes=activations * MIB))
    found = of(record)
    assert found.residual_bytes == (249 - activations) * MIB
    assert found.adds_up == adds_up
    assert sum(each.bytes or 0 for each in found.lines) == found.total_bytes
    share = all_metrics()["ledger_residual_share"].compute(record)
    assert share == pytest.approx(abs(249 - activations) / 1500)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"nvml_process_peak_bytes": None, "unavailable": {"nvml_process_peak_bytes": "why"}},
            "why",
        ),
        ({"nvml_process_peak_bytes": 999 * MIB}, "NVML's highest sample lies below"),
    ],
)
def test_without_nvmls_count_the_total_is_torchs(changes: dict[str, object], reason: str) -> None:
    """The context is then unknown and no negative line, and the reason is there."""
    found = of(with_memory(**changes))
    assert line(found, "context") is None
    assert (found.counted_by, found.total_bytes) == ("torch", 1000 * MIB)
    assert found.total_reason.startswith(reason)
    assert found.residual_share == pytest.approx(0.01)


def test_where_torch_does_not_count_nothing_is_claimed() -> None:
    """On the CPU the tensors are known, and no sum of them is."""
    unknown = dict.fromkeys(("activations_bytes", "residual_bytes", "fragmentation_bytes"))
    record = records.record(ledger=records.ledger(**unknown))
    found = of(record)
    assert (found.total_bytes, found.counted_by, found.adds_up) == (None, None, None)
    assert found.total_reason
    assert line(found, "residual") is None
    assert line(found, "optimizer_state") == 60 * MIB
    assert all_metrics()["ledger_residual_share"].compute(record) is None


def test_absurd_numbers_are_unknown() -> None:
    """A stranger's whole number of 400 digits neither overflows nor explains anything."""
    found = of(records.on_gpu(ledger=records.ledger(activations_bytes=10**400)))
    assert line(found, "activations") is None
    assert (found.residual_bytes, found.residual_share, found.adds_up) == (None, None, None)


def test_a_record_without_a_ledger_has_no_account() -> None:
    """An old or a failed one."""
    assert account(records.failed()) is None


def test_managed_memory_stands_beside_the_lines() -> None:
    """Paged optimizer state is in no sum: torch does not count it."""
    found = of(records.on_gpu(ledger=records.ledger(paged_optimizer_state_bytes=7)))
    assert found.paged_optimizer_state_bytes == 7
    assert sum(each.bytes or 0 for each in found.lines) == found.total_bytes


def test_every_published_ledger_adds_up() -> None:
    """On real cards at most a fiftieth of the process's memory is unexplained."""
    runs = sorted(path.parent for path in RESULTS.glob("*/*/journal.jsonl"))
    found = [each for each in map(account, run_folder.read(runs).records) if each is not None]
    assert found
    for each in found:
        assert each.counted_by == "nvml"
        assert sum(line.bytes or 0 for line in each.lines) == each.total_bytes
        assert each.residual_share is not None
        assert each.residual_share <= MOST_RESIDUAL_SHARE
        assert each.adds_up


def test_workspaces_and_other_tensors_have_lines_where_they_are_known() -> None:
    """Older records have them in the residual, and no line of zero bytes instead."""
    old = records.ledger()
    new = records.ledger(workspaces_bytes=8 << 20, other_tensors_bytes=1 << 20)
    before, after = account(records.on_gpu(ledger=old)), account(records.on_gpu(ledger=new))
    assert before is not None
    assert after is not None
    assert {"workspaces", "other_tensors"}.isdisjoint(line.part for line in before.lines)
    lines = {line.part: line.bytes for line in after.lines}
    assert (lines["workspaces"], lines["other_tensors"]) == (8 << 20, 1 << 20)
    assert (before.residual_bytes or 0) - (after.residual_bytes or 0) == 9 << 20
    assert sum(line.bytes or 0 for line in after.lines) == after.total_bytes
