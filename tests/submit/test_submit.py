"""What is submitted, what is refused, and what counts of what comes back."""

import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
import yaml

from suite.catalog import profile as profiles
from suite.cli import main
from suite.results.plan import Plan
from suite.results.record import Record
from suite.results.storage.run_folder import create, open_run
from suite.run import planning
from suite.submit import schedulers
from suite.submit.collect import collect
from suite.submit.submission import SUBMISSION, Submission, load
from support.records import failed as record_of_failure
from support.records import record

IMAGE = "registry.example/tunebench@sha256:" + 64 * "0"
SMOKE = ["submit", "smoke", "--profile", "cpu", "--models", "tiny-qwen3"]


def submitted(out: Path, *options: str) -> Submission:
    """A submission whose scheduler is not on this machine: its files are written all the same."""
    code = main(
        [*SMOKE, "--engine", "skypilot", "--set", "store=s3://a", *options, "--out", str(out)]
    )
    assert code == 3
    return load(out)


def session(folder: Path, submission: Submission, number: int, **changed: object) -> Plan:
    """The session of a task, as its run begins it."""
    plan = planning.make(
        profiles.load("cpu"),
        tier="smoke",
        case_ids=[case.case_id for case in submission.tasks[number].cases],
        launches=1,
        task=submission.task_name(submission.tasks[number]),
    )
    plan = msgspec.structs.replace(plan, **changed)
    create(folder, plan).close()
    return plan


def put(folder: Path, made: Record) -> None:
    """Put a record into its session."""
    with open_run(folder) as run:
        run.append(made)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--engine", "slurm", "--set", "partitions=a"], "no setting 'partitions'"),
        (["--engine", "slurm", "--set", "time=1;reboot"], "is no value"),
        (["--engine", "slurm", "--set", "parallel=0"], "parallel '0'"),
        (["--engine", "slurm", "--image", "tunebench:latest"], "not pinned"),
        (["--engine", "kubernetes", "--image", IMAGE], "needs --set claim=VALUE"),
        (["--engine", "kubernetes", "--set", "claim=a"], "give --image"),
        (["--engine", "slurm", "--launches", "1001"], "1,001 tasks"),
        (["--engine", "slurm", "--out", "with space"], "cannot name it"),
    ],
)
def test_what_a_scheduler_would_misread_is_refused_before_anything_is_written(
    options: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*SMOKE, *options]) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_the_scheduler_the_job_files_stay_and_the_command_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([*SMOKE, "--engine", "slurm", "--out", str(tmp_path / "a")]) == 3
    said = capsys.readouterr().err
    assert "Slurm's client is missing" in said
    assert f"sbatch --parsable --array=0 {tmp_path}/a/job.sbatch" in said
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        *("job.sbatch", "task.sh", SUBMISSION)
    }
    assert main([*SMOKE, "--engine", "slurm", "--out", str(tmp_path / "a")]) == 2
    assert "something in it already" in capsys.readouterr().err


def test_the_job_of_kubernetes_has_a_task_for_each_index(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--engine", "kubernetes", "--image", IMAGE, "--set", "claim=data", "--dry-run"]
    assert main(["submit", "smoke", "--profile", "h100-sxm", "--launches", "3", *options]) == 0
    text = capsys.readouterr().out
    script, job = yaml.safe_load_all(text[text.index("apiVersion: v1") :])
    assert job["spec"]["completions"] == 3
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 1}
    assert container["image"] == IMAGE
    checked = subprocess.run(
        ["sh", "-n"], input=script["data"]["task.sh"], text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_task_on_several_gpus_asks_for_as_many(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--engine", "slurm", "--gpus", "2", "--parallel", "ddp", "--dry-run"]
    assert main(["submit", "standard", "--profile", "h100-sxm", *options]) == 0
    text = capsys.readouterr().out
    assert "#SBATCH --gres=gpu:2" in text
    assert "--launches 1 --gpus 2 --parallel ddp" in text


def test_a_number_that_is_no_task_is_refused_by_the_script(tmp_path: Path) -> None:
    submitted(tmp_path / "a")
    done = subprocess.run(
        ["sh", str(tmp_path / "a" / "task.sh"), "7", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no task 7; there are 0 to 0" in done.stderr


def test_every_state_of_a_task_is_told_apart(tmp_path: Path) -> None:
    """In any order, some elsewhere, one twice; what is another's or was edited does not count."""
    out, elsewhere = tmp_path / "a", tmp_path / "elsewhere"
    submission = submitted(out, "--methods", "lora,qlora", "--split", "case", "--launches", "2")
    assert [(task.repeat, len(task.cases)) for task in submission.tasks] == [
        *((1, 1), (1, 1), (2, 1), (2, 1))
    ]
    whole = session(elsewhere / "x", submission, 0)
    put(elsewhere / "x", record(run_id=whole.run_id))
    session(out / "tasks" / "0", submission, 0)  # the same task, cut off on another machine
    broken = session(out / "tasks" / "1", submission, 1)
    bad = record_of_failure(method="qlora", outcome="error", run_id=broken.run_id)
    put(out / "tasks" / "1", bad)
    session(out / "tasks" / "2", submission, 2)
    edited = session(out / "tasks" / "3", submission, 3, seed=5)
    stranger = session(out / "tasks" / "other", submission, 3, task=None)
    shutil.copytree(elsewhere / "x", tmp_path / "copy" / "x")  # the same session, twice

    found = collect(out, submission, [elsewhere, tmp_path / "copy"])
    assert [each.state for each in found.tasks] == ["whole", "failed", "begun", "not begun"]
    assert found.missing == (2, 3)
    assert len(found.tasks[0].sessions) == 2
    assert found.tasks[1].failures == ("tiny-qwen3-qlora: error",)
    assert set(found.strangers) == {
        f"{edited.run_id}: task 3 was submitted with other seed",
        f"{stranger.run_id}: it is of no task of this submission",
    }


def test_a_submission_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect", str(tmp_path)]) == 2
    assert "submission.json is missing" in capsys.readouterr().err
    (tmp_path / SUBMISSION).write_text(json.dumps({"schema": 1}))
    assert main(["collect", str(tmp_path)]) == 2
    assert "no submission" in capsys.readouterr().err


def test_numbers_are_written_as_slurm_reads_them() -> None:
    assert schedulers.spans([7, 0, 1, 2, 3, 9, 10]) == "0-3,7,9-10"
