"""What a job takes on each card with each method: measured where it was, projected where not.

A job is so many real tokens, so many times. Its rows are of one length, so that no token is
padding; the rate is that of steady steps. Loading, compilation, evaluation and saving come on top.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from suite.catalog.case import Case, unsupported_reason
from suite.catalog.prices import Own, Price, purchases, rents
from suite.catalog.profile import Profile
from suite.estimate import memory, project, time_samples
from suite.estimate.errors.ratios import RatioWidths, ratio_widths
from suite.estimate.errors.repeats import Scatter, repeat_scatter
from suite.estimate.groups import group_memory, group_model
from suite.estimate.groups.group_model import GroupModel
from suite.estimate.interval import Interval
from suite.estimate.project import Projector
from suite.estimate.time_samples import same_work, timed
from suite.results.memory.fits_card import Verdict, card_bytes, largest_need
from suite.results.metrics import all_metrics
from suite.results.pooled import newest, pool
from suite.results.record import Record

OVERNIGHT_SECONDS = 8 * 3600.0
Basis = Literal["measured", "projected", "none"]
Overnight = Literal["yes", "no", "borderline"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``tokens`` real tokens, passed over ``epochs`` times; both above 0."""

    tokens: float
    epochs: float

    def seconds(self, tokens_per_second: float) -> float:
        """Return how long it takes at a rate above 0."""
        return self.tokens * self.epochs / tokens_per_second

    def joules(self, joules_per_token: float) -> float:
        """Return what the GPU draws for it."""
        return self.tokens * self.epochs * joules_per_token

    def time(self, rate: Interval) -> Interval:
        """Return how long it takes, in seconds; the fastest rate is the shortest time."""
        return Interval(
            value=self.seconds(rate.value),
            low=self.seconds(rate.high),
            high=self.seconds(rate.low),
        )

    def energy(self, each: Interval) -> Interval:
        """Return what the GPU draws, in joules."""
        return Interval(
            value=self.joules(each.value), low=self.joules(each.low), high=self.joules(each.high)
        )


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one card, or on as many as the case is spread over.

    ``tokens_per_second`` (real) and ``joules_per_token`` are the median of launches with their
    range where ``basis`` is "measured", an estimate with its interval where it is "projected".
    ``reason`` says why there is no rate. ``projection`` is what the time model says, also of a
    case that was measured, to give reasons, and of one that does not fit, to say what its memory
    keeps it from; None where it says nothing. ``verdict`` is whether it fits; of a measured case,
    what came of it. ``launches`` counts those of a measured case. ``needs_bytes``: tensors,
    fragmentation and the CUDA context; of a measured case from without fragmentation to what it
    had. None where it is not known. On several cards the rate and the energy are of all of them,
    and bytes and verdict of each. ``alone`` is the same rows on one of them, and ``longer`` how
    many times as long an estimated step takes beside it.
    """

    profile: Profile
    case: Case
    basis: Basis
    verdict: Verdict
    tokens_per_second: Interval | None = None
    joules_per_token: Interval | None = None
    projection: project.Projection | None = None
    needs_bytes: Interval | None = None
    launches: int = 0
    records: tuple[Record, ...] = ()
    reason: str = ""
    alone: "Entry | None" = None
    longer: Interval | None = None

    @property
    def gpus(self) -> int:
        """Return how many cards it is on."""
        return self.case.gpus


class Planner(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known: ``ran`` are the records by profile and what they ran.

    ``ratio_widths`` and ``scatter``: how far ratios of methods can be off, see
    ``suite.estimate.job.ratios``.
    """

    projector: Projector | None
    memory: memory.MemoryModel
    ran: Mapping[tuple[str, object], Sequence[Record]]
    ratio_widths: RatioWidths
    scatter: Scatter | None
    groups: GroupModel

    def grounds(self) -> list[Record]:
        """Return the records that every projection rests on."""
        samples = () if self.projector is None else self.projector.model.samples
        return [
            record
            for sample in samples
            for record in self.ran[sample.profile, same_work(sample.case)]
            if record.outcome == "ok"
        ]

    def entry(self, case: Case, profile: Profile) -> Entry:
        """Return one method on one card."""
        records = self.ran.get((profile.name, same_work(case)), ())
        repeats = newest(record for record in records if timed(record))
        if repeats is not None:
            found = _measured(case, profile, repeats.records, self._made_of(case, profile))
            if case.parallel is not None:
                alone = self.entry(group_model.on_one(case), profile)
                return msgspec.structs.replace(found, alone=alone)
            if found.needs_bytes is not None:
                return found
            needs = self.memory.estimate(case, card_bytes(profile)).needs_bytes
            return msgspec.structs.replace(found, needs_bytes=needs)
        if reason := unsupported_reason(case, profile):
            return Entry(
                profile=profile,
                case=case,
                basis="none",
                verdict="unknown",
                records=tuple(records),
                reason=f"unsupported: {reason}",
            )
        if case.parallel is not None:
            return self._failed_group(case, profile, records) or self.of_several(case, profile)
        estimate = self.memory.estimate(case, card_bytes(profile))
        verdict = memory.verdict(estimate, profile)
        if any(record.outcome == "ok" for record in records):
            verdict = "fits"  # it ran, for too few steps to tell a time
        elif records:
            last = records[-1]
            outcome: Verdict = "does not fit" if last.outcome == "oom" else verdict
            return Entry(
                profile=profile,
                case=case,
                basis="none",
                verdict=outcome,
                projection=self._made_of(case, profile),
                needs_bytes=estimate.needs_bytes,
                records=tuple(records),
                reason=_failed(last),
            )
        found = self._projected(case, profile, verdict)
        return msgspec.structs.replace(found, needs_bytes=estimate.needs_bytes)

    def of_several(self, case: Case, profile: Profile) -> Entry:
        """Return an estimate of a case on several cards, from the same rows on one of them."""
        alone = self.entry(group_model.on_one(case), profile)
        offered = card_bytes(profile)
        needs = group_memory.needs(case, alone.needs_bytes, self.memory, self.groups, offered)
        verdict = group_memory.verdict(needs, offered)
        nothing = Entry(
            profile=profile,
            case=case,
            basis="none",
            verdict=verdict,
            needs_bytes=needs,
            alone=alone,
            reason=self.groups.lacks(case, profile),
        )
        if nothing.reason:
            return nothing
        if verdict == "does not fit":
            reason = "does not fit, by the memory model"
            return msgspec.structs.replace(nothing, reason=reason)
        rate, joules = _also_if_it_does_not_fit(alone)
        if rate is None:
            reason = f"the time on one GPU is unknown: {self._lacks(alone)}"
            return msgspec.structs.replace(nothing, reason=reason)
        longer = self.groups.step(case, profile, alone.case.workload.step_tokens / rate.value)
        return msgspec.structs.replace(
            nothing,
            basis="projected",
            longer=longer,
            tokens_per_second=rate.times(longer.map(lambda each: case.gpus / each)),
            joules_per_token=self.groups.joules_per_token(case, joules),
        )

    def _lacks(self, entry: Entry) -> str:
        """Return why there is no time of an entry, were there room on the card."""
        if self.projector is None:
            return entry.reason
        return self.projector.lacks(entry.case, entry.profile) or entry.reason

    def _failed_group(
        self, case: Case, profile: Profile, records: Sequence[Record]
    ) -> Entry | None:
        """Return what came of a case on several cards that ended badly; None where none did."""
        if not records or any(record.outcome == "ok" for record in records):
            return None
        last = records[-1]
        return Entry(
            profile=profile,
            case=case,
            basis="none",
            verdict="does not fit" if last.outcome == "oom" else "unknown",
            records=tuple(records),
            reason=_failed(last),
            alone=self.entry(group_model.on_one(case), profile),
        )

    def _made_of(self, case: Case, profile: Profile) -> project.Projection | None:
        """Return what the model says of a case that ran, to give reasons for what it took."""
        if self.projector is None or self.projector.lacks(case, profile):
            return None
        return self.projector.project(case, profile)

    def _projected(self, case: Case, profile: Profile, verdict: Verdict) -> Entry:
        lacking = (
            "nothing measured to estimate from: no case of fixed-length sequences on a probed GPU"
        )
        if self.projector is not None:
            lacking = self.projector.lacks(case, profile)
        if lacking or self.projector is None:
            return Entry(profile=profile, case=case, basis="none", verdict=verdict, reason=lacking)
        found, tokens = self.projector.project(case, profile), case.workload.step_tokens
        if verdict == "does not fit":
            return Entry(
                profile=profile,
                case=case,
                basis="none",
                verdict=verdict,
                projection=found,
                reason="does not fit, by the memory model",
            )
        return Entry(
            profile=profile,
            case=case,
            basis="projected",
            verdict=verdict,
            tokens_per_second=found.seconds.map(lambda seconds: tokens / seconds),
            joules_per_token=found.joules and found.joules.map(lambda joules: joules / tokens),
            projection=found,
        )


