"""The page of plans: what a job takes on each card with each method, measured or projected.

The table holds an example job. With a script, other numbers of tokens and epochs are multiplied
with what each cell says of one token.
"""

import msgspec

from reports.analysis.dataset import Dataset
from reports.text import example_job
from reports.text.numbers import Number, exact, record_page
from suite.catalog import case as cases
from suite.catalog import prices, tier
from suite.catalog import profile as profiles
from suite.estimate import explain, planner
from suite.estimate.interval import Interval
from suite.estimate.planner import Entry


class JobAmount(msgspec.Struct, frozen=True, kw_only=True):
    """An amount for the example job, and what the page's script makes one for another job of.

    ``per_token`` is the amount of one token: value, low and high, in hours, kilowatt-hours or US
    dollars, as ``unit`` names; "" where the amount is words.
    """

    number: Number
    per_token: str = ""
    unit: str = ""


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One method for one model on one card. ``page`` is that of a measured record.

    ``unverified``: the card's profile was never run on.
    """

    model: str
    card: str
    unverified: bool
    method: str
    fits: str
    time: JobAmount
    overnight: str
    energy: JobAmount
    rent: JobAmount
    own: JobAmount
    basis: str
    projected: bool
    page: str = ""


class PlanPage(msgspec.Struct, frozen=True, kw_only=True):
    """The table, the example job that it holds, and what a reader must know."""

    rows: tuple[PlanRow, ...]
    work: str
    tokens: int
    epochs: int
    overnight_hours: float
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def page(dataset: Dataset) -> PlanPage | None:
    """Return the page: the standard workload of every model of the standard tier.

    None where that tier's file is bad.
    """
    plan, known = dataset.planner, prices.known()
    standard = tier.standard()
    if standard is None:
        return None
    cards = [card for card in profiles.everything() if card.has_gpu]
    wanted = cases.cases(standard, loop="sft", seed=0, lenient=True)
    entries = [plan.entry(case, card) for case in wanted for card in cards]
    load = standard.workload
    return PlanPage(
        rows=tuple(_row(entry, known) for entry in entries),
        work=f"{load.batch_sequences} × {load.sequence_tokens:,} tokens a step",
        tokens=example_job.TOKENS,
        epochs=example_job.EPOCHS,
        overnight_hours=planner.OVERNIGHT_SECONDS / 3600,
        reasons=tuple(explain.reasons(entries)),
        notes=(*explain.fine_print(entries, plan.grounds()), *explain.price_notes(entries, known)),
    )


def _row(entry: Entry, known: prices.Prices) -> PlanRow:
    seconds = joules = rent = own = None
    if entry.joules_per_token is not None:
        joules = example_job.JOB.energy(entry.joules_per_token)
    if entry.tokens_per_second is not None:
        seconds = example_job.JOB.time(entry.tokens_per_second)
        prices_of_card = known.of(entry.profile.name)
        rent = planner.rent(seconds, prices_of_card)
        own = planner.own(seconds, joules, prices_of_card, known.own)
    none = "–" if seconds is None else "unknown"
    return PlanRow(
        model=entry.case.model.title,
        card=entry.profile.title.removeprefix("NVIDIA "),
        unverified=not entry.profile.verified,
        method=entry.case.method.title,
        fits=entry.verdict,
        time=_cell(entry, "hours", 3600.0, seconds, none),
        overnight="–" if seconds is None else planner.overnight(seconds),
        energy=_cell(entry, "kWh", 3.6e6, joules, none),
        rent=_cell(entry, "USD", 1.0, rent, none),
        own=_cell(entry, "USD", 1.0, own, none),
        basis=explain.basis(entry),
        projected=entry.basis == "projected",
        page=record_page(entry.records[0]) if entry.records else "",
    )


def _cell(entry: Entry, unit: str, size: float, found: Interval | None, none: str) -> JobAmount:
    """Return an amount; ``found`` is in SI units, of which the unit has so many."""
    if found is None:
        return JobAmount(number=Number(text=none))
    value, low, high = (each / size for each in (found.value, found.low, found.high))
    passed = example_job.TOKENS * example_job.EPOCHS
    main, _, rest = explain.amount(entry, unit, found).partition(" (")
    return JobAmount(
        number=Number(text=main, exact=exact(value), range=rest.removesuffix(")")),
        per_token=" ".join(exact(each / passed) for each in (value, low, high)),
        unit=unit,
    )
