"""Fidelity: the step times of a run beside those of a script that uses nothing of the suite.

``benchmarks/self/fidelity.py`` measures it and writes ``fidelity.json``; filed beside published
runs it is read with them.
"""

from typing import Annotated

import msgspec

from suite.wire import Count, StepSeconds, Struct

SCHEMA = 1

#: A difference of step times relative to the bare script: 0.01 is one percent more.
Difference = Annotated[float, msgspec.Meta(gt=-1, le=1e6)]


class Fidelity(Struct, frozen=True, kw_only=True):
    """One case of one run: the suite's median step seconds over the bare script's, less 1.

    ``reported`` is of the times in the records; ``wall`` from the end of one step to the end of
    the next, so that what the suite does between steps is in it (null where that was not timed).
    Both are geometric means of their pairs, each a launch of the suite and one of the script taken
    in turn. ``suite_seconds`` and ``bare_seconds`` are the medians of every launch.
    """

    case_id: str
    run_id: str
    limit: Difference
    reported: Difference
    reported_pairs: tuple[Difference, ...]
    wall: Difference | None
    wall_pairs: tuple[Difference, ...]
    suite_seconds: tuple[StepSeconds, ...]
    bare_seconds: tuple[StepSeconds, ...]

    @property
    def pairs(self) -> int:
        """Return how many launches have their counterpart."""
        return len(self.reported_pairs)

    @property
    def kept(self) -> bool:
        """Return whether both differences lie within the limit."""
        return max(abs(self.reported), abs(self.wall or 0.0)) <= self.limit


class FidelityFile(Struct, frozen=True, kw_only=True):
    """What ``fidelity.json`` holds. ``at`` is ISO 8601 in UTC."""

    schema: Count = SCHEMA
    at: str
    profile: str
    figures: tuple[Fidelity, ...]
