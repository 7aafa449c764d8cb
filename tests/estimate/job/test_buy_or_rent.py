"""From how many jobs on buying costs less: arithmetic, and words where there is no number."""

import math

import pytest

from suite.catalog import profile as profiles
from suite.catalog.prices import Price, Prices
from suite.estimate.interval import Interval
from suite.estimate.job import answer, buy_or_rent
from suite.estimate.job.answer import JobAnswer
from suite.estimate.job.buy_or_rent import Terms
from suite.estimate.job.ratios import MethodRatio
from suite.estimate.planner import Entry, Job
from support.asked import case

JOB = Job(tokens=3.6e6, epochs=1)
DOLLAR = Prices(
    name="prices",
    prices=tuple(
        Price(profile="l40s", source="x", date="2026-11", rent_usd_per_hour=dollars)
        for dollars in (1.0, 2.0, 4.0)
    ),
)


def an_answer(gpu: str, rate: float | None, joules: float | None = 1.0) -> JobAnswer:
    """A job that takes an hour at 1,000 tokens a second, and 1 kWh at a joule a token."""
    entry = Entry(
        profile=profiles.load(gpu),
        case=case("qwen3-8b", "lora"),
        basis="none" if rate is None else "measured",
        verdict="fits",
        tokens_per_second=rate and Interval(value=rate, low=rate, high=rate),
        joules_per_token=joules and Interval(value=joules, low=joules, high=joules),
        launches=1,
        reason="nobody knows",
    )
    ranked = [] if rate is None else [MethodRatio(entry=entry, longer=None)]
    return answer.answer([entry], ranked, JOB)


def test_buying_pays_once_rents_saved_are_the_price() -> None:
    """2 dollars an hour less 0.5 for a kWh is 1.5 a job: 900 dollars are back after 600 jobs."""
    terms = Terms(price_usd=900, usd_per_kwh=0.5)
    owned, rented = an_answer("rtx-4090", 500), an_answer("l40s", 1000)
    found = buy_or_rent.break_even(owned, rented, terms, DOLLAR)
    assert found is not None
    assert found.rent_usd == Interval(value=2, low=1, high=4)
    assert found.own_usd.value == pytest.approx(0.5)
    assert (found.jobs, found.low, found.high) == pytest.approx((600, 900 / 3.5, 1800))


def test_electricity_that_costs_more_than_rent_never_pays() -> None:
    """The dearest rent may still be above it, so one end of the interval is finite."""
    terms = Terms(price_usd=900, usd_per_kwh=3)
    owned, rented = an_answer("rtx-4090", 500), an_answer("l40s", 1000)
    found = buy_or_rent.break_even(owned, rented, terms, DOLLAR)
    assert found is not None
    assert (found.jobs, found.high) == (math.inf, math.inf)
    assert found.low == pytest.approx(900)
    said = buy_or_rent.sentences(owned, [owned, rented], terms, DOLLAR)
    assert "buying never pays" in said[1]


def test_what_is_not_known_is_said_and_no_number_made_up() -> None:
    """No rent, no time, no energy, no price of electricity: each has its words."""
    owned, rented = an_answer("rtx-4090", 500), an_answer("l40s", 1000)
    nothing = Prices(name="prices")
    terms = Terms(price_usd=900)
    assert "electricity is not counted" in buy_or_rent.sentences(owned, [], terms, nothing)[0]
    said = buy_or_rent.sentences(owned, [owned, rented], terms, nothing)
    assert said[1:] == ["Against renting an L40S: no rent price is known."]
    unknown = an_answer("l40s", None)
    said = buy_or_rent.sentences(owned, [unknown], terms, DOLLAR)
    assert said[1] == "Against renting an L40S: the job has no time there."
    (said_of_none,) = buy_or_rent.sentences(unknown, [rented], terms, DOLLAR)
    assert "cannot do the job" in said_of_none
    asked = Terms(price_usd=900, usd_per_kwh=0.5)
    dark = an_answer("rtx-4090", 500, None)
    assert buy_or_rent.break_even(dark, rented, asked, DOLLAR) is None
    assert "electricity is not known" in buy_or_rent.sentences(dark, [], asked, DOLLAR)[0]


def test_jobs_a_month_become_months_and_too_many_are_named() -> None:
    """A job of 2 hours fits 365 times into a month of 730 hours."""
    owned, rented = an_answer("rtx-4090", 500), an_answer("l40s", 1000)
    terms = Terms(price_usd=900, usd_per_kwh=0.5, jobs_a_month=60)
    said = buy_or_rent.sentences(owned, [rented], terms, DOLLAR)
    assert said[1].endswith("from about 600 jobs on (260 to 1,800): after 10 months of 60 jobs.")
    assert len(said) == 2
    busy = Terms(price_usd=900, usd_per_kwh=0.5, jobs_a_month=366)
    assert "a month has 730 h" in buy_or_rent.sentences(owned, [rented], busy, DOLLAR)[-1]
