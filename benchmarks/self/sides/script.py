"""Starts ``bare.py`` on a case's work, as a user would: nothing of this suite is importable there.

``start`` returns the process; what it measured lies in a file once it has ended with 0.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from suite.catalog.case import Case
from suite.run.case.measurement import worker_environment
from suite.run.folders import cache_folder
from suite.run.machine.nvml import Device
from suite.worker.model.checkpoints import checkpoint_folder

BARE = Path(__file__).with_name("bare.py")


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When every step began and ended, in seconds, and the training thread's minor page faults."""

    began: list[float]
    ended: list[float]
    faults: list[int | None]


def start(
    case: Case,
    out: Path,
    gpu: Device | None,
    *,
    warmup: int,
    steps: int,
    more: Sequence[str] = (),
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start the script; ``out`` gets ``bare.json``, ``bare.log`` and what it compiles."""
    assert case.method.adapter is not None
    work, compiled = case.workload, out / "bare-compiled" / case.method.name
    (out / "bare.json").unlink(missing_ok=True)
    options = {
        "method": case.method.name,
        "checkpoint": checkpoint_folder(case.model, "dense", cache_folder()),
        "out": out / "bare.json",
        "sequence": work.sequence_tokens,
        "batch": work.batch_sequences,
        "rank": case.method.adapter.rank,
        "warmup": warmup,
        "steps": steps,
    }
    command = [f"--{name}={value}" for name, value in options.items()]
    environment = worker_environment(os.environ, () if gpu is None else (gpu,))
    environment.pop("PYTHONPATH")  # nothing of ours
    if inherited := os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] = inherited
    with (out / "bare.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(BARE), *command, *more],
            env=environment
            | {
                "UNSLOTH_DISABLE_STATISTICS": "1",
                "HF_HUB_OFFLINE": "1",
                "TOKENIZERS_PARALLELISM": "false",
                "UNSLOTH_COMPILE_LOCATION": str(compiled / "unsloth"),
                "TRITON_CACHE_DIR": str(compiled / "triton"),
            },
            stdout=log,
            stderr=log,
            cwd=out,
            pass_fds=tuple(pass_fds),
        )


def log_tail(out: Path) -> str:
    """Return the end of what the script printed."""
    return (out / "bare.log").read_text(errors="replace")[-4000:]


def result(out: Path) -> Times:
    """Return what it measured."""
    return msgspec.json.decode((out / "bare.json").read_bytes(), type=Times)
