"""What several GPUs of one machine add to the step of one: exchanged data, and waits.

A step of ``n`` GPUs, each with as many rows as one has alone, takes as long as one GPU's and what
they exchange, which overlap as the parts of a step do (``step_time``), times a factor. The factor
is what cases on several GPUs took beyond that: waits for the slowest rank, above all. It was
measured on two GPUs; each doubling is taken to cost as much as the first. So beyond what was
measured an interval reaches from the factor of two GPUs, as if waits did not grow, to that of two
once for each doubling.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from suite.catalog.case import Case
from suite.catalog.profile import Profile
from suite.estimate.errors.ratios import student
from suite.estimate.groups import exchange
from suite.estimate.interval import Interval
from suite.estimate.time_samples import same_work, timed
from suite.results.memory.fits_card import largest_need, need_of_each
from suite.results.metrics import Metric, all_metrics
from suite.results.pooled import both_sides, newest
from suite.results.record import Record
from suite.results.replicates import Replicates, summarize
from suite.wire.ranks import Transfer

MOST_GPUS = 8  #: of one machine, joined by one switch
FEWEST_CASES = 2  #: that say how far factors differ


class GroupSample(msgspec.Struct, frozen=True, kw_only=True):
    """One case as measured on several GPUs, beside the same rows on one.

    ``seconds`` and ``joules_per_token`` are medians of its repeats. ``longer`` and ``energy`` are
    logarithms, for each doubling of GPUs: of the step over what one GPU and the exchange take, and
    of the energy of a token over that on one. ``needs_bytes`` is what each GPU needed, and
    ``context_bytes`` what its CUDA context had beyond that on one GPU. None is unknown.
    """

    profile: str
    case: Case
    transfers: tuple[Transfer, ...]
    switched: bool
    seconds: float
    joules_per_token: float | None
    longer: float
    energy: float | None
    needs_bytes: Interval | None
    context_bytes: int | None
    record_ids: tuple[str, ...]


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """A factor's logarithm for each doubling of GPUs: its mean over ``cases``, and its ends.

    The ends are those of a 90 % interval for another case, by Student's t.
    """

    mean: float
    low: float
    high: float
    cases: int

    def factor(self, gpus: int) -> Interval:
        """Return the factor beside one GPU, see this file's first lines."""
        doublings = math.log2(gpus)
        if not doublings:
            return Interval(value=1, low=1, high=1)
        mean, high = max(self.mean, self.mean * doublings), max(self.high, self.high * doublings)
        return Interval(value=math.exp(mean), low=math.exp(self.low), high=math.exp(high))


class GroupModel(msgspec.Struct, frozen=True, kw_only=True):
    """What cases on several GPUs say. ``longer`` is of a step, ``energy`` of a token's joules.

    Both are None where fewer than ``FEWEST_CASES`` tell.
    """

    samples: tuple[GroupSample, ...]
    longer: Growth | None
    energy: Growth | None

    def knows(self, profile: Profile) -> bool:
        """Return whether some of these GPUs were measured together."""
        return bool(self._of(profile))

    def lacks(self, case: Case, profile: Profile) -> str:
        """Return why a case on several GPUs cannot be estimated, or an empty string."""
        parallel, known = case.parallel, self._of(profile)
        assert parallel is not None
        if parallel.kind == "split":
            return "GPUs that have some layers each take turns: no time is estimated"
        if parallel.kind == "fsdp2" and case.method.adapter is None:
            return "FSDP2 trains all weights in 32 bits, and nothing of that was measured"
        if parallel.gpus > MOST_GPUS:
            return f"more than {MOST_GPUS} GPUs: nothing is assumed of what joins them"
        if not known:
            return (
                "no two of these GPUs were measured together, so how fast they exchange data is"
                " unknown; ./tunebench run --tier two-gpus measures it"
            )
        if parallel.gpus > max(each.case.gpus for each in known) and not known[-1].switched:
            return "the measured GPUs are joined without NVLink, and more of them share a path"
        if self.longer is None or self.exchange_seconds(case, profile) is None:
            return "too few cases on several GPUs tell how long they wait for each other"
        return ""

    def exchange_seconds(self, case: Case, profile: Profile) -> float | None:
        """Return how long what a step exchanges takes alone between such GPUs; None is unknown."""
        known = self._of(profile)
        return exchange.step_seconds(case, known[-1].transfers) if known else None

    def step(self, case: Case, profile: Profile, alone_seconds: float) -> Interval:
        """Return how many times as long a step takes as the same rows on one GPU."""
        between = self.exchange_seconds(case, profile)
        assert self.longer is not None
        assert between is not None
        exchanged = math.hypot(alone_seconds, between) / alone_seconds
        return self.longer.factor(case.gpus).map(lambda each: each * exchanged)

    def joules_per_token(self, case: Case, alone: Interval | None) -> Interval | None:
        """Return the energy of a token on all GPUs, from that on one; None is unknown."""
        if alone is None or self.energy is None:
            return None
        return alone.times(self.energy.factor(case.gpus))

    def context_bytes(self, case: Case) -> Interval | None:
        """Return what the CUDA context has beyond that on one GPU: by engine, else of any.

        Beyond the measured number of GPUs up to twice as much. None where nothing tells.
        """
        known = [each for each in self.samples if each.context_bytes is not None]
        engine = case.method.engine
        alike = [each for each in known if each.case.method.engine == engine] or known
        sizes = [each.context_bytes or 0 for each in alike]
        if not sizes:
            return None
        more = 1 if any(each.case.gpus >= case.gpus for each in alike) else 2
        middle = statistics.median(sizes)
        return Interval(value=middle, low=min(sizes), high=max(sizes) * more)

    def _of(self, profile: Profile) -> list[GroupSample]:
        return [each for each in self.samples if each.profile == profile.name]