def fit_planner(records: Iterable[Record]) -> Planner:
    """Return the planner that knows these records."""
    known = list(records)
    ran: dict[tuple[str, object], list[Record]] = {}
    for record in known:
        ran.setdefault((record.profile, same_work(record.case)), []).append(record)
    projector = project.fit_projector(known)
    errors = () if projector is None else projector.errors
    held_out = project.held_out_cards(time_samples.samples(known), intervals=False)
    return Planner(
        projector=projector,
        memory=memory.fit_memory(known),
        ran=ran,
        ratio_widths=ratio_widths([*errors, *held_out]),
        scatter=repeat_scatter(case.repeats for case in pool(known)),
        groups=group_model.fit_groups(group_model.samples(ran)),
    )


def overnight(seconds: Interval, limit: float = OVERNIGHT_SECONDS) -> Overnight:
    """Return whether a job is done in so many seconds, over the whole interval."""
    if seconds.high <= limit:
        return "yes"
    return "no" if seconds.low > limit else "borderline"


def rent(seconds: Interval, prices: Iterable[Price], gpus: int = 1) -> Interval | None:
    """Return the rent in US dollars: at the middle price, and the ends of prices and of time.

    None where no price for an hour is known. A price is that of one GPU.
    """
    seconds = seconds.map(lambda each: gpus * each)
    known = [price.rent_usd_per_hour for price in rents(prices)]
    found = [dollars for dollars in known if dollars is not None]
    if not found:
        return None
    return Interval(
        value=statistics.median(found) * seconds.value / 3600,
        low=found[0] * seconds.low / 3600,
        high=found[-1] * seconds.high / 3600,
    )


