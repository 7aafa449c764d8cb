import io
import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from suite.paths import ROOT
from suite.results.record import Record
from suite.run.progress import reporter
from suite.run.progress.reporter import JsonReporter, PlainReporter, RunReporter
from suite.run.progress.time_left import Estimate
from support import records

RUN = Path("runs/x")


def tell(told: RunReporter, *ended: Record) -> None:
    """Play a run whose cases end with these records."""
    plan = records.plan()
    with told:
        for number, (case, record) in enumerate(zip(plan.cases, ended, strict=True), 1):
            told.case_begun(case, number, plan.total, record.launch, plan.launches)
            told.phase_begun("load")
            for step in record.steps:
                told.step_done(step, step.index + 1, 23)
            told.case_ended(record)


def test_a_log_gets_one_plain_line_a_case() -> None:
    """No colour, no overwriting: what runs, each outcome with its numbers or its reason."""
    stream = io.StringIO()
    told = PlainReporter(RUN, records.plan(), [], stream)
    tell(told, records.record(), records.failed(method="qlora"))
    lines = stream.getvalue().splitlines()
    assert lines == [
        "2 cases on cpu, tier smoke → runs/x",
        "[1/2] tiny-qwen3-lora: ok: 101.9 ms a step, 4,598 token/s, peak 900 MiB, in 9.4 s",
        "[2/2] tiny-qwen3-qlora: oom in load: out of memory while loading",
    ]


def test_a_log_says_that_a_long_case_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a quiet half minute a step or phase is worth a line, with the time left."""
    stream = io.StringIO()
    told = PlainReporter(RUN, records.plan(), [records.record(wall_seconds=200.0)], stream)
    now = [1000.0]
    monkeypatch.setattr(reporter.time, "monotonic", lambda: now[0])
    case = records.plan().cases[1]
    with told:
        told.case_begun(case, 2, 2, 1, 1)
        now[0] += 10
        told.phase_begun("load")
        now[0] += 50
        told.step_done(records.steps()[0], 1, 23)
    assert stream.getvalue().splitlines() == [
        "2 cases, 1 done before on cpu, tier smoke → runs/x",
        "[2/2] tiny-qwen3-qlora: step 1 of at most 23, 1:00 so far, about 2:20 left in all",
    ]


def test_json_lines_are_whole_events() -> None:
    """Each line parses by itself; a case carries its metrics, an unknown one null."""
    stream = io.StringIO()
    told = JsonReporter(RUN, records.plan(), [], stream)
    tell(told, records.record(), records.failed(method="qlora"))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert events[0]["event"] == "run-begun"
    assert events[0]["cases"] == ["tiny-qwen3-lora", "tiny-qwen3-qlora"]
    ended = [event for event in events if event["event"] == "case-ended"]
    assert [event["outcome"] for event in ended] == ["ok", "oom"]
    assert ended[0]["metrics"]["step_seconds"] == pytest.approx(0.1019)
    assert ended[1]["metrics"]["step_seconds"] is None
    steps = [event for event in events if event["event"] == "step-done"]
    assert steps[0]["step"]["role"] == "first"


@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_is_drawn_within_its_width(width: int) -> None:
    """On a real terminal: a mark a case, never wider than it, and the cursor comes back."""
    script = (
        "from pathlib import Path; import test_progress as t; from support import records;"
        " from suite.run.progress.choose import reporter;"
        " t.tell(reporter(Path('runs/x'), records.plan(), [], json=False),"
        " records.record(), records.failed(method='qlora', reason='a very long reason ' * 20))"
    )
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests", Path(__file__).parent))),
            "COLUMNS": str(width),
            "TERM": "xterm",
            "PYTHONIOENCODING": "utf-8",
        },
        stdout=terminal,
    )
    os.close(terminal)
    shown = b""
    while select.select([main], [], [], 30)[0]:
        try:
            shown += os.read(main, 65536)
        except OSError:  # Linux says so when the other side has closed
            break
    os.close(main)
    assert process.wait() == 0
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")
    text = shown.decode()
    assert "✓" in text
    assert "✗" not in text
    (oom,) = [line for line in text.splitlines() if "oom in load" in line]
    assert oom.rstrip().endswith("…")
    assert len(oom[oom.index("tiny") :].rstrip()) == width - 2


def test_time_left_is_known_once_something_was_measured() -> None:
    """A case counts as long as itself before, else as its engine, else as all; or not at all."""
    plan = records.plan(
        models=("tiny-qwen3", "tiny-gpt-oss"), methods=("lora", "qlora"), launches=2
    )
    estimate = Estimate(plan, [])
    assert estimate.seconds_left(0) is None
    # Three cases are supported: six records, one of them done.
    estimate.ended(records.record(wall_seconds=10.0))
    assert estimate.seconds_left(0) == pytest.approx(50.0)
    assert estimate.seconds_left(4) == pytest.approx(46.0)
    estimate.ended(records.record(method="qlora", wall_seconds=30.0))
    assert estimate.seconds_left(0) == pytest.approx(2 * 20 + 10 + 30)
    assert estimate.seconds_left(1000) is None
