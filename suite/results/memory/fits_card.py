"""Would this case fit another card? What it needed where it ran, against what the other has.

A card must hold what torch handed out to tensors and the CUDA context, from loading on. What the
caching allocator kept beside that is fragmentation: it grows with what is free, so a smaller card
may get by with less of it, and never with none. An engine that sizes its buffers by the free
memory (Unsloth's loss does) may need less on a smaller card than was measured on a larger one.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from suite.catalog.profile import Profile
from suite.results.record import Record
from suite.wire import Memory, Phase

#: The phases whose peaks a card must survive; loading can need more than any step.
PHASES = ("load", "prepare", "first_step", "steady")
#: "fits" leaves this share of a card to what is not measured here: memory that the driver keeps
#: (NVML counts it into the total), a display, and peaks that depend on the data.
COMFORTABLE_SHARE = 0.95

Verdict = Literal["fits", "tight", "does not fit", "unknown"]


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What one record needed on its GPU, or on each of several, in bytes.

    ``allocated_bytes`` is torch's highest peak from loading on, reached in ``phase``.
    ``reserved_bytes`` is the highest that torch took from the driver, fragmentation included.
    ``context_bytes`` is what the process held beside that: the CUDA context and libraries. None
    is unknown, and ``reason`` says why.
    """

    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    context_bytes: int | None = None
    phase: str = ""
    reason: str = ""

    @property
    def least_bytes(self) -> int | None:
        """Return what a card must hold at the very least: tensors and the context."""
        return _sum(self.allocated_bytes, self.context_bytes)

    @property
    def fragmented_bytes(self) -> int | None:
        """Return the same with the fragmentation that was measured."""
        return _sum(self.reserved_bytes, self.context_bytes)


def need(record: Record) -> Need:
    """Return what a record needed; unknown unless it ran to its end on a GPU."""
    if record.outcome != "ok":
        return Need(reason=f"it did not run to its end: {record.outcome}")
    if record.case.parallel is not None:
        return Need(reason="it ran on several GPUs, and this is told of one")
    return _need(record.phases)


def need_of_each(record: Record) -> Need:
    """Return what each of several GPUs must hold: the most that any rank needed of its own.

    NVML counts the process of the first rank alone; the context of the others is taken to be as
    large.
    """
    if record.outcome != "ok":
        return Need(reason=f"it did not run to its end: {record.outcome}")
    ranks = () if record.group is None else record.group.ranks
    if len(ranks) < 2:
        return Need(reason="torch's peak is one sum over all GPUs")
    first = _need(record.phases)
    needs = [first, *(_need(rank.phases) for rank in ranks[1:])]
    unknown = next((each for each in needs if each.allocated_bytes is None), None)
    if unknown is not None:
        return unknown
    most = max(needs, key=lambda each: each.allocated_bytes or 0)
    return msgspec.structs.replace(
        most,
        reserved_bytes=max(each.reserved_bytes or 0 for each in needs),
        context_bytes=first.context_bytes,
        reason=first.reason,
    )


def _need(phases: Sequence[Phase]) -> Need:
    memories: dict[str, Memory] = {}
    for name in PHASES:
        finished = next((each for each in phases if each.name == name), None)
        if finished is None:
            return Need(reason=f"phase {name} is not in the result")
        memories[name] = finished.memory
    allocated = {n: m.allocated_peak_bytes for n, m in memories.items()}
    reserved = [
        m.reserved_peak_bytes for m in memories.values() if m.reserved_peak_bytes is not None
    ]
    known = {name: peak for name, peak in allocated.items() if peak is not None}
    if len(known) != len(allocated) or len(reserved) != len(memories):
        lacking = next((m for m in memories.values() if m.unavailable), Memory())
        why = next(iter(lacking.unavailable.values()), "torch did not count every phase")
        return Need(reason=why)
    highest = max(known, key=lambda name: known[name])
    context = _context(memories.values())
    return Need(
        allocated_bytes=known[highest],
        reserved_bytes=max(reserved),
        context_bytes=context,
        phase=highest,
        reason="" if context is not None else "NVML did not count the process",
    )


def largest_need(records: Iterable[Record], of: Callable[[Record], Need] = need) -> Need:
    """Return the largest need of several launches of a case; unknown when one's is."""
    needs = [of(record) for record in records]
    unknown = next((each for each in needs if each.least_bytes is None), None)
    if unknown is not None or not needs:
        return unknown or Need(reason="no repeat ran to its end")
    return max(needs, key=lambda each: each.least_bytes or 0)


def card_bytes(profile: Profile) -> float | None:
    """Return what a card offers: NVML's total where known, else what the vendor prints."""
    facts = profile.facts
    known = facts.nvml_memory_bytes or facts.memory_bytes
    return None if known is None else known.value


def verdict(wanted: Need, offered_bytes: float | None) -> Verdict:
    """Return whether a card of ``offered_bytes`` holds a need.

    "fits": with the measured fragmentation at most ``COMFORTABLE_SHARE`` of the card. "tight":
    tensors and context go in, and only a try tells about the rest. "does not fit": they do not,
    or without the context already not. "unknown": the context is not known, or the card.
    """
    if offered_bytes is None or wanted.allocated_bytes is None:
        return "unknown"
    if wanted.allocated_bytes > offered_bytes:
        return "does not fit"
    least, fragmented = wanted.least_bytes, wanted.fragmented_bytes
    if least is None or fragmented is None:
        return "unknown"
    if least > offered_bytes:
        return "does not fit"
    return "fits" if fragmented <= COMFORTABLE_SHARE * offered_bytes else "tight"


def fits_card(wanted: Need, profile: Profile) -> Verdict:
    """Return the verdict for a card.

    Where the GPU has the host's memory, only "does not fit" is certain: the system, and what
    training keeps on the host, take from the same bytes.
    """
    found = verdict(wanted, card_bytes(profile))
    return "unknown" if profile.unified_memory and found != "does not fit" else found


def _context(memories: Iterable[Memory]) -> int | None:
    # NVML is sampled and can miss torch's peak; a phase where it did says nothing.
    found = [
        memory.nvml_process_peak_bytes - memory.reserved_peak_bytes
        for memory in memories
        if memory.nvml_process_peak_bytes is not None and memory.reserved_peak_bytes is not None
    ]
    return max((beside for beside in found if beside > 0), default=None)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
