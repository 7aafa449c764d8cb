"""What a profile says of its hardware: each fact with its unit, source and doubts, as text."""

from collections.abc import Callable

import msgspec

from reports.text import columns
from reports.text.numbers import Number, exact
from suite.catalog.profile import Fact, Profile

#: Facts with a name of their own; any other is called by its field and read by its ending.
_NAMES = {
    "memory_bytes": "Memory, as the vendor counts it",
    "nvml_memory_bytes": "Memory that NVML reports",
    "memory_bytes_per_second": "Memory bandwidth",
    "bf16_flops": "bfloat16 peak, dense",
    "board_power_watts": "Board power",
    "streaming_multiprocessors": "Streaming multiprocessors",
}
#: By how a field's name ends, longest endings first.
_UNITS: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("nvml_memory_bytes", columns.bytes_),
    ("_bytes_per_second", lambda value: columns.scaled(value, "B/s")),
    # Vendors' capacities are decimal.
    ("_bytes", lambda value: columns.scaled(value, "B")),
    ("_flops", lambda value: columns.scaled(value, "FLOP/s")),
    ("_watts", lambda value: f"{value:,.0f} W"),
    ("", lambda value: f"{value:,.10g}"),
)
UNKNOWN = "unknown"


class ShownFact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact; its value's ``exact`` is in SI."""

    name: str
    value: Number
    source: str
    notes: tuple[str, ...]


def shown_facts(profile: Profile) -> tuple[ShownFact, ...]:
    """Return every fact that a profile can have, unknown ones as such."""
    return tuple(
        _shown_fact(field, getattr(profile.facts, field))
        for field in profile.facts.__struct_fields__
    )


def value(profile: Profile, field: str) -> str:
    """Return one fact as text with its unit."""
    fact = getattr(profile.facts, field)
    return UNKNOWN if fact is None else text(field, fact.value)


def text(field: str, number: float) -> str:
    """Return a fact's number with the unit that its field's name says."""
    return next(shown for ending, shown in _UNITS if field.endswith(ending))(number)


def _shown_fact(field: str, fact: object) -> ShownFact:
    words = field.replace("_", " ")
    name = _NAMES.get(field, words[:1].upper() + words[1:])
    if not isinstance(fact, Fact):
        return ShownFact(name=name, value=Number(text=UNKNOWN), source="", notes=())
    return ShownFact(
        name=name,
        value=Number(text=text(field, fact.value), exact=exact(fact.value)),
        source=fact.source,
        notes=tuple(_notes(fact)),
    )


def _notes(fact: Fact) -> list[str]:
    """Return what is marked about a fact, and what its file says of that."""
    found = ["derived: the vendor does not print this number"] if fact.derived else []
    return [*found, fact.note] if fact.note else found
