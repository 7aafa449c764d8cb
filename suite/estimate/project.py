"""Step time and energy on a card that did not run the case. Always an estimate, never a record.

A card that was measured keeps the rates it was probed with. One that was not gets those of its
profile, times the shares of them that the measured cards reached; matrix products that its board
power cannot sustain are stretched until it can. How far this can be off is in the interval: the
errors on held-out cases, and for a card that was never measured the ranges below. Its host has no
such range where a record of the card says how fast it was, and the records of the fit do as well.
"""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from suite.catalog import profile as profiles
from suite.catalog.case import Case
from suite.catalog.profile import Facts, Profile
from suite.estimate import power, step_time, time_samples
from suite.estimate.errors import time as time_errors
from suite.estimate.errors.time import HeldOut, Widths
from suite.estimate.interval import Interval
from suite.estimate.power import EnergyModel
from suite.estimate.roofline import demand
from suite.estimate.step_time import Parts, TimeModel
from suite.estimate.time_samples import Rates, TimeSample
from suite.results.record import Record

#: How far a card that was never measured may be from what is expected of it, as factors. Assumed,
#: not fitted: there are too few cards for that.
OTHER_FLOPS, OTHER_BYTES, OTHER_HOST = (0.75, 1.2), (0.85, 1.1), (0.5, 2.0)
OTHER_JOULES = (0.7, 1.4)
#: What a PCIe link of 16 lanes does in one direction, by generation, in bytes/s; the share of it
#: that copies from pinned memory reach is that of the measured cards.
PCIE_BYTES_PER_SECOND = {3: 15.75e9, 4: 31.5e9, 5: 63e9, 6: 121e9}


HostBasis = Literal["probed", "typical", "assumed"]


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """One case on one card. ``parts`` add up to ``seconds`` unless power stretches the step.

    ``joules`` is the GPU's for a step, None where no energy was measured. ``power_seconds`` is how
    long the card's power makes the step at least, None where that was not looked at.
    ``card_measured``: the rates are those that this very card was probed with. ``host`` is what
    the host's time rests on: "probed" is scaled by probes of the card's hosts, "typical" is as
    long as on the measured hosts, "assumed" is so too but within the range ``OTHER_HOST``.
    ``corner_seconds`` are the steps at every combination of the ends of what is assumed of the
    GPU, in the same order for every case on it. ``model_measured`` and ``method_measured``: some
    case with it was measured, on any GPU.
    """

    seconds: Interval
    joules: Interval | None
    parts: Parts
    power_seconds: float | None
    card_measured: bool
    model_measured: bool
    method_measured: bool
    host: HostBasis
    corner_seconds: tuple[float, ...]

    @property
    def power_limits(self) -> bool:
        """Return whether board power, not a rate, decides the step."""
        return self.power_seconds is not None and self.power_seconds > self.parts.seconds


