"""Drives one real worker over its socket, as the session does."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec

from suite.catalog import case as cases
from suite.catalog import tier as tiers
from suite.catalog.case import Case
from suite.paths import ROOT
from suite.wire import (
    Connection,
    Effective,
    Failed,
    Failure,
    Finished,
    FromWorker,
    Go,
    HostProbe,
    PhaseDone,
    Ready,
    Start,
    Step,
    StepDone,
    Stop,
)

SECONDS = 240  #: longest wait for one frame


def case(model: str, method: str, loop: str = "trainer", **workload: Any) -> Case:
    """Return a case of the smoke tier, with some of its workload replaced."""
    tier = tiers.load("smoke")
    [made] = cases.cases(tier, loop=loop, seed=42, model_names=[model], method_names=[method])
    changed = msgspec.structs.replace(made.workload, **workload)
    return msgspec.structs.replace(made, workload=changed)


class Worker:
    """One worker process; a context that leaves none behind."""

    def __init__(self, case: Case, cache: Path, weights: str = "dummy") -> None:
        mine, its = socket.socketpair()
        self.connection = Connection(mine, FromWorker)
        self.log = cache.parent / f"{case.case_id}-{case.loop}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "suite.worker", str(its.fileno())],
                pass_fds=[its.fileno()],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
        its.close()
        compiled = str(cache / "compiled")
        self.connection.send(
            Start(case=case, device="cpu", weights=weights, cache=str(cache), compiled=compiled)
        )
        self.frames: list[object] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.connection.close()

    def until(self, wanted: Callable[[object], bool]) -> object | None:
        """Return the next frame that fits, or None when the worker ended first."""
        while (frame := self.connection.receive(SECONDS)) is not None:
            self.frames.append(frame)
            if wanted(frame):
                return frame
        return None

    def ready(self) -> Effective | None:
        """Wait until steps can be granted; None when the case failed before."""
        frame = self.until(lambda frame: isinstance(frame, Ready))
        return frame.effective if isinstance(frame, Ready) else None

    def steps(self, count: int) -> list[Step]:
        """Grant steps and wait for them; fewer come back when the case fails in one."""
        self.connection.send(self.go(count))
        done = []
        while len(done) < count and (frame := self.until(lambda f: isinstance(f, StepDone))):
            assert isinstance(frame, StepDone)
            done.append(frame.step)
        return done

    def go(self, count: int) -> Go:
        """Return the frame that grants so many more steps."""
        begun = any(isinstance(frame, StepDone) for frame in self.frames)
        return Go(steps=count, role="warmup" if begun else "first")

    def finish(self) -> int:
        """Say that it is enough and return the exit code."""
        self.connection.send(Stop())
        self.until(lambda _: False)
        return self.process.wait(SECONDS)

    @property
    def failure(self) -> Failure | None:
        """Why the worker said it could not go on."""
        return next((f.failure for f in self.frames if isinstance(f, Failed)), None)

    @property
    def running(self) -> Effective | None:
        """The settings as the steps showed them to be."""
        return next((f.effective for f in self.frames if isinstance(f, Finished)), None)

    @property
    def hosts(self) -> list[HostProbe | None]:
        """How fast the host was before the first step and after the last."""
        return [frame.host for frame in self.frames if isinstance(frame, Ready | Finished)]

    @property
    def phases(self) -> dict[str, PhaseDone]:
        """The phases that ended well, in order."""
        return {f.phase.name: f for f in self.frames if isinstance(f, PhaseDone)}


def losses(case: Case, cache: Path, count: int = 6) -> list[float | None]:
    """Run one case for some steps and return their losses."""
    with Worker(case, cache) as worker:
        assert worker.ready() is not None, worker.failure or worker.log.read_text()[-2000:]
        steps = worker.steps(1) + worker.steps(count - 1)
        assert worker.finish() == 0
    return [step.loss for step in steps]
