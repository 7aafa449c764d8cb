"""Page faults of the training thread: what they cost a step, and when a reader must know.

Thousands a step mean that memory is mapped and given back again and again, mostly by what lies
around the training and not by the training itself.
"""

import statistics
from collections.abc import Sequence

from suite import units
from suite.results.memoize import once
from suite.results.record import Record
from suite.results.samples import steady_seconds, steady_steps

FAULT_SECONDS = 20e-6  #: about what one takes that needs no disk
MOST_SHARE = 0.005  #: of the mean step; less is not worth a word


def share_of_step(faults: Sequence[int], step_seconds: float) -> float:
    """Return the part of a step that its page faults take, 0 to 1, by the median of the counts."""
    return statistics.median(faults) * FAULT_SECONDS / step_seconds


@once
def page_faults(record: Record) -> str:
    """Return a warning where page faults take a part of the steady steps worth a word, else ""."""
    steps, seconds = steady_steps(record), steady_seconds(record)
    counts = [step.minor_faults for step in steps if step.minor_faults is not None]
    if seconds is None or not counts:
        return ""
    share = share_of_step(counts, seconds / len(steps))
    if share <= MOST_SHARE:
        return ""
    told = units.count(statistics.median(counts))
    return (
        f"page faults: {told} a step, about {units.percent(share)} of its time"
        f" at {units.seconds(FAULT_SECONDS)} each"
    )
