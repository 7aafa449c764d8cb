"""Moments in UTC, as records say them and as names of files and folders hold them."""

import datetime


def now() -> datetime.datetime:
    """Return this moment."""
    return datetime.datetime.now(datetime.UTC)


def iso(moment: datetime.datetime) -> str:
    """Return a moment in ISO 8601, to the second: ``2026-11-24T07:00:00Z``."""
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def stamp(moment: datetime.datetime) -> str:
    """Return a moment as names hold it: ``20261124T070000Z``."""
    return f"{moment.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}"
