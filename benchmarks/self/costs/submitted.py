"""What ``./tunebench collect`` of a large submission costs: nothing back yet, and all of it back.

The submission is a real one, to a scheduler that is not there. Its sessions are made up: copies of
published results of one GPU, telemetry included, in a folder that is gone afterwards.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from suite.catalog import profile as profiles
from suite.catalog.case import work_key
from suite.paths import RESULTS, ROOT
from suite.results.record import Record, encode, seal
from suite.results.storage.reader import JOURNAL, PLAN, read
from suite.run import planning
from suite.submit.submission import TASKS, Submission, Task, load

PROFILE, TIER = "h100-sxm", "standard"


def submission(folder: Path, tasks: int) -> Submission:
    """Submit as many repeats of a tier to a scheduler that is missing: job files are left."""
    options = ["--profile", PROFILE, "--engine", "skypilot", "--set", "store=s3://synthetic"]
    options += ["--launches", str(tasks), "--out", str(folder)]
    _run(["submit", TIER, *options], expected=3)
    return load(folder)


def come_back(folder: Path, submitted: Submission) -> int:
    """Write the session of every task as its run would leave it; return how many results."""
    found = read([RESULTS]).records
    known = {each.case_id: each for each in found if each.outcome == "ok"}
    usual = known["qwen3-8b-lora"]
    good = {case.case_id: known.get(case.case_id, usual) for case in submitted.plan.cases}
    results = 0
    for task in submitted.tasks:
        results += _session(folder / TASKS / str(task.number), submitted, task, good)
    return results


def _session(folder: Path, submitted: Submission, task: Task, good: Mapping[str, Record]) -> int:
    plan = planning.make(
        profiles.load(PROFILE),
        tier=TIER,
        case_ids=[case.case_id for case in task.cases],
        launches=1,
        task=submitted.task_name(task),
    )
    plan = msgspec.structs.replace(plan, run_id=f"{plan.run_id[:16]}-{task.number:08x}")
    folder.mkdir(parents=True)
    (folder / PLAN).write_bytes(msgspec.json.encode(plan))
    with (folder / JOURNAL).open("wb") as journal:
        for case in plan.cases:
            like = good[case.case_id]
            mine = {"case_id": case.case_id, "case": case, "launch": 1, "work_key": work_key(case)}
            mine |= {"model": case.model.name, "method": case.method.name}
            mine |= {"engine": case.method.engine}
            made = msgspec.structs.replace(like, run_id=plan.run_id, profile=PROFILE, **mine)
            journal.write(encode(seal(made)) + b"\n")
    return len(plan.cases)


def collected(folder: Path) -> float:
    """Return the processor seconds of one ``collect``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(["collect", str(folder)], expected=4 if not (folder / TASKS).exists() else 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(words: list[str], expected: int) -> None:
    command = [sys.executable, "-m", "suite", *words]
    # No program is in that folder, so also no scheduler that would take the submission.
    nowhere = str(ROOT / "docs")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": nowhere}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != expected:
        sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-800:]}{done.stderr[-800:]}")
