"""One pair, interleaved second by second: as a rule the case under the session and alone.

Both run at the same time, but while one computes the other is stopped, in turns of a second: what
else the machine does meets both alike. A step that was under way at a stop is left out. Steps are
compared by their number, since the batches of equal numbers are equal.
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
from typing import Any, Literal, NoReturn

import msgspec

from suite.run.case.measurement import worker_environment

HERE = Path(__file__).parent
TURN_SECONDS = 1.0
START_SECONDS = 180.0  #: to the first step that counts, longest

SideName = Literal["under_session", "alone"]
Span = tuple[float, float]


class InterleavedPair(msgspec.Struct, frozen=True, kw_only=True):
    """``log_ratio``: median over ``steps`` of log(step time of the one / of the other).

    ``cpu_share``: CPU seconds of the first one's own process per second. ``pythons``: the builds
    that ran them, where both say so.
    """

    log_ratio: float
    steps: int
    cpu_share: float
    pythons: frozenset[str] = frozenset()


def run(*, first: SideName) -> InterleavedPair:
    """Run one pair; ``first`` has the first turn."""
    second: SideName = "alone" if first == "under_session" else "under_session"
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: Running(f"{name}.py", Path(folder) / name) for name in (first, second)}
        return compare(sides["under_session"], sides["alone"], one_first=first == "under_session")


def compare(one: "Running", other: "Running", *, one_first: bool) -> InterleavedPair:
    """Let both run to their end, in turns; return ``one`` against ``other``, whose script differs.

    ``cpu_share`` is that of ``one``.
    """
    sides = (one, other) if one_first else (other, one)
    try:
        # One after the other: the one that is ready first must not run away.
        for side in sides:
            side.start()
            side.wait_until_ready()
        while not any(side.ended() for side in sides):
            for side in sides:
                side.turn()
        for side in sides:
            side.finish()
        found, others = one.result(), other.result()
        times = [_clean(found["ends"], one.turns), _clean(others["ends"], other.turns)]
    finally:
        for side in sides:
            side.close()
    logs = [math.log(times[0][n] / times[1][n]) for n in times[0].keys() & times[1].keys()]
    return InterleavedPair(
        log_ratio=statistics.median(logs),
        steps=len(logs),
        cpu_share=found["cpu_seconds"] / found["wall_seconds"],
        pythons=frozenset(side["python"] for side in (found, others) if "python" in side),
    )


class Running:
    """One side in a fresh process, with a terminal that nobody looks at."""

    def __init__(self, script: str, folder: Path) -> None:
        folder.mkdir()
        self.turns: list[Span] = []
        self.script, self.folder = script, folder
        self.out, self.ready = folder / "out.json", folder / "ready"
        self._process: subprocess.Popen[bytes] | None = None
        self._worker: int | None = None
        self._errors = folder / "errors"

    def start(self) -> None:
        """Start it; it computes at once."""
        master, slave = pty.openpty()
        threading.Thread(target=_drain, args=(master,), daemon=True).start()
        # Both with the variables that a worker gets: how threads wait is not what is compared.
        environment = worker_environment(os.environ, ())
        command = [sys.executable, HERE / self.script, self.folder / "cache", self.out, self.ready]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=slave,
                stdout=slave,
                stderr=errors,
                env={**environment, "TERM": "xterm"},
            )
        os.close(slave)

    def wait_until_ready(self) -> None:
        """Wait for the first step that counts, then stop what computes."""
        until = time.monotonic() + START_SECONDS
        while not (self.ready.exists() and self.ready.stat().st_size):
            if self.ended() or time.monotonic() > until:
                self.fail()
            time.sleep(0.02)
        self._worker = int(self.ready.read_text())
        self.hold()

    def turn(self) -> None:
        """Compute for one turn, or to the end if that comes first."""
        began = time.monotonic()
        self.go()
        if not self.wait(TURN_SECONDS):
            self.hold()
        self.turns.append((began, time.monotonic()))

    def finish(self) -> None:
        """Let it end."""
        began = time.monotonic()
        self.go()
        if not self.wait(START_SECONDS):
            self.fail()
        self.turns.append((began, time.monotonic()))

    def result(self) -> dict[str, Any]:
        """Return what it wrote."""
        if not self.out.exists():
            self.fail()
        found: dict[str, Any] = json.loads(self.out.read_bytes())
        return found

    def ended(self) -> bool:
        """Return whether it has ended."""
        return self._process is None or self._process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; return whether it came."""
        assert self._process is not None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def hold(self) -> None:
        """Stop what computes."""
        self._signal(signal.SIGSTOP)

    def go(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Leave nothing running."""
        self.go()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def fail(self) -> NoReturn:
        """Exit with what it said."""
        said = self._errors.read_text(errors="replace") if self._errors.exists() else ""
        sys.exit(f"{self.script} did not do its work:\n{said}")

    def _signal(self, number: signal.Signals) -> None:
        if self._worker is not None and not self.ended():
            try:
                os.kill(self._worker, number)
            except ProcessLookupError:  # the worker has ended, its parent is about to
                self._worker = None


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
