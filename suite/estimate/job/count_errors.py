"""How far estimates for several GPUs are off: each measured case, estimated from all others.

What one GPU takes is as ``plan`` knows it, measured where it was: these are the errors of what
several add to it.
"""

import msgspec

from suite.catalog import profile as profiles
from suite.estimate.groups.group_model import GroupSample, fit_groups
from suite.estimate.interval import Interval
from suite.estimate.planner import Entry, Planner


class GroupHeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """One case on several GPUs and what is estimated without it; a time may be lacking."""

    sample: GroupSample
    entry: Entry

    @property
    def seconds(self) -> Interval | None:
        """Return the estimated step."""
        rate, tokens = self.entry.tokens_per_second, self.entry.case.workload.step_tokens
        return None if rate is None else rate.map(lambda each: tokens / each)


def held_out(plan: Planner) -> list[GroupHeldOut]:
    """Return every measured case of a known GPU, estimated from the other cases."""
    found = []
    for sample in plan.groups.samples:
        card = profiles.known(sample.profile)
        if card is None:
            continue
        rest = fit_groups([each for each in plan.groups.samples if each is not sample])
        without = msgspec.structs.replace(plan, groups=rest)
        found.append(GroupHeldOut(sample=sample, entry=without.of_several(sample.case, card)))
    return found
