"""``python -m support.many_cases``: cases in turn in this process, each as a worker runs it.

Importing torch, transformers and PEFT takes longer than to train a tiny model for a few steps.
"""

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from suite.catalog.case import Case
from suite.paths import ROOT
from suite.wire import (
    Connection,
    Effective,
    Finished,
    FromWorker,
    Go,
    Start,
    Step,
    StepDone,
    Stop,
    ToWorker,
)
from suite.wire import Ledger as Memory
from suite.worker.phases import Phases
from suite.worker.run_case import run_case


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What one case said: its settings, its steps, its memory."""

    effective: Effective
    steps: tuple[Step, ...]
    ledger: Memory


def train(cases: Sequence[Case], cache: Path, count: int) -> list[Trained]:
    """Run cases of the plain engine for some steps each, in one process of their own."""
    cache.mkdir(exist_ok=True)
    out = cache / "trained.json"  # trainers print to standard output
    starts = [
        Start(case=case, device="cpu", weights="dummy", cache=str(cache), compiled=str(cache))
        for case in cases
    ]
    done = subprocess.run(
        [sys.executable, "-m", "support.many_cases", str(count), str(out)],
        input=msgspec.json.encode(starts),
        capture_output=True,
        cwd=ROOT / "tests",
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return msgspec.json.decode(out.read_bytes(), type=list[Trained])


def _one(start: Start, count: int) -> Trained:
    mine, its = socket.socketpair()
    session, worker = Connection(mine, FromWorker), Connection(its, ToWorker)
    for frame in (Go(steps=1, role="first"), Go(steps=count - 1, role="steady"), Stop()):
        session.send(frame)
    run_case(start, worker, Phases(worker, start.device))
    worker.close()
    frames = list(iter(session.receive, None))
    session.close()
    [finished] = [frame for frame in frames if isinstance(frame, Finished)]
    assert finished.effective is not None
    assert finished.ledger is not None
    return Trained(
        effective=finished.effective,
        steps=tuple(frame.step for frame in frames if isinstance(frame, StepDone)),
        ledger=finished.ledger,
    )


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Start])
    trained = [_one(start, int(sys.argv[1])) for start in wanted]
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(trained))
