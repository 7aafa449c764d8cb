"""A submission on a real Slurm cluster: a node is lost in the middle, and nothing else is."""

import subprocess
from pathlib import Path

import pytest

from suite.paths import ROOT
from suite.results.storage.reader import read
from support.slurm import NODES, cluster, needs_slurm, wait


@needs_slurm
def test_a_lost_node_costs_time_and_no_result(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Its task is queued again by Slurm and goes on elsewhere; the results are the same."""
    out = tmp_path / "submission"
    # Sockets have short paths only.
    with cluster(tmp_path_factory.mktemp("s")) as slurm:

        def tunebench(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [str(ROOT / "tunebench"), *arguments],
                env=slurm.environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        done = tunebench(
            *("submit", "smoke", "--engine", "slurm", "--profile", "cpu"),
            *("--models", "tiny-qwen3", "--methods", "lora", "--launches", "2"),
            *("--set", "cpus-per-task=1", "--out", str(out)),
        )
        assert done.returncode == 0, done.stderr
        assert "2 tasks, 2 results" in done.stdout
        for task in ("0", "1"):
            wait((out / "tasks" / task / "run.json").exists, 90, f"task {task} begins")
        early = tunebench("collect", str(out))
        assert early.returncode == 4
        assert "squeue" in early.stdout

        task_of = dict(
            line.split()[::-1] for line in slurm.asked("squeue", "-hr", "-o", "%K %N").splitlines()
        )
        lost = NODES[1]
        slurm.lose(lost)
        wait(lambda: "1 of 2" in tunebench("collect", str(out)).stdout, 120, "the other task")
        wait(lambda: not slurm.asked("squeue", "-h"), 180, "an empty queue")

    late = tunebench("collect", str(out))
    assert late.returncode == 0, late.stdout + late.stderr
    assert "2 of 2 tasks whole" in late.stdout
    restarted = (out / f"task-{task_of[lost]}.log").read_text()
    assert restarted.count("1 case on cpu") == 2  # begun twice, by Slurm
    records = read([out / "tasks"]).records
    assert {record.outcome for record in records} == {"ok"}
    losses = [[step.loss for step in record.steps] for record in records]
    both = list(zip(*losses, strict=False))  # steady steps may be more in one
    assert len(both) > 5
    assert all(one == other for one, other in both)