def on_one(case: Case) -> Case:
    """Return the same case with the rows of one rank, on one GPU."""
    load = msgspec.structs.replace(case.workload, parallel=None)
    return msgspec.structs.replace(case, workload=load)


def fit_groups(found: Sequence[GroupSample]) -> GroupModel:
    """Return what samples say; each case counts once."""
    return GroupModel(
        samples=tuple(found),
        longer=_growth([each.longer for each in found]),
        energy=_growth([each.energy for each in found if each.energy is not None]),
    )


def samples(ran: Mapping[tuple[str, object], Sequence[Record]]) -> list[GroupSample]:
    """Return the cases on several GPUs that tell a time, from records by profile and work."""
    found = []
    for (profile, _), records in ran.items():
        case = records[0].case
        if case.parallel is None or case.ranks < 2:
            continue
        alone = ran.get((profile, same_work(on_one(case))), ())
        sample = _sample(profile, [each for each in records if timed(each)], alone)
        if sample is not None:
            found.append(sample)
    return found


def _sample(
    profile: str, records: Sequence[Record], alone: Sequence[Record]
) -> GroupSample | None:
    group = newest(record for record in records if record.environment.gpu and record.group)
    base = newest(record for record in alone if timed(record) and record.environment.gpu)
    if group is None or base is None:
        return None
    last = group.records[-1].group
    transfers = () if last is None or last.interconnect is None else last.interconnect.transfers
    between = exchange.step_seconds(group.case, transfers)
    metrics = all_metrics()
    steps = summarize(group, metrics["step_seconds"])
    both = _both(group, base, alone, metrics["step_seconds"])
    if between is None or steps is None or not both:
        return None
    energy = metrics["joules_per_token"]
    joules, doublings = summarize(group, energy), math.log2(group.case.gpus)
    needs = largest_need(group.ok, need_of_each)
    before = largest_need(base.ok)
    beyond = None
    if needs.context_bytes is not None and before.context_bytes is not None:
        beyond = max(0, needs.context_bytes - before.context_bytes)
    return GroupSample(
        profile=profile,
        case=group.case,
        transfers=tuple(transfers),
        switched=_switched(group.records[-1]),
        seconds=steps.median,
        joules_per_token=None if joules is None else joules.median,
        longer=_log((ours, math.hypot(theirs, between)) for ours, theirs in both) / doublings,
        energy=_log(found) / doublings if (found := _both(group, base, alone, energy)) else None,
        needs_bytes=of_each(group.ok),
        context_bytes=beyond,
        record_ids=tuple(record.record_id for record in group.ok),
    )


def of_each(good: Sequence[Record]) -> Interval | None:
    """Return what each GPU needed, from without fragmentation to what it had; None is unknown."""
    found = largest_need(good, need_of_each)
    if found.least_bytes is None or found.fragmented_bytes is None:
        return None
    most = max(found.least_bytes, found.fragmented_bytes)
    return Interval(value=most, low=found.least_bytes, high=most)


def _both(
    group: Replicates, base: Replicates, alone: Sequence[Record], metric: Metric
) -> list[tuple[float, float]]:
    """Return a metric on several GPUs and on one, of what is above 0 and has a ratio."""
    everything = Replicates(records=tuple(alone))
    found = both_sides(group, base, metric, paired_with=everything)
    return [each for each in found if min(each) > 0]


def _log(both: Iterable[tuple[float, float]]) -> float:
    return statistics.fmean(math.log(ours / theirs) for ours, theirs in both)


def _switched(record: Record) -> bool:
    topology = None if record.group is None else record.group.topology
    links = () if topology is None else topology.links
    return bool(links) and all(link.path == "nvlink" for link in links)


def _growth(logs: Sequence[float]) -> Growth | None:
    if len(logs) < FEWEST_CASES:
        return None
    mean = statistics.fmean(logs)
    half = student(len(logs) - 1) * statistics.stdev(logs) * math.sqrt(1 + 1 / len(logs))
    return Growth(mean=mean, low=mean - half, high=mean + half, cases=len(logs))
