"""Who is told while cases run: a terminal, a plain log, or a program that reads JSON lines."""

from typing import Protocol

from suite.catalog.case import Case
from suite.results.record import Record
from suite.wire import PhaseName, Step


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
