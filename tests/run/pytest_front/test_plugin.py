"""``pytest benchmarks`` by itself, without our command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.paths import ROOT
from suite.results.storage.run_folder import read


@pytest.fixture
def environment(tmp_path, tmp_path_factory):
    cache = tmp_path_factory.getbasetemp() / "tunebench-cache"
    return {**os.environ, "TUNEBENCH_CACHE": str(cache), "OMP_NUM_THREADS": "1"}


def command(*arguments):
    return [sys.executable, "-m", "pytest", str(ROOT / "benchmarks"), "--profile=cpu", *arguments]


def test_real_training_from_pytest_to_compare(tmp_path, environment):
    """A real QLoRA case and an unsupported one: pytest's words, records, JSON, and compare."""
    out = tmp_path / "out"
    chosen = ["--models=tiny-qwen3,tiny-gpt-oss", "--methods=qlora", f"--out={out}", "-rs"]

    done = subprocess.run(
        command(*chosen), env=environment, cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout
    assert "unsupported: transformers 5 keeps" in done.stdout
    assert f"2 results in {out}" in done.stdout
    trained, refused = read([out]).records
    assert (trained.outcome, refused.outcome) == ("ok", "unsupported")
    # A share, not seconds: a busy machine slows the worker and the session alike.
    assert 0 < trained.harness_seconds < 0.1 * sum(phase.seconds for phase in trained.phases)
    assert trained.environment.probe is not None
    assert "disk" in [finding.name for finding in trained.environment.preflight]
    (benchmark,) = json.loads((out / "launch-1.json").read_text())["benchmarks"]
    steady = [step.seconds for step in trained.steps if step.role == "steady"]
    assert benchmark["stats"]["data"] == pytest.approx(steady, abs=1e-12)

    compared = subprocess.run(
        ["pytest-benchmark", "compare", str(out / "launch-1.json"), "--group-by=param:model"],
        env={**environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "test_train[tiny-qwen3-qlora]" in compared.stdout
    assert benchmark["params"] == {
        "case_id": "tiny-qwen3-qlora",
        "model": "tiny-qwen3",
        "method": "qlora",
    }


def test_names_are_checked_before_anything_is_written(tmp_path, environment):
    """An unknown model is a usage error with a suggestion; collecting writes nothing either."""
    wrong = subprocess.run(
        command("--models=tiny-qwen4"),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    collected = subprocess.run(
        command("--models=tiny-qwen3", "--collect-only", "-q"),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert wrong.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Did you mean 'tiny-qwen3'?" in wrong.stderr
    assert "test_train[tiny-qwen3-unsloth-qlora]" in collected.stdout
    assert not (tmp_path / "runs").exists()


def test_a_folder_with_a_run_is_refused(tmp_path, environment):
    """Nothing is overwritten."""
    (tmp_path / "run.json").write_text("{}")

    done = subprocess.run(
        command(f"--out={tmp_path}"), env=environment, cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "has a session already" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_real_worker_leaves_nothing(tmp_path, environment, number):
    """A signal while a real worker imports its libraries: it is gone, and there is no record."""
    out = tmp_path / "out"
    log = (tmp_path / "log").open("w")
    chosen = ["--models=tiny-qwen3", "--methods=lora", f"--out={out}"]
    parent = subprocess.Popen(command(*chosen), env=environment, cwd=tmp_path, stdout=log)
    deadline = time.monotonic() + 60
    while not (workers := children(parent.pid, "suite.worker\0")):
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)

    parent.send_signal(number)

    assert parent.wait(20) == pytest.ExitCode.INTERRUPTED
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert read([out]).records == ()


def children(parent: int, named: str) -> list[int]:
    """Return a process's children whose command line holds a text."""
    pids = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in pids if named in Path(f"/proc/{pid}/cmdline").read_text()]
