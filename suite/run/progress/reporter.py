"""Who is told while cases run: a terminal, a plain log, or a program that reads JSON lines."""

import textwrap
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TextIO

import msgspec

from suite import screen, units
from suite.catalog.case import Case
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.storage.run_folder import Plan
from suite.results.validity.failed import why
from suite.run.progress.headline import numbers
from suite.run.progress.time_left import Estimate
from suite.wire import PhaseName, Step

QUIET_SECONDS = 30.0  #: a plain log says at least this often that it is alive, if steps go on


REASON_WIDTH = 160


class Reporter(Protocol):
    """Told what happens, in order, from the one thread that runs the session."""

    def case_begun(self, case: Case, number: int, total: int, launch: int, launches: int) -> None:
        """Case ``number`` of ``total`` (both over all launches, from 1) starts."""

    def phase_begun(self, name: PhaseName) -> None:
        """The worker enters a phase."""

    def step_done(self, step: Step, done: int, planned: int) -> None:
        """``done`` of the ``planned`` steps have ended; warm-up may end before its plan."""

    def case_ended(self, record: Record) -> None:
        """The case has its record."""


class RunReporter(Reporter, Protocol):
    """A reporter of one whole run; entered before its first case, left after its last."""

    def __enter__(self) -> Self:
        """Say what is about to run."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""


class NullReporter:
    """Nobody listens: for ``pytest benchmarks``, which has a reporter of its own."""

    def case_begun(self, case: Case, number: int, total: int, launch: int, launches: int) -> None:
        """Say nothing."""

    def phase_begun(self, name: PhaseName) -> None:
        """Say nothing."""

    def step_done(self, step: Step, done: int, planned: int) -> None:
        """Say nothing."""

    def case_ended(self, record: Record) -> None:
        """Say nothing."""


def title(folder: Path, plan: Plan, done: int) -> str:
    """Return one line that says what is about to run, and where results go."""
    cases = units.counted(len(plan.cases), "case")
    launches = f" × {plan.launches} repeats" if plan.launches > 1 else ""
    resumed = f", {done} done before" if done else ""
    return f"{cases}{launches}{resumed} on {plan.profile}, tier {plan.tier} → {folder}"


class PlainReporter:
    """One line for what is worth a line in a log; no colour, nothing overwritten."""

    def __init__(
        self, folder: Path, plan: Plan, records: Iterable[Record], stream: TextIO
    ) -> None:
        done = list(records)
        self._title = title(folder, plan, len(done))
        self._estimate = Estimate(plan, done)
        self._stream = stream
        self._head = ""
        self._phase = ""
        self._spoke = self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._say(self._title)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def case_begun(self, case: Case, number: int, total: int, launch: int, launches: int) -> None:
        """Remember which; its line comes when it has ended."""
        again = f" (repeat {launch} of {launches})" if launches > 1 else ""
        self._head = f"[{number}/{total}] {case.case_id}{again}"
        self._began = time.monotonic()

    def phase_begun(self, name: PhaseName) -> None:
        """Say so if nothing was said for a while."""
        self._phase = name.replace("_", " ")
        self._alive(self._phase)

    def step_done(self, step: Step, done: int, planned: int) -> None:
        """Say so if nothing was said for a while."""
        self._alive(f"step {done} of at most {planned}")

    def case_ended(self, record: Record) -> None:
        """Say how it ended."""
        self._estimate.ended(record)
        shown = f"ok: {', '.join(numbers(record))}"
        if record.outcome != "ok":  # the summary has the reason whole
            shown = textwrap.shorten(why(record), REASON_WIDTH, placeholder=" …")
        self._say(f"{self._head}: {shown}")

    def _alive(self, where: str) -> None:
        if time.monotonic() - self._spoke < QUIET_SECONDS:
            return
        elapsed = time.monotonic() - self._began
        left = self._estimate.seconds_left(elapsed)
        rest = "" if left is None else f", about {units.clock(left)} left in all"
        self._say(f"{self._head}: {where}, {units.clock(elapsed)} so far{rest}")

    def _say(self, line: str) -> None:
        self._spoke = time.monotonic()
        self._stream.write(screen.line(line) + "\n")
        self._stream.flush()


class JsonReporter:
    """One JSON object a line for every event."""

    def __init__(
        self, folder: Path, plan: Plan, records: Iterable[Record], stream: TextIO
    ) -> None:
        self._stream = stream
        self._begin = {
            "folder": str(folder),
            "run_id": plan.run_id,
            "profile": plan.profile,
            "tier": plan.tier,
            "cases": [case.case_id for case in plan.cases],
            "launches": plan.launches,
            "done": len(list(records)),
        }

    def __enter__(self) -> Self:
        self.event("run-begun", **self._begin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.flush()

    def case_begun(self, case: Case, number: int, total: int, launch: int, launches: int) -> None:
        """Write a ``case-begun`` event."""
        self.event(
            "case-begun",
            case_id=case.case_id,
            number=number,
            total=total,
            launch=launch,
            launches=launches,
        )

    def phase_begun(self, name: PhaseName) -> None:
        """Write a ``phase-begun`` event."""
        self.event("phase-begun", phase=name)

    def step_done(self, step: Step, done: int, planned: int) -> None:
        """Write a ``step-done`` event with the step as records have it."""
        self.event("step-done", step=step, done=done, planned=planned)

    def case_ended(self, record: Record) -> None:
        """Write a ``case-ended`` event with every metric; the record itself is in the journal."""
        self.event(
            "case-ended",
            case_id=record.case_id,
            launch=record.launch,
            outcome=record.outcome,
            phase=record.phase,
            reason=record.reason,
            record_id=record.record_id,
            metrics={tag: metric.compute(record) for tag, metric in all_metrics().items()},
        )

    def event(self, name: str, **values: object) -> None:
        """Write one event."""
        line = screen.json(msgspec.json.encode({"event": name, **values}).decode())
        self._stream.write(line + "\n")
        self._stream.flush()
