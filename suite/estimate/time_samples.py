"""Cases as measured on one card: what the time model is fitted on, from records.

A stranger's record may say anything, so what no card, host or clock can do is left out.
"""

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.profile import POSSIBLE
from suite.estimate.roofline import Demand, demand, refusal
from suite.results import hosts
from suite.results.metrics import all_metrics
from suite.results.pooled import newest
from suite.results.record import Record
from suite.results.samples import steady_steps

LINKS = (1e8, 1e13)  #: bytes/s that a link to the host may do
HOSTS = (1e4, 1e9)  #: speeds that a host may have
LEAST_STEPS = 3  #: steady steps; the few of a search for what fits are no measurement of time


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """What a card does in a second: large bfloat16 products, copies in its memory and to the host.

    ``host_speed`` is that of ``suite.results.hosts.speed``; None is unknown. ``host_factor``: how
    long the host takes for its work beside that, in times of what is expected of it.
    ``link_bytes_per_second`` is one direction's; None is unknown. ``processors`` is how many
    streaming multiprocessors there are; where unknown, as many as keep up with the memory.
    """

    flops_per_second: float
    bytes_per_second: float
    link_bytes_per_second: float | None = None
    host_factor: float = 1.0
    host_speed: float | None = None
    processors: float | None = None


class TimeSample(msgspec.Struct, frozen=True, kw_only=True):
    """One case as measured on one card: the median of its launches, and what was probed there."""

    profile: str
    case: Case
    demand: Demand
    rates: Rates
    seconds: float
    joules: float | None
    record_ids: tuple[str, ...]


def samples(records: Iterable[Record]) -> list[TimeSample]:
    """Return what records say about time: one sample a case and profile, in order.

    Of what a case took with other packages, or timed the older way, only the newest counts.
    """
    groups: dict[object, list[Record]] = {}
    for record in records:
        if timed(record) and record.environment.probe and record.environment.gpu:
            groups.setdefault((record.profile, same_work(record.case)), []).append(record)
    newest_pools = (pools for group in groups.values() if (pools := newest(group)) is not None)
    found = (_sample(each.records) for each in newest_pools if not refusal(each.case))
    return [sample for sample in found if sample is not None]


def timed(record: Record) -> bool:
    """Return whether a record tells how long a step takes."""
    return record.outcome == "ok" and len(steady_steps(record)) >= LEAST_STEPS


def same_work(case: Case) -> object:
    """Return what two cases share whose times may stand for each other.

    Not the seed, the steps, or what is only said of a method or a model.
    """
    method = msgspec.structs.replace(case.method, title="", summary="", why="", reference=None)
    return (case.model.name, case.model.architecture, method, case.workload, case.loop)


def _sample(group: Sequence[Record]) -> TimeSample | None:
    metrics = all_metrics()
    times = [metrics["step_seconds"].compute(record) for record in group]
    known = [seconds for seconds in times if seconds]
    probes = [record.environment.probe for record in group if record.environment.probe]
    if not known or not probes:
        return None
    wanted, seconds = demand(group[0].case), statistics.median(known)
    flops_per_second = statistics.median(p.matmul_flops_per_second for p in probes)
    bytes_per_second = statistics.median(p.copy_bytes_per_second for p in probes)
    # A stranger's clock or probe may be absurd; one such case would decide the whole fit.
    if not _possible("bf16_flops", flops_per_second):
        return None
    if not _possible("memory_bytes_per_second", bytes_per_second) or not 1e-4 < seconds < 1e5:
        return None
    ideal = wanted.flops / flops_per_second, wanted.traffic_bytes / bytes_per_second
    if ideal[0] > 1.5 * seconds or ideal[1] > 5 * seconds:
        return None
    links = [
        link
        for link in (probe.host_to_device_bytes_per_second for probe in probes)
        if link is not None and LINKS[0] <= link <= LINKS[1]
    ]
    return TimeSample(
        profile=group[0].profile,
        case=group[0].case,
        demand=wanted,
        rates=Rates(
            flops_per_second=flops_per_second,
            bytes_per_second=bytes_per_second,
            link_bytes_per_second=_median(links),
            processors=_processors(group[0].profile),
            host_speed=typical_host(group),
        ),
        seconds=seconds,
        joules=_median([_joules(record) for record in group]),
        record_ids=tuple(record.record_id for record in group),
    )


def typical_host(records: Iterable[Record]) -> float | None:
    """Return the median speed of the hosts that records tell of; None where none does."""
    known = [speed for probe in hosts.probes(records) if (speed := hosts.speed(probe))]
    return _median([speed for speed in known if HOSTS[0] <= speed <= HOSTS[1]])


def _processors(name: str) -> float | None:
    """Return how many multiprocessors the card of a profile has; None for a stranger's card."""
    known = profiles.known(name)
    return None if known is None else known.facts.value("streaming_multiprocessors")


def _possible(fact: str, probed: float) -> bool:
    least, most, _ = POSSIBLE[fact]
    return least <= probed <= most


def _joules(record: Record) -> float | None:
    """Return the energy of one step; None where that of the case may not be quoted."""
    each = all_metrics()["joules_per_token"].compute(record)
    return None if each is None else each * record.case.workload.step_tokens


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
