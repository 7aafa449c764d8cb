"""The parent's side of one worker: start it, grant steps, watch the clock, end it.

A session only waits: it blocks on the socket, so it costs no core while a step runs. Whatever the
worker does, each method either returns or raises ``Ended`` with an outcome, a phase and a reason.
"""

import os
import socket
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from suite.run.case import outcome
from suite.run.case.outcome import Ended
from suite.run.case.process import WorkerProcess, oom_kills
from suite.run.case.ranks import Ranks, first_cause, named
from suite.run.progress.reporter import Reporter
from suite.wire import (
    BadFrame,
    Connection,
    Failed,
    Failure,
    Finished,
    FromWorker,
    Go,
    HostProbe,
    Ledger,
    OfRank,
    Phase,
    PhaseBegun,
    PhaseDone,
    PhaseName,
    RankLeft,
    Ready,
    Standings,
    Start,
    Step,
    StepDone,
    StepRole,
    Stop,
    Where,
)

# -P: what libraries leave in the working directory must not be imported by accident.
WORKER = (sys.executable, "-P", "-X", "faulthandler", "-m", "suite.worker")
#: Starts the ranks of a case, each of which is such a worker, and passes on what they say.
RANKS = (*WORKER[:-1], "suite.worker.ranks")

GRACE_SECONDS = 1.0  #: a frame may wait in the socket while this process itself was stopped
EXIT_SECONDS = 10.0  #: from a worker's last word to its end
SETTLE_SECONDS = 3.0  #: from a rank's failure until no other one can have caused it
WHERE_SECONDS = 3.0  #: for ranks to say where they are


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A phase or a step on this machine's ``time.monotonic()``, in seconds."""

    began: float
    ended: float


