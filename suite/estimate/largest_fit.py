"""How long rows, or how many, a card would hold: bisection on an estimate that grows with both."""

from collections.abc import Callable
from typing import Literal

import msgspec

from suite import units
from suite.catalog.case import Case
from suite.catalog.profile import Profile
from suite.estimate import memory
from suite.results.memory.fits_card import card_bytes

Axis = Literal["sequence_tokens", "batch_sequences"]

#: Rows a batch: no card holds so many of any model here.
MOST_ROWS = 1 << 16


class Frontier(msgspec.Struct, frozen=True, kw_only=True):
    """The largest value of ``axis`` that fits for sure, and the largest that may fit.

    None: not even 1 does. ``bound`` is where the search ended, for rows the model's positions.
    """

    axis: Axis
    surely: int | None
    perhaps: int | None
    bound: int

    def text(self, end: int | None) -> str:
        """Return one end, rounded down unless it is where the search ended."""
        if end is None:
            return "none"
        return units.count(end) if end == self.bound else units.rounded_down(end)


def frontier(fitted: memory.MemoryModel, case: Case, axis: Axis, profile: Profile) -> Frontier:
    """Return how far a case could be grown along one axis of its workload on a card.

    Surely: "fits" by ``memory.verdict``. Perhaps: anything but "does not fit". On a card whose
    memory is unknown or the host's, nothing fits surely.
    """
    bound = axis_bound(case, axis)
    offered = card_bytes(profile)

    def said(value: int) -> str:
        return memory.verdict(fitted.estimate(grown(case, axis, value), offered), profile)

    return Frontier(
        axis=axis,
        surely=largest(bound, lambda value: said(value) == "fits"),
        perhaps=largest(bound, lambda value: said(value) != "does not fit"),
        bound=bound,
    )


def axis_bound(case: Case, axis: Axis) -> int:
    """Return the largest value that an axis can have."""
    return case.model.architecture.max_positions if axis == "sequence_tokens" else MOST_ROWS


def grown(case: Case, axis: Axis, value: int) -> Case:
    """Return the case with another value of one axis; its id stays."""
    workload = msgspec.structs.replace(case.workload, **{axis: value})
    return msgspec.structs.replace(case, workload=workload)


def largest(bound: int, holds: Callable[[int], bool]) -> int | None:
    """Return the largest number from 1 to ``bound`` that holds, or None.

    What holds of a number holds of all smaller ones.
    """
    good, bad = 0, bound + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good or None
