"""The page of plans: what a job takes on each card with each method, measured or projected.

The table holds an example job. With a script, other numbers of tokens and epochs are multiplied
with what each cell says of one token.
"""

from collections.abc import Callable, Sequence

import msgspec

from reports import cells, job, time_model
from reports.material import Material
from suite import units
from suite.catalog import case as cases
from suite.catalog import prices, tier
from suite.catalog import profile as profiles
from suite.estimate import planner, why
from suite.estimate.between import Between
from suite.estimate.planner import Entry


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """An amount for the example job; ``per_token`` is that of one: value, low and high.

    ``per_token`` is in hours, kilowatt-hours or US dollars, as ``unit`` names; "" without a
    number, ``text`` then being words.
    """

    text: str
    exact: str = ""
    range: str = ""
    per_token: str = ""
    unit: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One method for one model on one card. ``page`` is that of a measured record.

    ``unverified``: the card's profile was never run on.
    """

    model: str
    card: str
    unverified: bool
    method: str
    fits: str
    time: Cell
    overnight: str
    energy: Cell
    rent: Cell
    basis: str
    projected: bool
    page: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The table, the example job that it holds, and what a reader must know."""

    rows: tuple[Row, ...]
    work: str
    tokens: int
    epochs: int
    overnight_hours: float
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def page(material: Material) -> Page:
    """Return the page: the standard workload of every model of the standard tier."""
    plan, known = time_model.plan(material), prices.load()
    standard = tier.load("standard")
    cards = [card for card in profiles.everything() if card.device == "cuda"]
    wanted = cases.cases(standard, loop="sft", seed=0)
    entries = [plan.entry(case, card) for case in wanted for card in cards]
    load = standard.workload
    return Page(
        rows=tuple(_row(entry, known.of(entry.profile.name)) for entry in entries),
        work=f"{load.batch_sequences} × {load.sequence_tokens:,} tokens a step",
        tokens=job.TOKENS,
        epochs=job.EPOCHS,
        overnight_hours=planner.OVERNIGHT_SECONDS / 3600,
        reasons=tuple(why.reasons(entries)),
        notes=(*why.fine_print(entries), *why.price_notes(entries, known)),
    )


def _row(entry: Entry, known: Sequence[prices.Price]) -> Row:
    seconds = joules = dollars = None
    if entry.tokens_per_second is not None:
        seconds = job.JOB.time(entry.tokens_per_second)
        dollars = planner.rent(seconds, known)
    if entry.joules_per_token is not None:
        joules = job.JOB.energy(entry.joules_per_token)
    none = "–" if seconds is None else "unknown"
    return Row(
        model=entry.case.model.title,
        card=entry.profile.title.removeprefix("NVIDIA "),
        unverified=not entry.profile.verified,
        method=entry.case.method.title,
        fits=entry.verdict,
        time=_cell(seconds, "hours", 1 / 3600, lambda hours: units.hours(3600 * hours), none),
        overnight="–" if seconds is None else planner.overnight(seconds),
        energy=_cell(joules, "kWh", 1 / 3.6e6, lambda k: units.kilowatt_hours(3.6e6 * k), none),
        rent=_cell(dollars, "USD", 1.0, why.dollars, none),
        basis=why.basis(entry),
        projected=entry.basis == "projected",
        page=cells.record_page(entry.records[0]) if entry.records else "",
    )


def _cell(
    found: Between | None, unit: str, size: float, text: Callable[[float], str], none: str
) -> Cell:
    if found is None:
        return Cell(text=none)
    value, low, high = (size * each for each in (found.value, found.low, found.high))
    passed = job.TOKENS * job.EPOCHS
    shown = why.interval(Between(value=value, low=low, high=high), text)
    main, _, rest = shown.partition(" (")
    return Cell(
        text=main,
        exact=cells.exact(value),
        range=rest.removesuffix(")"),
        per_token=" ".join(cells.exact(each / passed) for each in (value, low, high)),
        unit=unit,
    )
