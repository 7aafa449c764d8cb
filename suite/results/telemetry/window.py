"""The steady steps on telemetry's clock: where they lie among the samples."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from suite.results.memoize import once
from suite.results.record import Record, Telemetry
from suite.wire import Struct

Value = TypeVar("Value", int, float)


class NoWindow(Struct, frozen=True, kw_only=True):
    """The steady steps cannot be laid over samples, and why, as a phrase."""

    reason: str


class Window(Struct, frozen=True, kw_only=True):
    """From the begin of the first to the end of the last steady step, waits between included.

    ``begin_seconds`` and ``end_seconds`` are on telemetry's clock. The samples with indexes from
    ``first`` up to but not including ``last`` lie inside; those from ``before`` to ``after``, both
    included, also enclose it, so that values can be interpolated at its ends.
    """

    begin_seconds: float
    end_seconds: float
    before: int
    first: int
    last: int
    after: int
    largest_gap_seconds: float  #: between neighbours of the samples that enclose it

    @property
    def seconds(self) -> float:
        """Return how long the window is."""
        return self.end_seconds - self.begin_seconds

    @property
    def samples(self) -> int:
        """Return how many samples lie inside."""
        return self.last - self.first

    def inside(self, column: Sequence[Value | None]) -> list[Value]:
        """Return the known values of a column of telemetry inside the window."""
        return [value for value in column[self.first : self.last] if value is not None]


@once
def steady_window(record: Record) -> Window | NoWindow:
    """Return the window of the steady steps."""
    telemetry = record.telemetry
    if telemetry is None:
        return NoWindow(reason="no telemetry was taken")
    if len(telemetry.step_elapsed_seconds) != len(record.steps):
        return NoWindow(reason="telemetry does not say when each step was")
    steady = [
        times
        for step, times in zip(record.steps, telemetry.step_elapsed_seconds, strict=True)
        if step.role == "steady"
    ]
    if not steady:
        return NoWindow(reason="there was no steady step")
    return window_between(telemetry, steady[0][0], steady[-1][1])


@once
def fault(record: Record) -> str:
    """Return why nothing may be computed from a record's telemetry, or "" (also without any)."""
    return "" if record.telemetry is None else record.telemetry.fault


def window_between(
    telemetry: Telemetry, begin_seconds: float, end_seconds: float
) -> Window | NoWindow:
    """Return the window between two moments on telemetry's clock."""
    times = telemetry.elapsed_seconds
    if reason := telemetry.fault:
        return NoWindow(reason=reason)
    before, after = bisect_right(times, begin_seconds) - 1, bisect_left(times, end_seconds)
    if before < 0 or after >= len(times) or end_seconds <= begin_seconds:
        return NoWindow(reason="the samples do not cover the steady steps")
    return Window(
        begin_seconds=begin_seconds,
        end_seconds=end_seconds,
        before=before,
        first=bisect_left(times, begin_seconds),
        last=bisect_right(times, end_seconds),
        after=after,
        largest_gap_seconds=max(b - a for a, b in pairwise(times[before : after + 1])),
    )


def mean_within(
    times: Sequence[float], column: Sequence[float | None], span: tuple[float, float]
) -> float | None:
    """Return the mean of a column's known values at ascending times in a span; None for none."""
    inside = column[bisect_left(times, span[0]) : bisect_right(times, span[1])]
    known = [value for value in inside if value is not None]
    return statistics.fmean(known) if known else None
