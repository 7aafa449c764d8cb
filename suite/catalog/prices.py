"""What cards cost: ``hardware_profiles/prices.toml``, dated, with sources, for you to edit.

Prices of one card differ by a factor of five between sellers and move within months, so none is in
code and none is shown without its date.
"""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from suite.catalog import profile as profiles
from suite.catalog import toml
from suite.errors import BadInput, did_you_mean, left_out

FILE = profiles.FOLDER / f"{profiles.PRICES}.toml"

Dollars = Annotated[float, msgspec.Meta(gt=0)]


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One price of one card, in US dollars: rent of one GPU for an hour, or its purchase.

    ``date`` is when it was seen: ``YYYY-MM-DD``, or ``YYYY-MM`` where the day is not known.
    """

    profile: str
    source: Annotated[str, msgspec.Meta(min_length=1)]
    date: str
    rent_usd_per_hour: Dollars | None = None
    purchase_usd: Dollars | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if (self.rent_usd_per_hour is None) == (self.purchase_usd is None):
            raise ValueError("give exactly one of rent_usd_per_hour and purchase_usd")


class Own(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What owning a card comes to, which only its owner knows.

    ``usd_per_kwh`` is what electricity costs, ``hours`` how long the card is used until its price
    is paid off.
    """

    usd_per_kwh: Annotated[float, msgspec.Meta(ge=0)]
    hours: Annotated[float, msgspec.Meta(gt=0)]


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. ``name`` is its own; without ``own`` no cost of owning a card can be said."""

    name: str
    own: Own | None = None
    prices: tuple[Price, ...] = ()

    def of(self, profile: str) -> tuple[Price, ...]:
        """Return the prices of one card, in the order of the file."""
        return tuple(price for price in self.prices if price.profile == profile)


def load(file: Path = FILE) -> Prices:
    """Return the prices; none where there is no file.

    Raises BadInput, with file, key and reason, for a bad file, a date that is none and a profile
    that does not exist.
    """
    if not file.is_file():
        return Prices(name=file.stem)
    found = toml.read(file, Prices)
    for number, price in enumerate(found.prices):
        at = f"{file}: key 'prices[{number}]"
        if (reason := _no_date(price.date)) is not None:
            raise BadInput(f"{at}.date': {reason}")
        if price.profile not in profiles.names():
            hint = did_you_mean(price.profile, profiles.names())
            raise BadInput(f"{at}.profile': unknown profile {price.profile!r}", hint=hint)
    return found


def known() -> Prices:
    """Return the prices; a bad file is named once, and no price is known then."""
    try:
        return load(FILE)
    except BadInput as error:
        left_out(error)
        return Prices(name=FILE.stem)


def rents(prices: Iterable[Price]) -> tuple[Price, ...]:
    """Return the prices for an hour, the lowest first."""
    found = [(price.rent_usd_per_hour, price) for price in prices]
    known = [(rent, price) for rent, price in found if rent is not None]
    return tuple(price for _, price in sorted(known, key=lambda pair: pair[0]))


def purchases(prices: Iterable[Price]) -> tuple[float, ...]:
    """Return the US dollars that cards are sold for, the lowest first."""
    return tuple(sorted(p.purchase_usd for p in prices if p.purchase_usd is not None))


def _no_date(text: str) -> str | None:
    day = f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text
    try:
        if datetime.date.fromisoformat(day).isoformat() == day:
            return None
    except ValueError:
        pass
    return f"{text!r} is no date: write YYYY-MM-DD, or YYYY-MM"
