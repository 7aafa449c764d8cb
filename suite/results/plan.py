"""The plan of a run: what it set out to do, written before the first case starts."""

from typing import Annotated

import msgspec

from suite.catalog.bounds import Column, Count
from suite.catalog.case import Case
from suite.catalog.loops import Loop
from suite.catalog.names import Name
from suite.results.record import SCHEMA, Runner
from suite.wire import Struct

#: Records of one run, at most: what is missing is counted out, and a plan may be absurd.
MOST_RECORDS = 100_000
#: What stands for the tier of a try of ``tunebench probe``, a run of its own.
TRY = "probe"


class Plan(Struct, frozen=True, kw_only=True):
    """What a run set out to do: every case, in order, once a launch. Never changes.

    ``created_at`` is ISO 8601 in UTC, ``argv`` the command line after ``tunebench``. ``task`` is
    which part of a submission it is (``suite.submit``), None for a session of its own.
    """

    schema: Count = SCHEMA
    run_id: Name
    created_at: str
    suite_version: str
    profile: Name
    tier: Name
    launches: Annotated[int, msgspec.Meta(ge=1)]
    loop: Loop
    seed: Count
    weights: str
    runner: Runner
    cases: Column[Case]
    argv: tuple[str, ...]
    task: Name | None = None

    def __post_init__(self) -> None:
        planned = max(self.total, self.launches)  # a plan without cases has a limit too
        if planned > MOST_RECORDS:
            raise ValueError(f"plans {planned:,} results; a session has {MOST_RECORDS:,} at most")

    @property
    def total(self) -> int:
        """Return how many records the whole run has: cases times launches."""
        return len(self.cases) * self.launches
