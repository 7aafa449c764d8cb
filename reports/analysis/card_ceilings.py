"""What two cards have to work with, and which of its ratios lies closest to a measured one.

An observation and no proof: that a ratio of throughputs is close to a ratio of bandwidths does
not say that bandwidth is the reason, and several ratios of two cards can be alike.
"""

import math
import statistics
from collections.abc import Callable, Iterable

import msgspec

from reports.text import columns
from reports.text.figures import number
from reports.text.numbers import Number, record_page
from suite import units
from suite.results.memoize import once
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.replicates import MedianWithRange, Replicates

CLOSE = 0.05  #: two ratios further apart than this are not called close


class ResourceKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource: its name as in "the ratio of ...", its title, how a record says it.

    ``of`` returns SI units, None where a record does not have it.
    """

    name: str
    title: str
    origin: str  #: "measured", "datasheet", "reported" or "as set"
    of: Callable[[Record], float | None]
    text: Callable[[float], str]


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of both sides, medians over launches; None is unknown.

    ``ratio`` is ours over theirs. ``barred`` says why it is held against nothing, "" where it is.
    """

    kind: ResourceKind
    ours: float | None
    theirs: float | None
    barred: str = ""

    @property
    def ratio(self) -> float | None:
        """Return ours over theirs, None where one is unknown."""
        if not self.ours or not self.theirs:
            return None
        found = self.ours / self.theirs
        return found if 0 < found < math.inf else None


def _matmul(record: Record) -> float | None:
    probe = record.environment.probe
    return None if probe is None else probe.matmul_flops_per_second


def _copy(record: Record) -> float | None:
    probe = record.environment.probe
    return None if probe is None else probe.copy_bytes_per_second


def _fact(name: str) -> Callable[[Record], float | None]:
    def of(record: Record) -> float | None:
        fact = None if record.hardware is None else getattr(record.hardware.facts, name)
        return None if fact is None else float(fact.value)

    return of


def _limit(record: Record) -> float | None:
    gpu = record.environment.gpu
    return None if gpu is None else gpu.power_limit_watts


def _memory(record: Record) -> float | None:
    gpu = record.environment.gpu
    return None if gpu is None else gpu.memory_total_bytes


def _clock(record: Record) -> float | None:
    return all_metrics()["mean_sm_clock_mhz"].compute(record)


def _watts(value: float) -> str:
    return f"{value:,.0f} W"


MATMUL = ResourceKind(
    name="measured matrix products",
    title="Matrix products, measured",
    origin="measured",
    of=_matmul,
    text=lambda value: columns.scaled(value, "FLOP/s"),
)
COPIES = ResourceKind(
    name="measured copies in GPU memory",
    title="Copies in GPU memory, measured",
    origin="measured",
    of=_copy,
    text=lambda value: columns.scaled(value, "B/s"),
)
PEAK = ResourceKind(
    name="datasheet bfloat16 peaks",
    title="bfloat16 peak, dense, datasheet",
    origin="datasheet",
    of=_fact("bf16_flops"),
    text=MATMUL.text,
)
BANDWIDTH = ResourceKind(
    name="datasheet memory bandwidths",
    title="Memory bandwidth, datasheet",
    origin="datasheet",
    of=_fact("memory_bytes_per_second"),
    text=COPIES.text,
)
LIMIT = ResourceKind(
    name="power limits", title="Power limit, as set", origin="as set", of=_limit, text=_watts
)
MEMORY = ResourceKind(
    name="memory sizes",
    title="Memory, as NVML reports it",
    origin="reported",
    of=_memory,
    text=columns.bytes_,
)
CLOCK = ResourceKind(
    name="mean SM clocks",
    title="Mean SM clock, measured",
    origin="measured",
    of=_clock,
    text=lambda value: f"{value:,.0f} MHz",
)
#: What a ratio of throughputs is held against.
RESOURCE_KINDS = (MATMUL, COPIES, PEAK, BANDWIDTH, LIMIT, CLOCK)
#: What is the same for all cases of a card. Memory decides what fits and not how fast it is.
CEILINGS = (MATMUL, COPIES, PEAK, BANDWIDTH, LIMIT, MEMORY)


@once
def _median(group: Replicates, kind: ResourceKind) -> float | None:
    """Return the median over the good launches; None where one of them lacks it."""
    values = [kind.of(record) for record in group.ok]
    known = [value for value in values if value is not None and math.isfinite(value)]
    # A launch that cannot answer is not left out: the others would look like all.
    return statistics.median(known) if known and len(known) == len(values) else None


def resources(ours: Replicates, theirs: Replicates) -> tuple[Resource, ...]:
    """Return every kind of resource of the launches of two cards."""
    return tuple(
        Resource(
            kind=kind,
            ours=_median(ours, kind),
            theirs=_median(theirs, kind),
            barred=_unlike(ours.best, theirs.best) if kind is CLOCK else "",
        )
        for kind in RESOURCE_KINDS
    )


def over(kind: ResourceKind, groups: Iterable[Replicates]) -> Number:
    """Return a resource over the launches of some groups, each probe of them once.

    A median with its range. What a record does not have is left out: it says nothing of the card.
    """
    by_probe: dict[tuple[str, int, float], Record] = {}
    for group in groups:
        for record in group.records:
            value = kind.of(record)
            if value is not None and math.isfinite(value):
                by_probe.setdefault((record.run_id, record.launch, value), record)
    if not by_probe:
        return Number(text="unknown")
    values = sorted(value for *_, value in by_probe)
    middle = MedianWithRange(
        median=statistics.median(values), low=values[0], high=values[-1], launches=len(values)
    )
    shown = number(middle, kind.text, record_page(next(iter(by_probe.values()))))
    if kind.origin != "measured":
        return shown
    return msgspec.structs.replace(shown, note=units.counted(len(values), "probe"))


def observation(ratio: float, found: Iterable[Resource]) -> str:
    """Return which ratio of resources lies closest to a ratio of throughputs, as a phrase."""
    listed = list(found)
    known = [
        (each.kind.name, value) for each in listed if not each.barred and (value := each.ratio)
    ]
    unknown = [each.kind.name for each in listed if each.kind in (MATMUL, COPIES)]
    unknown = [name for name in unknown if name not in dict(known)]
    without = f"; {' and '.join(unknown)} of both are not known" if unknown else ""
    if not known:
        return f"cannot tell{without}"
    apart = sorted((abs(math.log(ratio / value)), name, value) for name, value in known)
    near = [(name, value) for away, name, value in apart if away <= math.log1p(CLOSE)]
    if not near:
        value = apart[0][2]
        alike = [name for _, name, other in apart if other == value]
        names = " and ".join(alike) if len(alike) < 3 else f"{len(alike)} of them"
        return f"is close to none; the nearest, of {names}, is {units.ratio(value)}{without}"
    texts = [f"{name} ({units.ratio(value)})" for name, value in near]
    if len(texts) == 1:
        return f"is close to the ratio of {texts[0]}{without}"
    return (
        f"is close to the ratios of {units.listed(texts)};"
        f" it cannot say which one matters{without}"
    )


def _unlike(ours: Record, theirs: Record) -> str:
    """Return why the clocks of two cards say nothing about each other, or an empty string."""
    sides = [each.hardware for each in (ours, theirs)]
    kinds = [
        None
        if each is None or each.facts.streaming_multiprocessors is None
        else (each.compute_capability, each.facts.streaming_multiprocessors.value)
        for each in sides
    ]
    if None in kinds:
        return "whether the processors are alike is unknown"
    return "" if kinds[0] == kinds[1] else "the processors are not alike"