def own(
    seconds: Interval,
    joules: Interval | None,
    prices: Iterable[Price],
    terms: Own | None,
    gpus: int = 1,
) -> Interval | None:
    """Return the cost in US dollars on cards of one's own: their share of the price, and energy.

    The middle price of each, and the ends of prices, time and energy. None where one of them is
    not known.
    """
    known = purchases(prices)
    if not known or joules is None or terms is None:
        return None

    def cost(price: float, time: float, energy: float) -> float:
        return gpus * price * time / 3600 / terms.hours + energy / 3.6e6 * terms.usd_per_kwh

    return Interval(
        value=cost(statistics.median(known), seconds.value, joules.value),
        low=cost(known[0], seconds.low, joules.low),
        high=cost(known[-1], seconds.high, joules.high),
    )


def _measured(
    case: Case, profile: Profile, good: Sequence[Record], made_of: project.Projection | None
) -> Entry:
    metrics = all_metrics()
    rate = _range([metrics["tokens_per_second"].compute(record) for record in good])
    return Entry(
        profile=profile,
        case=case,
        basis="none" if rate is None else "measured",
        verdict="fits",
        tokens_per_second=rate,
        joules_per_token=_range([metrics["joules_per_token"].compute(r) for r in good]),
        projection=made_of,
        needs_bytes=_needs(good) if case.parallel is None else group_model.of_each(good),
        launches=len(good),
        records=tuple(good),
        reason="" if rate is not None else "it ran, and its rate is not known",
    )


def _failed(last: Record) -> str:
    """Return why a record has no time. What torch says of memory is long, and on its page."""
    if last.outcome == "oom":
        return "out of memory where it ran"
    return f"{last.outcome} where it ran: {last.reason}"


def _also_if_it_does_not_fit(entry: Entry) -> tuple[Interval | None, Interval | None]:
    """Return tokens a second and joules a token, were there room on the card."""
    found, tokens = entry.projection, entry.case.workload.step_tokens
    if entry.tokens_per_second is not None or found is None:
        return entry.tokens_per_second, entry.joules_per_token
    joules = found.joules and found.joules.map(lambda each: each / tokens)
    return found.seconds.map(lambda each: tokens / each), joules


def _needs(good: Sequence[Record]) -> Interval | None:
    found = largest_need(good)
    if found.least_bytes is None or found.fragmented_bytes is None:
        return None
    most = max(found.least_bytes, found.fragmented_bytes)
    return Interval(value=most, low=found.least_bytes, high=most)


def _range(values: Sequence[float | None]) -> Interval | None:
    """Return the median and the extremes; None where one of the values is unknown."""
    known = [value for value in values if value is not None and value > 0]
    if not known or len(known) != len(values):
        return None
    return Interval(value=statistics.median(known), low=min(known), high=max(known))
