"""From how many jobs on a GPU of one's own costs less than renting one.

Owning costs the price once and electricity for each job; renting costs the same for every job.
"""

import math
from collections.abc import Sequence

import msgspec

from suite import units
from suite.catalog.prices import Prices
from suite.estimate import explain
from suite.estimate.interval import Interval
from suite.estimate.job.answer import JobAnswer, article, short, too_many
from suite.estimate.planner import rent


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer knows: US dollars for the GPU and for a kWh, and how many jobs a month.

    Without ``usd_per_kwh`` electricity counts for nothing.
    """

    price_usd: float
    usd_per_kwh: float | None = None
    jobs_a_month: float | None = None


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """Owning one GPU against renting ``rented``, by the quickest method of each.

    ``jobs`` is how many it takes until owning has cost less, ``low`` and ``high`` its interval;
    infinite where it never does. ``own_usd`` and ``rent_usd`` are of one job.
    """

    rented: str
    own_usd: Interval
    rent_usd: Interval
    jobs: float
    low: float
    high: float


def electricity(found: JobAnswer, terms: Terms) -> Interval | None:
    """Return the US dollars of electricity of one job; None where its energy is not known."""
    if terms.usd_per_kwh is None:
        return Interval(value=0, low=0, high=0)
    each = found.ranked[0].entry.joules_per_token if found.ranked else None
    if each is None:
        return None
    dollars = terms.usd_per_kwh / 3.6e6
    return found.job.energy(each).map(lambda joules: joules * dollars)


def rented(found: JobAnswer, known: Prices) -> Interval | None:
    """Return the US dollars of one job on a rented GPU; None without a time or a price."""
    rate = found.ranked[0].entry.tokens_per_second if found.ranked else None
    if rate is None:
        return None
    return rent(found.job.time(rate), known.of(found.entries[0].profile.name))


def break_even(
    owned: JobAnswer, other: JobAnswer, terms: Terms, known: Prices
) -> BreakEven | None:
    """Return when owning pays; None where a time, an energy or a rent is not known."""
    own, each = electricity(owned, terms), rented(other, known)
    if own is None or each is None or not owned.ranked:
        return None
    return BreakEven(
        rented=other.entries[0].profile.name,
        own_usd=own,
        rent_usd=each,
        jobs=_jobs(terms.price_usd, own.value, each.value),
        low=_jobs(terms.price_usd, own.low, each.high),
        high=_jobs(terms.price_usd, own.high, each.low),
    )


def sentences(
    owned: JobAnswer, others: Sequence[JobAnswer], terms: Terms, known: Prices
) -> list[str]:
    """Return whether buying pays against renting each of the others, which may be the same."""
    mine = short(owned.entries[0].profile)
    if not owned.ranked or owned.seconds is None:
        return [f"{mine} cannot do the job, so it is not compared with renting."]
    price, power = explain.dollars(terms.price_usd), electricity(owned, terms)
    said = [
        f"{mine} of your own: {price} once{_power(power, terms)}."
        " The machine around it is not counted."
    ]
    for other in others:
        profile = other.entries[0].profile
        theirs = f"{article(profile)} {short(profile)}"
        found = break_even(owned, other, terms, known)
        if found is None and other is owned:
            continue
        if found is None:
            lacking = "no rent price is known" if other.ranked else "the job has no time there"
            said.append(f"Against renting {theirs}: {lacking}.")
            continue
        each = found.rent_usd.text("USD")
        if math.isinf(found.jobs):
            said.append(
                f"Against renting {theirs} at {each} a job, buying never pays:"
                " electricity alone costs as much."
            )
            continue
        text = f"Against renting {theirs} at {each} a job, buying pays"
        text += f" from about {_text(found.jobs)} jobs on ({_range(found)})"
        if terms.jobs_a_month is not None:
            months = units.about(found.jobs / terms.jobs_a_month)
            text += f": after {months} months of {terms.jobs_a_month:,g} jobs"
        said.append(f"{text}.")
    if terms.jobs_a_month is not None and (full := too_many(terms.jobs_a_month, owned.seconds)):
        said.append(full)
    return said


def _power(found: Interval | None, terms: Terms) -> str:
    if terms.usd_per_kwh is None:
        return "; electricity is not counted"
    if found is None:
        return "; its electricity is not known"
    return f", and {found.text('USD')} of electricity a job"


def _jobs(price: float, own: float, each: float) -> float:
    return price / (each - own) if each > own else math.inf


def _text(jobs: float) -> str:
    return f"{math.ceil(jobs):,}" if jobs < 100 else units.about(jobs)


def _range(found: BreakEven) -> str:
    if math.isinf(found.high):
        return f"{_text(found.low)} or more"
    return f"{_text(found.low)} to {_text(found.high)}"
