"""The command line with real training, interrupted in every way, against a run left alone."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.paths import ROOT
from suite.results.storage import run_folder
from suite.results.storage.run_folder import Collection
from support.desk import Desk

CASES = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora,unsloth-lora"]
CASES += ["--runner", "local"]


class Tunebench(Desk):
    """One run whose worker computes with one thread, and must not outlive it."""

    deadline_seconds = 240

    def __init__(self, *arguments: str, cache: Path) -> None:
        super().__init__(*arguments, cache=cache, OMP_NUM_THREADS="1")

    def signalled(self, number: int) -> tuple[int, str]:
        """Send a signal, and check that the worker does not outlive us."""
        workers = children(self.process.pid)
        assert workers, "no worker runs"
        self.process.send_signal(number)
        ended = self.finish()
        limit = time.monotonic() + 20
        while any(Path(f"/proc/{worker}/exe").exists() for worker in workers):
            assert time.monotonic() < limit, "the worker outlived its session"
            time.sleep(0.05)
        return ended


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def measured(found: Collection) -> dict[tuple[int, str], object]:
    """What two runs of the same plan must agree in: outcomes and every loss, to the last bit."""
    return {
        (record.launch, record.case_id): (
            record.outcome,
            record.weights,
            record.effective,
            [step.loss for step in record.steps][:17],  # warm-up may end later in one of them
        )
        for record in found.records
    }


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_interrupted_and_resumed_equals_undisturbed(tmp_path: Path) -> None:
    """Ctrl-C in the first case and kill -9 in the second lose those cases alone; the run that was
    resumed twice has the records of one left alone, and both make one report."""
    cache = tmp_path / "cache"
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"

    undisturbed = Tunebench(*CASES, "--out", str(whole), cache=cache)
    code, errors = undisturbed.finish()
    assert code == 0, errors

    first = Tunebench(*CASES, "--out", str(pieces), cache=cache)
    first.until(event="phase-begun", phase="import")
    code, errors = first.signalled(signal.SIGINT)
    assert code == 130, errors
    assert f"interrupted; 0 of 2 results are safe in {pieces}" in errors
    assert f"go on with: ./tunebench run --resume {pieces}" in errors

    second = Tunebench("--resume", str(pieces), cache=cache)
    second.until(event="case-begun", case_id="tiny-qwen3-unsloth-lora")
    second.until(event="phase-begun", phase="import")
    code, _ = second.signalled(signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert len(run_folder.read([pieces]).records) == 1

    third = Tunebench("--resume", str(pieces), cache=cache)
    code, errors = third.finish()
    assert code == 0, errors

    alone, resumed = run_folder.read([whole]), run_folder.read([pieces])
    assert resumed.problems == alone.problems == ()
    assert resumed.missing() == ()
    assert measured(resumed) == measured(alone)
    assert len(resumed.records) == 2

    build = [sys.executable, "-m", "suite", "report", str(whole), str(pieces)]
    done = subprocess.run(
        [*build, "--out", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "runs.html").read_text()
    assert "Unsloth LoRA" in page
    assert "agrees" in page
