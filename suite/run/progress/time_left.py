"""How long the rest of a run takes, judged by the cases that have ended."""

import statistics
from collections.abc import Iterable

from suite.catalog.case import Case, unsupported_reason
from suite.results.record import Record
from suite.results.storage.run_folder import Plan


class Estimate:
    """Knows the wall-clock seconds of finished cases; guesses those of the others."""

    def __init__(self, plan: Plan, records: Iterable[Record]) -> None:
        self._left = {
            (launch, case.case_id): case
            for launch in range(1, plan.launches + 1)
            for case in plan.cases
            if unsupported_reason(case) is None
        }
        self._by_case: dict[str, float] = {}
        self._by_engine: dict[str, list[float]] = {}
        for record in records:
            self.ended(record)

    def ended(self, record: Record) -> None:
        """Learn from a finished case."""
        self._left.pop((record.launch, record.case_id), None)
        if record.outcome == "ok" and record.wall_seconds is not None:
            self._by_case[record.case_id] = record.wall_seconds
            self._by_engine.setdefault(record.engine, []).append(record.wall_seconds)

    def seconds_left(self, current_seconds: float) -> float | None:
        """Return the guess, the current case having run this long.

        None before any case is known, and once the guess is used up: then it was wrong.
        """
        guesses = [self._seconds(case) for case in self._left.values()]
        known = [guess for guess in guesses if guess is not None]
        if len(known) != len(guesses):
            return None
        left = sum(known) - current_seconds
        return left if left > 0 else None

    def _seconds(self, case: Case) -> float | None:
        if case.case_id in self._by_case:
            return self._by_case[case.case_id]
        known = self._by_engine.get(case.method.engine) or [*self._by_case.values()]
        return statistics.fmean(known) if known else None