class Projector(msgspec.Struct, frozen=True, kw_only=True):
    """What the records say, ready to be asked.

    ``shares`` are the medians over measured cards of what was probed over what the profile says:
    operations, bytes, link; a share is missing where no measured card has both. ``cards`` are the
    profiles of those measured, ``board_watts`` is the power of their boards; without it there is
    no ``energy``. ``hosts`` are the speeds of probed hosts, by profiles not in ``probed``.
    """

    model: TimeModel
    energy: EnergyModel | None
    errors: tuple[HeldOut, ...]
    widths: Widths
    probed: Mapping[str, Rates]
    cards: tuple[Profile, ...]
    board_watts: float | None
    shares: Mapping[str, float]
    hosts: Mapping[str, float] = MappingProxyType({})

    def lacks(self, case: Case, profile: Profile) -> str:
        """Return why a case on a card cannot be projected, or an empty string."""
        if reason := self.model.lacks(case):
            return reason
        if profile.name in self.probed:
            return ""
        facts = profile.facts
        if not profile.has_gpu:
            return "not a GPU"
        if facts.bf16_flops is None or facts.memory_bytes_per_second is None:
            return "its profile has no bfloat16 peak or no memory bandwidth"
        if not demand(case).offload_bytes:
            return ""
        if _link(facts) is None:
            return "the link to the host is not in its profile, and this method offloads to it"
        if "link" not in self.shares:
            return "no measured GPU tells how fast its link is, and this method offloads to it"
        return ""

    def project(self, case: Case, profile: Profile) -> Projection:
        """Return a case on a card; nothing is lacking."""
        measured, host = profile.name in self.probed, self._host(profile)
        rates = self.probed[profile.name] if measured else self._rates(profile, 1, 1, 1)
        parts = self.model.parts(case, rates)
        ends = [parts.seconds, parts.seconds]
        power_seconds = None
        if not measured:
            slower = OTHER_HOST if host == "assumed" else (1.0, 1.0)
            ends = [
                self.model.parts(case, self._rates(profile, flops, byte, factor)).seconds
                for flops, byte, factor in zip(
                    OTHER_FLOPS[::-1], OTHER_BYTES[::-1], slower, strict=True
                )
            ]
            power_seconds = self._power_seconds(case, profile, 1)
        value = max(parts.seconds, power_seconds or 0)
        if power_seconds is not None:
            stretched = [self._power_seconds(case, profile, factor) for factor in OTHER_JOULES]
            ends = [max(end, least or 0) for end, least in zip(ends, stretched, strict=True)]
        width = self.widths.of(case, time_errors.share_of(parts))
        seconds = _interval(value, ends[0], ends[1], width)
        return Projection(
            seconds=seconds,
            joules=self._joules(case, profile, seconds, width),
            parts=parts,
            power_seconds=power_seconds,
            card_measured=measured,
            model_measured=any(s.case.model.name == case.model.name for s in self.model.samples),
            method_measured=any(
                s.case.method.name == case.method.name for s in self.model.samples
            ),
            host=host,
            corner_seconds=(value,) if measured else self._corners(case, profile, host),
        )

    def _corners(self, case: Case, profile: Profile, host: HostBasis) -> tuple[float, ...]:
        """Return the seconds of a step at every combination of the assumed ends."""
        hosts = OTHER_HOST if host == "assumed" else (1.0,)
        least = [self._power_seconds(case, profile, factor) or 0.0 for factor in OTHER_JOULES]
        return tuple(
            max(self.model.parts(case, self._rates(profile, *factors)).seconds, power_seconds)
            for factors in itertools.product(OTHER_FLOPS, OTHER_BYTES, hosts)
            for power_seconds in least
        )

    def _host(self, profile: Profile) -> HostBasis:
        """Return what the host's time on a card rests on."""
        measured = self.probed.get(profile.name)
        speed = self.hosts.get(profile.name) if measured is None else measured.host_speed
        # How fast a host is says nothing beside hosts of which it is not known.
        if self.model.host_speed is not None and speed is not None:
            return "probed"
        return "assumed" if measured is None else "typical"

    def _work(self, case: Case, profile: Profile) -> float:
        """Return the joules of a step's work on a card."""
        if self.energy is None:
            return 0.0
        return self.energy.work_joules(demand(case)) * power.thrift(profile, self.cards)

    def _rates(self, profile: Profile, flops: float, traffic: float, host: float) -> Rates:
        facts = profile.facts
        assert facts.bf16_flops is not None
        assert facts.memory_bytes_per_second is not None
        whole, share = _link(facts), self.shares.get("link")
        link = None if whole is None or share is None else whole * share
        return Rates(
            flops_per_second=facts.bf16_flops.value * self.shares["flops"] * flops,
            bytes_per_second=facts.memory_bytes_per_second.value * self.shares["bytes"] * traffic,
            link_bytes_per_second=link,
            host_factor=host,
            host_speed=self.hosts.get(profile.name),
            # How fast one of them is differs between architectures, as operations do.
            processors=_times(facts.value("streaming_multiprocessors"), flops),
        )

    def _power_seconds(self, case: Case, profile: Profile, factor: float) -> float | None:
        """Return how long the board's power takes for the work of a step."""
        board = profile.facts.board_power_watts
        if self.energy is None or board is None:
            return None
        at_rest = self._watts(board.value)
        return factor * self._work(case, profile) / (board.value - at_rest)

    def _watts(self, board_watts: float) -> float:
        """Return what a board draws at any time: the measured share of its power."""
        assert self.energy is not None
        assert self.board_watts is not None
        return board_watts * min(0.5, self.energy.watts / self.board_watts)

    def _joules(
        self, case: Case, profile: Profile, seconds: Interval, width: float
    ) -> Interval | None:
        """Return the energy of a step: never more than the board's power over its time."""
        board = profile.facts.board_power_watts
        if self.energy is None or board is None:
            return None
        at_rest = self._watts(board.value)
        low, high = (1.0, 1.0) if profile.name in self.probed else OTHER_JOULES
        most = board.value * seconds.value
        value = min(at_rest * seconds.value + self._work(case, profile), most)
        error = math.hypot(2 * self.energy.error, width * at_rest * seconds.value / value)
        return _interval(value, value * low, value * high, error)


