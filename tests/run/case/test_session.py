"""The session against real worker processes, good ones and bad ones."""

import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from suite.catalog.tier import Workload
from suite.run.case import session
from suite.run.case.session import agree
from support import run_settings
from support.run_settings import Silent, measure


def test_a_good_worker_makes_a_whole_record(tmp_path):
    """Every phase, every step with its role, settings, checks and times are in the record."""
    reporter = Silent()

    record = measure(tmp_path, "well", reporter)

    assert record.reason == ""
    assert record.outcome == "ok"
    assert record.phase is None
    names = [phase.name for phase in record.phases]
    assert names == ["import", "load", "prepare", "first_step", "steady", "finish"]
    roles = [step.role for step in record.steps]
    assert roles == ["first"] + ["warmup"] * 6 + ["steady"] * 10
    assert record.steadiness is None
    assert len(record.step_spans) == len(record.steps)
    assert all(began < ended for began, ended in record.step_spans)
    assert record.exit_code == 0
    assert record.weights == "dummy seed 17"
    assert record.environment.versions.packages == {"torch": "2.13.0"}
    assert set(record.output_tail) == {"a line on stdout", "a line on stderr"}
    assert record.harness_seconds == pytest.approx(
        record.wall_seconds - sum(phase.seconds for phase in record.phases)
    )
    assert reporter.told[-1] == ("ended", "ok")
    assert ("step", 17, 17) in reporter.told
    assert record.phases[0].memory.unavailable["nvml_process_peak_bytes"] == "no GPU in use"


def test_warm_up_ends_at_its_cap(tmp_path):
    """Step times that never agree are measured all the same."""
    record = measure(tmp_path, "never_steady")

    assert sum(step.role == "warmup" for step in record.steps) == 12
    assert record.notes == ()


def test_short_steps_are_more_where_the_case_says_so(tmp_path):
    """The worker's steps take a millisecond here."""
    record = measure(tmp_path, "well", case={"steady_steps_if_short": 14})

    assert sum(step.role == "steady" for step in record.steps) == 14


def test_warm_up_is_as_many_steps_as_there_are_shapes(tmp_path):
    """Where batches differ, warm-up has every steady batch once, whatever its steps take."""
    work = {"data": "real-length", "sequence_tokens": 128, "batch_sequences": 4}
    record = measure(tmp_path, "never_steady", case={"workload": Workload(**work)})

    roles = [step.role for step in record.steps]
    assert roles == ["first"] + ["warmup"] * 10 + ["steady"] * 10


@pytest.mark.parametrize(
    ("behaviour", "outcome", "phase", "said"),
    [
        ("segfault", "error", "prepare", "crashed with SIGSEGV; Segmentation fault at"),
        ("killed_in_steady", "killed", "first_step", "ended by SIGKILL"),
        ("exits_with_seven", "error", "import", "code 7"),
        ("leaves_silently", "error", "import", "code 0 before it was finished"),
        ("says_out_of_memory", "oom", "load", "2 TiB"),
        ("allocates", "oom", "load", "MemoryError"),
        ("hangs", "timeout", "load", "nothing heard for 1 s"),
        ("hangs_in_a_step", "timeout", "prepare", "nothing heard for 1 s"),
        ("hangs_ignoring_signals", "timeout", "load", "nothing heard for 1 s"),
        ("stops_itself", "timeout", "prepare", "nothing heard for 1 s"),
        ("hangs_up", "error", "import", "went on running"),
        ("rubbish", "error", "start", "not a frame"),
        ("half_a_frame", "error", "import", "half a frame"),
        ("killed_in_half_a_frame", "killed", "import", "ended by SIGKILL"),
        ("too_many_steps", "error", "prepare", "StepDone out of turn"),
    ],
)
def test_a_bad_worker_ends_as_a_record(tmp_path, monkeypatch, behaviour, outcome, phase, said):
    """Whatever a worker does, the record says how it ended, where and why; none is left."""
    monkeypatch.setattr(session, "EXIT_SECONDS", 1.0)
    monkeypatch.setattr(
        run_settings, "SHORT", msgspec.structs.replace(run_settings.SHORT, first_step_seconds=1)
    )

    record = measure(tmp_path, behaviour)

    assert (record.outcome, record.phase) == (outcome, phase)
    assert said in record.reason
    assert record.harness_seconds is None
    assert record.wall_seconds < 15


def test_what_was_measured_before_the_end_is_kept(tmp_path):
    """Steps and settings from before a crash stay in the record."""
    record = measure(tmp_path, "killed_in_steady")

    assert [step.role for step in record.steps] == ["first"]
    assert record.effective is not None
    assert record.exit_code == -9


def test_a_hung_worker_shows_where_it_hangs(tmp_path):
    """The interpreter's stacks are in the last lines of output."""
    record = measure(tmp_path, "hangs")

    assert any("in hangs" in line for line in record.output_tail)


def test_no_child_of_a_dead_worker_survives(tmp_path):
    """A child that holds the socket open neither delays the record nor lives on."""
    began = time.monotonic()

    record = measure(tmp_path, "leaves_a_child")

    assert time.monotonic() - began < 10
    assert "code 3" in record.reason
    (line,) = [line for line in record.output_tail if line.startswith("child ")]
    child = int(line.split()[1])
    for _ in range(100):
        if not alive(child):
            break
        time.sleep(0.02)
    assert not alive(child)


def test_a_worker_that_never_exits_is_a_good_record_with_a_note(tmp_path, monkeypatch):
    """Everything was measured; that it had to be killed afterwards is said."""
    monkeypatch.setattr(session, "EXIT_SECONDS", 0.5)

    record = measure(tmp_path, "never_exits")

    assert record.outcome == "ok"
    assert record.notes == ("the worker had finished, then ended with code -9",)


def test_sessions_leave_no_descriptor_and_no_thread(tmp_path):
    """A run of hundreds of cases must not run out of either."""
    measure(tmp_path, "well")
    before = open_descriptors(), threading.active_count()

    for behaviour in ("well", "segfault", "leaves_silently", "rubbish"):
        measure(tmp_path, behaviour)

    assert (open_descriptors(), threading.active_count()) == before


def test_output_is_bounded(tmp_path):
    """A flood of output keeps its last sixty lines, cut to a readable length, as displayed."""
    record = measure(tmp_path, "floods")

    assert record.outcome == "ok"
    assert len(record.output_tail) == 60
    assert max(map(len, record.output_tail)) <= 400
    assert record.output_tail[-1] == "100%"


def test_a_failed_check_is_invalid(tmp_path):
    """A worker that trained something else is not a result, however well it ended."""
    record = measure(tmp_path, "wrong_count")

    assert record.outcome == "invalid"
    assert "trainable" in record.reason
    assert record.harness_seconds is not None


def test_a_worker_that_cannot_start_is_a_record(tmp_path):
    """A missing program is an error of the case."""
    record = measure(tmp_path, "well", command=("/nonexistent/python",))

    assert (record.outcome, record.phase) == ("error", "start")
    assert "could not be started" in record.reason


def test_the_rule_of_steadiness():
    """Medians of the last two windows, relative to the earlier one."""
    assert not agree([1.0, 1.0, 1.0], 2, 0.1)
    assert agree([9.0, 1.0, 1.0, 1.05, 1.05], 2, 0.1)
    assert not agree([1.0, 1.0, 0.8, 0.8], 2, 0.1)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
