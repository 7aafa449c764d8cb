"""One pair: the case under the session and the same Trainer alone, interleaved second by second.

Both run at the same time, but while one computes the other is stopped (SIGSTOP), in turns of a
second: what else the machine does meets both alike. A step that was under way at a stop is left
out. Steps are compared by their number, since the batches of equal numbers are equal.
"""

import json
import math
import os
import pty
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from suite.run.measurement import worker_environment

HERE = Path(__file__).parent
TURN_SECONDS = 1.0
START_SECONDS = 180.0  #: to the first step that counts, longest

Side = Literal["under_session", "alone"]
Span = tuple[float, float]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """``log_ratio``: median over ``steps`` of log(step time under the session / alone).

    ``cpu_share``: CPU seconds of the session's process per second.
    """

    log_ratio: float
    steps: int
    cpu_share: float


def run(*, first: Side) -> Pair:
    """Run one pair; ``first`` has the first turn."""
    second: Side = "alone" if first == "under_session" else "under_session"
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: _Running(name, Path(folder)) for name in (first, second)}
        try:
            for side in sides.values():
                side.wait_until_ready()
            while all(side.process.poll() is None for side in sides.values()):
                for side in sides.values():
                    side.turn()
            results = {name: side.result() for name, side in sides.items()}
        finally:
            for side in sides.values():
                side.close()
        times = {name: _clean(results[name]["ends"], side.turns) for name, side in sides.items()}
    common = times["under_session"].keys() & times["alone"].keys()
    logs = [math.log(times["under_session"][n] / times["alone"][n]) for n in common]
    session = results["under_session"]
    return Pair(
        log_ratio=statistics.median(logs),
        steps=len(logs),
        cpu_share=session["cpu_seconds"] / session["wall_seconds"],
    )


class _Running:
    """One side in a fresh process, with a terminal that nobody looks at."""

    def __init__(self, name: Side, folder: Path) -> None:
        self.turns: list[Span] = []
        self._out, self._ready = folder / f"{name}.json", folder / f"{name}.ready"
        self._worker: int | None = None
        master, slave = pty.openpty()
        threading.Thread(target=_drain, args=(master,), daemon=True).start()
        # Both with the variables that a worker gets: how threads wait is not what is compared.
        environment = worker_environment({**os.environ, "PYTHONPATH": str(HERE)}, None)
        self._errors = folder / f"{name}.errors"
        command = [sys.executable, f"{HERE}/{name}.py", f"{folder}/cache", self._out, self._ready]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=slave,
                stdout=slave,
                stderr=errors,
                env={**environment, "TERM": "xterm"},
            )
        os.close(slave)

    def wait_until_ready(self) -> None:
        """Wait for the first step that counts, then stop the process that computes."""
        until = time.monotonic() + START_SECONDS
        while not (self._ready.exists() and self._ready.stat().st_size):
            if self.process.poll() is not None or time.monotonic() > until:
                self._fail()
            time.sleep(0.02)
        self._worker = int(self._ready.read_text())
        os.kill(self._worker, signal.SIGSTOP)

    def turn(self) -> None:
        """Compute for one turn, or to the end if that comes first."""
        began = time.monotonic()
        self._signal(signal.SIGCONT)
        try:
            self.process.wait(TURN_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGSTOP)
        self.turns.append((began, time.monotonic()))

    def result(self) -> dict[str, Any]:
        """Let it end, and return what it wrote."""
        began = time.monotonic()
        self._signal(signal.SIGCONT)
        if self.process.wait(START_SECONDS):
            self._fail()
        self.turns.append((began, time.monotonic()))
        found: dict[str, Any] = json.loads(self._out.read_bytes())
        return found

    def close(self) -> None:
        """Leave nothing running."""
        self._signal(signal.SIGCONT)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._worker is not None and self.process.poll() is None:
            try:
                os.kill(self._worker, number)
            except ProcessLookupError:  # the worker has ended, its parent is about to
                self._worker = None

    def _fail(self) -> None:
        said = self._errors.read_text(errors="replace")
        sys.exit(f"{self._out.stem} did not do its work:\n{said}")


def _clean(ends: Sequence[float], turns: Sequence[Span]) -> Mapping[int, float]:
    """Return the seconds of each step that began and ended within one turn, by its number."""
    found = {}
    for number in range(1, len(ends)):
        began, ended = ends[number - 1], ends[number]
        if any(since <= began and ended <= until for since, until in turns):
            found[number] = ended - began
    return found


def _drain(master: int) -> None:
    try:
        while os.read(master, 1 << 16):
            pass
    except OSError:  # how a pseudo-terminal says that its other end is closed
        os.close(master)
