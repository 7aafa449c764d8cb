"""A launch with real worker processes: records, JSON, interruption, resuming."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.errors import SuiteError, WrongMachine
from suite.paths import ROOT
from suite.results.storage.run_folder import create, open_run, read
from suite.run.pytest_front import drive
from support import records
from support.run_settings import Silent, scripted

INTERRUPTIBLE = ROOT / "tests" / "support" / "interruptible.py"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def carry_out(run, reporter=None, behaviour="by_method", number=1, *, probing=False):
    command = scripted(behaviour)
    drive.run_launch(run, number, reporter or Silent(), command=command, probing=probing)


def test_every_case_gets_a_record_whatever_happens(tmp_path):
    """Good, crashed, out of memory and unsupported cases are all in journal and JSON."""
    plan = records.plan(models=("tiny-qwen3", "tiny-gpt-oss"), methods=("qlora", "full", "lora"))
    reporter = Silent()

    with create(tmp_path / "run", plan) as run:
        carry_out(run, reporter)

    outcomes = [(record.case_id, record.outcome) for record in read([tmp_path / "run"]).records]
    assert outcomes == [
        ("tiny-qwen3-qlora", "error"),
        ("tiny-qwen3-full", "oom"),
        ("tiny-qwen3-lora", "ok"),
        ("tiny-gpt-oss-qlora", "unsupported"),
        ("tiny-gpt-oss-full", "oom"),
        ("tiny-gpt-oss-lora", "invalid"),
    ]
    written = json.loads((tmp_path / "run" / "launch-1.json").read_text())
    listed = [(case["case_id"], case["outcome"]) for case in written["tunebench"]["cases"]]
    assert listed == outcomes
    assert written["tunebench"]["cases"][0]["reason"].startswith("the worker crashed with SIGSEGV")
    (benchmark,) = written["benchmarks"]
    assert benchmark["name"] == "test_train[tiny-qwen3-lora]"
    assert benchmark["params"]["method"] == "lora"
    assert benchmark["stats"]["data"] == [0.25] * 10
    assert [told for told in reporter.told if told[0] == "case"][3:4] == [
        ("case", "tiny-gpt-oss-qlora", 4, 6)
    ]


def test_a_launch_in_which_everything_fails_still_has_its_json(tmp_path):
    """pytest-benchmark writes nothing then; the outcomes are there all the same."""
    with create(tmp_path / "run", records.plan(methods=("qlora",))) as run:
        carry_out(run)

    written = json.loads((tmp_path / "run" / "launch-1.json").read_text())
    assert written["benchmarks"] == []
    assert written["tunebench"]["cases"][0]["outcome"] == "error"
    assert "node" not in written["machine_info"]


def test_a_second_launch_runs_every_case_again(tmp_path):
    """Launches are told apart in records and files; cases are counted over all of them."""
    plan = records.plan(methods=("lora",), launches=2)
    reporter = Silent()

    with create(tmp_path / "run", plan) as run:
        carry_out(run, reporter, number=1)
        carry_out(run, reporter, number=2)

    assert [record.launch for record in read([tmp_path / "run"]).records] == [1, 2]
    assert (tmp_path / "run" / "launch-2.json").is_file()
    begun = [told for told in reporter.told if told[0] == "case"]
    assert begun == [("case", "tiny-qwen3-lora", 1, 2), ("case", "tiny-qwen3-lora", 2, 2)]


def test_a_warm_launch_tells_what_it_compiled_again(tmp_path):
    """The first launch adds its kernels, the second finds them, and a new one shows."""
    with create(tmp_path / "run", records.plan(methods=("lora",), launches=3)) as run:
        carry_out(run, behaviour="compiles", number=1)
        carry_out(run, behaviour="compiles", number=2)
        (tmp_path / "run" / "compiled" / "tiny-qwen3-lora" / "forward").unlink()
        carry_out(run, behaviour="compiles", number=3)

    seen = [(r.compile_cache, r.compiled_files) for r in read([tmp_path / "run"]).records]
    assert seen == [("cold", 2), ("warm", 0), ("warm", 1)]


def test_the_hosts_speed_is_compared_with_that_of_earlier_launches(tmp_path, cache):
    """Every record has the launch's finding; what a machine was before outlives the run."""
    with create(tmp_path / "run", records.plan(methods=("lora",))) as run:
        carry_out(run, behaviour="well", probing=True)

        (record,) = run.records
    (found,) = (one for one in record.environment.preflight if one.name == "host speed")
    assert found.status == "unknown"
    assert record.environment.probe.host.python_operations_per_second > 1e5
    assert len((cache / "host-probes.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_in_order_and_the_run_goes_on(tmp_path, cache, number):
    """No worker is left, the case in flight has no record, and resuming loses no benchmark."""
    parent, worker, child = started_until_slow(tmp_path, cache)

    parent.send_signal(number)

    assert parent.wait(20) == 128 + number
    gone(worker, child)
    kept = read([tmp_path / "run"])
    assert [record.method for record in kept.records] == ["lora"]
    assert kept.problems == ()

    with open_run(tmp_path / "run") as run:
        carry_out(run, behaviour="well")

    methods = [record.method for record in read([tmp_path / "run"]).records]
    assert methods == ["lora", "unsloth-lora"]
    first = json.loads((tmp_path / "run" / "launch-1.json").read_text())
    assert [found["param"] for found in first["benchmarks"]] == ["tiny-qwen3-lora"]
    resumed = json.loads((tmp_path / "run" / "launch-1-resumed-1.json").read_text())
    assert [found["outcome"] for found in resumed["tunebench"]["cases"]] == ["ok", "ok"]


def test_kill_9_of_the_parent_takes_the_worker_along(tmp_path, cache):
    """What was recorded is whole, JSON included; worker and its child are gone."""
    parent, worker, child = started_until_slow(tmp_path, cache)

    parent.kill()
    parent.wait(20)

    gone(worker, child)
    assert [record.method for record in read([tmp_path / "run"]).records] == ["lora"]
    written = json.loads((tmp_path / "run" / "launch-1.json").read_text())
    assert [found["outcome"] for found in written["tunebench"]["cases"]] == ["ok", None]


def test_kill_9_of_the_worker_in_a_step_is_a_record(tmp_path, cache):
    """The case is killed, its steps so far are kept, and the launch ends well."""
    parent, worker, child = started_until_slow(tmp_path, cache)
    os.kill(worker, signal.SIGKILL)

    assert parent.wait(20) == 0
    gone(worker, child)
    killed = read([tmp_path / "run"]).records[-1]
    assert killed.outcome == "killed"
    assert killed.exit_code == -9


def test_a_benchmark_that_ends_early_still_makes_a_record(tmp_path, monkeypatch):
    """An assertion, a skip in the target and a forgotten finish are all answers, never silence."""
    benchmarks = own_benchmarks(
        tmp_path,
        "def test_early(benchmark, training, case):\n"
        "    training.warm_up()\n"
        "    if case.method.name == 'lora': assert False, 'no'\n"
        "    if case.method.name == 'full': __import__('pytest').skip('not today')\n"
        "    benchmark.pedantic(training.step, rounds=2)\n",
    )
    monkeypatch.setattr(drive, "BENCHMARKS", benchmarks)

    with create(tmp_path / "run", records.plan(methods=("lora", "full", "unsloth-lora"))) as run:
        carry_out(run, behaviour="well")

        assert [(record.outcome, record.reason) for record in run.records] == [
            ("error", "the benchmark ended early: AssertionError: no assert False"),
            ("skipped", "not today"),
            ("error", "the benchmark ended early: it did not call training.finish()"),
        ]
    written = json.loads((tmp_path / "run" / "launch-1.json").read_text())
    assert written["benchmarks"] == []


def test_calibrated_mode_is_refused_with_the_way_out(tmp_path, monkeypatch):
    """The workers' clock does not move by itself: no endless loop, but a clear error."""
    benchmarks = own_benchmarks(
        tmp_path,
        "def test_calibrated(benchmark, training):\n"
        "    training.warm_up()\n"
        "    benchmark(training.step)\n",
    )
    monkeypatch.setattr(drive, "BENCHMARKS", benchmarks)

    with create(tmp_path / "run", records.plan(methods=("lora",))) as run:
        carry_out(run, behaviour="well")

        assert "use benchmark.pedantic" in run.records[0].reason


def test_a_benchmark_file_that_cannot_be_imported_is_an_error(tmp_path, monkeypatch):
    """Nothing ran, so there is nothing to record; pytest's own words are in the message."""
    monkeypatch.setattr(drive, "BENCHMARKS", own_benchmarks(tmp_path, "import nonexistent\n"))

    with (
        create(tmp_path / "run", records.plan()) as run,
        pytest.raises(SuiteError, match="nonexistent"),
    ):
        carry_out(run)


def test_a_machine_that_cannot_go_on_stops_the_launch(tmp_path, cache):
    """An unwritable cache is not the cases' fault: no record, one clear error."""
    cache.write_text("a file where the folder should be")

    with create(tmp_path / "run", records.plan()) as run:
        with pytest.raises(WrongMachine, match="cannot be written"):
            carry_out(run)

        assert run.records == ()


def test_a_full_disk_stops_the_launch(tmp_path):
    """A record that cannot be written stops everything: going on would measure for nothing."""
    with create(tmp_path / "run", records.plan()) as run:
        (tmp_path / "run" / "journal.jsonl").symlink_to("/dev/full")
        with pytest.raises((WrongMachine, OSError)):
            carry_out(run)

        assert run.records == ()


def test_an_impatient_second_signal_leaves_nothing_either(tmp_path, cache):
    """Two Ctrl-C within a moment of each other."""
    parent, worker, child = started_until_slow(tmp_path, cache)

    parent.send_signal(signal.SIGINT)
    time.sleep(0.02)
    parent.send_signal(signal.SIGINT)

    assert parent.wait(20) != 0
    gone(worker, child)
    assert [record.method for record in read([tmp_path / "run"]).records] == ["lora"]


def test_a_gpu_profile_needs_its_gpu(tmp_path):
    """A plan for another machine stops before any worker starts."""
    plan = records.plan()
    plan = type(plan)(
        **{**{f: getattr(plan, f) for f in plan.__struct_fields__}, "profile": "h200-sxm"}
    )

    with create(tmp_path / "run", plan) as run, pytest.raises(WrongMachine, match="h200-sxm"):
        carry_out(run)


def test_a_reader_that_goes_away_stops_the_launch(tmp_path):
    """A closed pipe under the reporter ends the run like a signal does: no record, no worker."""

    class Closed(Silent):
        def step_done(self, step, done, planned):
            raise BrokenPipeError

    with create(tmp_path / "run", records.plan()) as run:
        with pytest.raises(BrokenPipeError):
            carry_out(run, Closed())

        assert run.records == ()


def own_benchmarks(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (folder / "conftest.py").write_text('pytest_plugins = ["suite.run.pytest_front.plugin"]\n')
    (folder / f"test_{tmp_path.name}.py").write_text(text)
    return folder


def started_until_slow(tmp_path: Path, cache: Path) -> tuple[subprocess.Popen, int, int]:
    """Start a launch; return it with worker and child once its second case takes steps."""
    log = (tmp_path / "log").open("w")
    parent = subprocess.Popen(
        [sys.executable, str(INTERRUPTIBLE), str(tmp_path / "run")], stdout=log, stderr=log
    )
    deadline = time.monotonic() + 30
    while not (cache / "slow").exists():
        assert parent.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    worker, child = map(int, (cache / "slow").read_text().split())
    time.sleep(0.5)  # into its steps
    return parent, worker, child


def gone(*pids: int) -> None:
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() and not zombie(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