class Session:
    """One worker from start to end. Call the methods in the order they stand here.

    ``phases``, ``steps`` and the spans beside them hold everything heard so far, also after
    ``Ended``. ``folder`` is the worker's working directory.
    """

    def __init__(
        self,
        start: Start,
        *,
        reporter: Reporter,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = WORKER,
    ) -> None:
        self.phase: PhaseName = "start"
        self.phases: list[Phase] = []
        self.phase_spans: list[Span] = []
        self.steps: list[Step] = []
        self.step_spans: list[Span] = []
        self.ready: Ready | None = None
        self.host_after: HostProbe | None = None
        self.finished = False
        self.ranks = Ranks(start.case.ranks) if start.case.ranks > 1 else None
        self._warmed_up_steps: int | None = None
        self.ledger: Ledger | None = None
        self._last_word = False
        #: As far as it is known: how short steps are is seen in warm-up.
        self.steady_steps = start.case.steady_steps
        self._start = start
        self._case = start.case
        self._reporter = reporter
        self._granted: list[StepRole] = []
        self._phase_began = time.monotonic()
        self._limit_seconds = float(self._case.timeouts.import_seconds)
        self._heard = time.monotonic()
        self._oom_kills = oom_kills()
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours, FromWorker)
        with theirs:
            try:
                self.process = WorkerProcess(
                    command, theirs, folder=folder, environment=environment or os.environ
                )
            except OSError:
                self._connection.close()
                raise

    def prepare(self) -> None:
        """Wait until the worker is ready for its first step."""
        self._send(self._start)
        while self.ready is None:
            frame = self._next()
            if not isinstance(frame, Ready):
                self._out_of_turn(frame)
            self.ready = frame

    def warm_up(self) -> None:
        """Take the first step, then warm up by the case's rule; then grant the steady steps."""
        self._grant(1, "first")
        self._take()
        if self._case.workload.varies:
            seconds = self._warm_up_steps(self._case.most_warmup_steps)
        else:
            seconds = self._warm_up_until_windows_agree()
        self._warmed_up_steps = len(seconds)
        self.steady_steps = self._case.steady_steps_at(
            statistics.median(seconds[-self._case.warmup.window_steps :])
        )
        # All at once and right away, so that no steady step waits for us.
        self._grant(self.steady_steps, "steady")

    def _warm_up_steps(self, count: int) -> list[float]:
        """Take that many steps of warm-up; return their seconds."""
        self._grant(count, "warmup")
        return [self._take().seconds for _ in range(count)]

    def _warm_up_until_windows_agree(self) -> list[float]:
        """Take windows of steps until two in a row agree, or the cap; return their seconds."""
        rule = self._case.warmup
        seconds: list[float] = []
        reached = False
        while not reached and len(seconds) < rule.max_steps:
            # Two windows are needed in any case: granted at once, there is no pause between them.
            wanted = rule.window_steps if seconds else 2 * rule.window_steps
            seconds += self._warm_up_steps(min(wanted, rule.max_steps - len(seconds)))
            reached = agree(seconds, rule.window_steps, rule.tolerance)
        return seconds

    def step(self) -> Step:
        """Return the next steady step."""
        return self._take()

    @property
    def steady_steps_left(self) -> int:
        """Return how many steady steps of the case have not been taken."""
        return self.steady_steps - sum(step.role == "steady" for step in self.steps)

    def finish(self) -> None:
        """Let the worker end by itself."""
        self._send(Stop())
        self._limit(self._case.timeouts.step_seconds)
        frame = self._next()
        if not isinstance(frame, Finished):
            self._out_of_turn(frame)
        self.ledger, self.host_after = frame.ledger, frame.host
        if frame.effective is not None and self.ready is not None:
            self.ready = msgspec.structs.replace(self.ready, effective=frame.effective)
        self.finished = self._last_word = True

    def close(self) -> None:
        """End the worker and its group; safe at any moment, in any state, more than once."""
        if self._last_word:
            self.process.wait(EXIT_SECONDS)
        self.process.kill()
        self._connection.close()

    def _grant(self, steps: int, role: StepRole) -> None:
        self._granted += [role] * steps
        timeouts = self._case.timeouts
        self._limit(timeouts.first_step_seconds if role == "first" else timeouts.step_seconds)
        self._send(Go(steps=steps, role=role))

    def _take(self) -> Step:
        frame = self._next()
        if not isinstance(frame, StepDone):
            self._out_of_turn(frame)
        step = frame.step
        if not self._granted or step.role != self._granted[0] or step.index != len(self.steps):
            self._out_of_turn(frame)
        del self._granted[0]
        self.steps.append(step)
        self.step_spans.append(Span(began=frame.began, ended=frame.ended))
        self._heard = time.monotonic()
        self._reporter.step_done(step, len(self.steps), self._planned_steps())
        return step

    def _planned_steps(self) -> int:
        case = self._case
        known = self._warmed_up_steps
        warmup = case.most_warmup_steps if known is None else known
        return 1 + warmup + self.steady_steps

    def _next(self) -> object:
        """Return the next frame that is the caller's business; phases are noted in passing."""
        while True:
            frame = self._receive()
            if isinstance(frame, OfRank) and self.ranks is not None:
                frame = self.ranks.take(frame)
                if frame is None:
                    continue
            if isinstance(frame, RankLeft):
                self._rank_ended(frame)
            elif isinstance(frame, PhaseBegun):
                self._phase_begun(frame.name)
            elif isinstance(frame, PhaseDone):
                self._phase_done(frame.phase)
            elif isinstance(frame, Failed):
                if self.ranks is not None:
                    self._rank_ended(frame.failure)
                self._last_word = True
                raise outcome.of_failure(frame.failure)
            elif frame is None:
                self._left()
            else:
                return frame

    def _phase_begun(self, name: PhaseName) -> None:
        self.phase = name
        self._phase_began = time.monotonic()
        timeouts = self._case.timeouts
        seconds = {
            "load": timeouts.load_seconds,
            "prepare": timeouts.prepare_seconds,
            "first_step": timeouts.first_step_seconds,
            "steady": timeouts.step_seconds,
            "finish": timeouts.step_seconds,
        }
        self._limit(seconds.get(name, timeouts.import_seconds))
        self._reporter.phase_begun(name)

    def _phase_done(self, phase: Phase) -> None:
        if phase.name != self.phase:
            self._broken(f"a phase {phase.name!r} that it had not begun")
        self.phases.append(phase)
        self.phase_spans.append(Span(began=self._phase_began, ended=time.monotonic()))

    def _limit(self, seconds: int) -> None:
        self._limit_seconds = float(seconds)
        self._heard = time.monotonic()

    def _send(self, frame: Start | Go | Stop) -> None:
        try:
            self._connection.send(frame)
        except OSError:
            # Gone, or going; what it still had to say is read below, then its end.
            while True:
                self._next()

    def _receive(self) -> object | None:
        left = self._heard + self._limit_seconds - time.monotonic()
        try:
            return self._connection.receive(max(left, GRACE_SECONDS))
        except TimeoutError:
            behind = "" if self.ranks is None else f"; {self.ranks.behind(self._standings())}"
            self.process.abort()
            raise Ended(
                "timeout",
                self.phase,
                f"nothing heard for {self._limit_seconds:g} s, the limit in phase {self.phase}"
                f"{behind}; the worker was ended, its stacks are in its output",
            ) from None
        except BadFrame as error:
            # Dying in the middle of a frame is dying.
            if self.process.wait(GRACE_SECONDS) and self.process.exit_code:
                self._left()
            self._broken(str(error))

    def _standings(self) -> Standings | None:
        """Ask where the ranks are; None where nobody answers."""
        deadline = time.monotonic() + WHERE_SECONDS
        try:
            self._connection.send(Where())
            while (left := deadline - time.monotonic()) > 0:
                frame = self._connection.receive(left)
                if isinstance(frame, Standings):
                    return frame
        except (OSError, BadFrame):
            pass
        return None

    def _rank_ended(self, end: Failure | RankLeft) -> NoReturn:
        """Wait until no other rank can have been the cause, then tell how the first one ended."""
        assert self.ranks is not None
        ends: list[Failure | RankLeft] = [end]
        deadline = time.monotonic() + SETTLE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            known = first_cause(ends)
            if isinstance(known, RankLeft) or known.kind != "error":
                break
            try:
                frame = self._connection.receive(left)
            except (TimeoutError, OSError, BadFrame):
                break
            if isinstance(frame, OfRank) and isinstance(frame.frame, Failed):
                ends.append(msgspec.structs.replace(frame.frame.failure, rank=frame.rank))
            elif isinstance(frame, RankLeft):
                ends.append(frame)
            elif frame is None:
                break
        cause = first_cause(ends)
        if isinstance(cause, Failure):
            raise named(outcome.of_failure(cause), cause.rank or 0)
        phase = self.ranks.phase(cause.rank)
        raise named(
            outcome.of_exit(
                cause.exit_code, phase, self.process.tail(), oom_killed=self._oom_killed()
            ),
            cause.rank,
        )

    def _oom_killed(self) -> bool | None:
        before, now = self._oom_kills, oom_kills()
        return None if before is None or now is None else now > before

    def _left(self) -> NoReturn:
        if not self.process.wait(EXIT_SECONDS):
            self._broken("the end of its connection, but it went on running")
        assert self.process.exit_code is not None
        raise outcome.of_exit(
            self.process.exit_code,
            self.phase,
            self.process.tail(),
            oom_killed=self._oom_killed(),
        )

    def _out_of_turn(self, frame: object) -> NoReturn:
        self._broken(f"{type(frame).__name__} out of turn")

    def _broken(self, what: str) -> NoReturn:
        raise Ended("error", self.phase, f"the worker broke the protocol: {what}")


def agree(seconds: Sequence[float], window: int, tolerance: float) -> bool:
    """Return whether the medians of the last two windows are within a relative tolerance."""
    if len(seconds) < 2 * window:
        return False
    last = statistics.median(seconds[-window:])
    before = statistics.median(seconds[-2 * window : -window])
    return abs(last - before) <= tolerance * before
