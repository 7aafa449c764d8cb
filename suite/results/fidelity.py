"""Fidelity: the step times of a run beside those of who does the same without the suite.

Without it altogether, a bare script, or without its dummy weights, a worker whose weights were
quantized. ``benchmarks/self/fidelity.py`` and ``dummy.py`` there measure it and write
``fidelity.json``; filed beside published runs it is read with them.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from suite.catalog.names import CaseId, Name
from suite.results.stats.significance import interval
from suite.results.telemetry.long_steps import LongSteps
from suite.wire import Count, StepSeconds, Struct

#: 5: whole launches have how long each side waited.
#: 4: whole launches have the mean of their window and their 10 % quantile beside the median.
#: 3: what is compared with may be quantized weights, and there may be figures of the turns.
#: 2: the two may have been stepped in turns, and then there is no run; 1 knew launches in turn.
SCHEMA = 5

#: A difference of step times relative to the other side's: 0.01 is one percent more.
Difference = Annotated[float, msgspec.Meta(gt=-1, le=1e6)]


class Fidelity(Struct, frozen=True, kw_only=True):
    """One case: the suite's median step seconds over those of the other side, less 1.

    ``against`` is the other side: "script", a bare one, or "weights", the suite's own worker with
    weights that were quantized. ``reported`` is of the times in the records; ``wall`` from the end
    of one step to the end of the next, so that what the suite does between steps is in it (null
    where that was not timed).
    Both are geometric means of their pairs, each a launch of the suite and one of the other side.
    ``suite_seconds`` and ``bare_seconds`` (the other side's) are the medians of every launch.
    ``turn_steps`` is after how many steps the two took turns, both having begun; null where a
    whole launch of the one followed one of the other, and then the suite's are launches of the
    run ``run_id``.
    ``window_pairs`` compares the whole window of steady steps over their number, waits between
    steps included, and ``low_pairs`` the 10 % quantile of the steps; both are of whole launches,
    and empty in older files. ``suite_waits`` and ``bare_waits`` say of each launch by what share
    the mean of its window exceeds its 10 % quantile: what its steps waited, mostly for the host.
    ``shortest_pairs`` compares, as ``wall`` does where that is known, the shortest step of each
    side instead of its median: the step that waited least. Empty where single steps were not kept.
    ``turns`` is what the GPU did in longer turns, both sides' together; its steps are turns, a
    turn's seconds those of a step in it. Null where power was not kept, or they are alike.
    """

    case_id: CaseId
    against: Literal["script", "weights"] = "script"
    run_id: str = ""
    turn_steps: Count | None = None
    limit: Difference
    reported: Difference
    reported_pairs: tuple[Difference, ...]
    wall: Difference | None
    wall_pairs: tuple[Difference, ...]
    window_pairs: tuple[Difference, ...] = ()
    low_pairs: tuple[Difference, ...] = ()
    suite_waits: tuple[Difference, ...] = ()
    bare_waits: tuple[Difference, ...] = ()
    suite_seconds: tuple[StepSeconds, ...]
    bare_seconds: tuple[StepSeconds, ...]
    shortest_pairs: tuple[Difference, ...] = ()
    turns: LongSteps | None = None

    @property
    def pairs(self) -> int:
        """Return how many launches have their counterpart."""
        return len(self.reported_pairs)

    @property
    def between_steps(self) -> tuple[float, ...]:
        """Return, for each of the suite's launches, what is between steps over the steps."""
        both = zip(self.wall_pairs, self.reported_pairs, strict=False)
        return tuple((1 + wall) / (1 + reported) - 1 for wall, reported in both)

    @property
    def waits_pairs(self) -> tuple[float, ...]:
        """Return, for each pair, how much more of its step the suite waited than the script."""
        both = zip(self.suite_waits, self.bare_waits, strict=True)
        return tuple((1 + suite) / (1 + bare) - 1 for suite, bare in both)

    @property
    def verdict(self) -> Literal["within", "over", "undecided"]:
        """Return whether the differences lie within the limit, by their 95 % intervals.

        Within: all intervals do. Over: one of them lies beyond the limit altogether.
        """
        every = (self.reported_pairs, self.wall_pairs, self.window_pairs, self.low_pairs)
        spans = [mean_interval(pairs) for pairs in every if pairs]
        known = [span for span in spans if span is not None]
        if any(low > self.limit or high < -self.limit for low, high in known):
            return "over"
        inside = all(-self.limit <= low and high <= self.limit for low, high in known)
        return "within" if inside and len(known) == len(spans) > 0 else "undecided"


def mean_interval(pairs: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the geometric mean of differences; None for fewer than two."""
    found = interval([math.log1p(pair) for pair in pairs])
    return None if found is None else (math.expm1(found[0]), math.expm1(found[1]))


def geometric(pairs: Sequence[float]) -> float:
    """Return the geometric mean of differences, of which there is at least one."""
    return math.expm1(statistics.fmean(math.log1p(pair) for pair in pairs))


class FidelityFile(Struct, frozen=True, kw_only=True):
    """What ``fidelity.json`` holds. ``at`` is ISO 8601 in UTC."""

    schema: Count = SCHEMA
    at: str
    profile: Name
    figures: tuple[Fidelity, ...]