def fit_projector(records: Iterable[Record]) -> Projector | None:
    """Return what records say; None where no case of rows of one length ran on a probed GPU."""
    known = list(records)
    found = fit_projector_to_samples(time_samples.samples(known))
    if found is None:
        return None
    # A card whose cases all failed or had rows that differ in length has no rates, but a host.
    others: dict[str, list[Record]] = {}
    for record in known:
        if record.profile not in found.probed:
            others.setdefault(record.profile, []).append(record)
    hosts = {name: time_samples.typical_host(mine) for name, mine in others.items()}
    speeds = {name: speed for name, speed in hosts.items() if speed is not None}
    return msgspec.structs.replace(found, hosts=speeds)


def fit_projector_to_samples(
    found: Sequence[TimeSample], *, intervals: bool = True
) -> Projector | None:
    """Return what samples say; see ``fit_projector``. Without ``intervals`` widths are assumed."""
    probed = _probed(found)
    shares = _shares(probed)
    if not found or "flops" not in shares or "bytes" not in shares:
        return None
    errors = tuple(time_errors.held_out(found)) if intervals else ()
    cards = [card for card in map(profiles.known, probed) if card is not None]
    powers = [card.facts.value("board_power_watts") for card in cards]
    boards = [watts for watts in powers if watts is not None]
    return Projector(
        model=step_time.fit_factors(found),
        energy=power.fit_energy(found) if boards else None,
        errors=errors,
        widths=time_errors.widths(errors),
        probed=probed,
        cards=tuple(cards),
        board_watts=statistics.median(boards) if boards else None,
        shares=shares,
    )


def held_out_cards(found: Sequence[TimeSample], *, intervals: bool = True) -> list[HeldOut]:
    """Return every case of a card with a profile, projected there from other cards alone.

    Faster without ``intervals``, which are then not those of a projection.
    """
    results = []
    for name in dict.fromkeys(s.profile for s in found):
        card = profiles.known(name)
        if card is None:
            continue
        others = [sample for sample in found if sample.profile != name]
        rest = fit_projector_to_samples(others, intervals=intervals)
        if rest is None:
            continue
        for sample in found:
            if sample.profile != name:
                continue
            if reason := rest.lacks(sample.case, card):
                results.append(HeldOut(way="card", sample=sample, reason=reason))
                continue
            step = rest.project(sample.case, card).seconds
            results.append(
                HeldOut(way="card", sample=sample, predicted_seconds=step.value, interval=step)
            )
    return results


def _probed(found: Sequence[TimeSample]) -> dict[str, Rates]:
    names = dict.fromkeys(sample.profile for sample in found)
    return {name: _typical([s.rates for s in found if s.profile == name]) for name in names}


def _typical(rates: Sequence[Rates]) -> Rates:
    links = [r.link_bytes_per_second for r in rates if r.link_bytes_per_second is not None]
    speeds = [r.host_speed for r in rates if r.host_speed is not None]
    return Rates(
        flops_per_second=statistics.median(r.flops_per_second for r in rates),
        bytes_per_second=statistics.median(r.bytes_per_second for r in rates),
        link_bytes_per_second=statistics.median(links) if links else None,
        processors=rates[0].processors,
        host_speed=statistics.median(speeds) if speeds else None,
    )


def _shares(probed: Mapping[str, Rates]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for name, rates in probed.items():
        card = profiles.known(name)
        if card is None:
            continue  # a stranger's card, of which no facts are known here
        facts = card.facts
        for key, probe, fact in (
            ("flops", rates.flops_per_second, facts.value("bf16_flops")),
            ("bytes", rates.bytes_per_second, facts.value("memory_bytes_per_second")),
            ("link", rates.link_bytes_per_second, _link(facts)),
        ):
            if probe is not None and fact is not None:
                found.setdefault(key, []).append(probe / fact)
    return {key: statistics.median(values) for key, values in found.items()}


def _times(known: float | None, factor: float) -> float | None:
    return None if known is None else known * factor


def _link(facts: Facts) -> float | None:
    """Return what the link to the host does in one direction by its standard."""
    generation = facts.value("pcie_generation")
    return None if generation is None else PCIE_BYTES_PER_SECOND.get(round(generation))


def _interval(value: float, one: float, other: float, error: float) -> Interval:
    """Return an interval from both ends and an error on the log scale, in quadrature."""
    down = math.hypot(math.log(value / min(one, value)), error)
    up = math.hypot(math.log(max(other, value) / value), error)
    return Interval(value=value, low=value * math.exp(-down), high=value * math.exp(up))
