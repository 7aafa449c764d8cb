"""Columns whose numbers compare by eye: one unit, and as many decimals in each row.

A ``Quantity`` is the text of a number alone, as ``units`` writes it, that still knows its value: a
table writes it again once all rows of its column are known.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from reports.text import phrases
from reports.text.numbers import Number, NumberRange
from suite import units
from suite.results.metrics import Metric

Row = TypeVar("Row", bound=msgspec.Struct)

_MOST_DIGITS = 5  #: of the largest of a column
_MOST_DECIMALS = 3
_PREFIXES = (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))
_SMALL_PREFIXES = (*_PREFIXES, ("m", 1e-3), ("µ", 1e-6))
_LEAST = 0.25  #: of a prefix that the least of a column must have


class Quantity(str):
    """A number as text; ``value`` is in SI units, ``kind`` says how such numbers are written."""

    value: float
    kind: str
    ends: tuple[float, float] | None  #: of an interval that stands behind it

    @classmethod
    def of(
        cls, text: str, value: float, kind: str, ends: tuple[float, float] | None = None
    ) -> "Quantity":
        """Return ``text``, which is how ``value`` reads by itself."""
        made = cls(text)
        made.value, made.kind, made.ends = value, kind, ends
        return made


def seconds(value: float) -> Quantity:
    """Return a duration in seconds."""
    return Quantity.of(units.seconds(value), value, "seconds")


def bytes_(value: float) -> Quantity:
    """Return a number of bytes, in binary units."""
    return Quantity.of(units.bytes_(value), value, "bytes")


def hours(value: float) -> Quantity:
    """Return a duration in seconds, as hours."""
    return Quantity.of(units.hours(value), value, "hours")


def kilowatt_hours(value: float) -> Quantity:
    """Return an energy in joules, as kilowatt-hours."""
    return Quantity.of(units.kilowatt_hours(value), value, "kWh")


def percent(share: float) -> Quantity:
    """Return a share as a percentage."""
    return Quantity.of(units.percent(share), share, "%")


def signed_percent(share: float, ends: tuple[float, float] | None = None) -> Quantity:
    """Return a change as a percentage with its sign, and the interval that it lies in."""
    text = _with_ends(share, ends, units.signed_percent)
    return Quantity.of(text, share, "±%", ends)


def rate(value: float) -> Quantity:
    """Return a rate whose unit the head of the column has."""
    return Quantity.of(units.rate(value, "").strip(), value, "rate")


def scaled(value: float, unit: str) -> Quantity:
    """Return a value with the SI prefix that fits."""
    return Quantity.of(units.scaled(value, unit), value, unit)


def metric(found: Metric, value: float) -> str:
    """Return a metric's value, as a quantity where columns of it can be aligned."""
    text = phrases.number(found, value)
    kind = _METRICS.get(found.unit)
    return text if kind is None else Quantity.of(text, value, kind)


def aligned(texts: Sequence[str]) -> list[str]:
    """Return the texts of one column, its quantities in one unit with equal decimals.

    Words stay as they are; so does all of a column with quantities of several kinds.
    """
    found = [text for text in texts if isinstance(text, Quantity)]
    write = _writer(found)
    if write is None:
        return list(texts)
    return [
        _with_ends(text.value, text.ends, write) if isinstance(text, Quantity) else text
        for text in texts
    ]


def aligned_numbers(numbers: Sequence[Number]) -> list[Number]:
    """Return the numbers of one column likewise, with their ranges."""
    found = [each.text for each in numbers if isinstance(each.text, Quantity)]
    write = _writer(found)
    if write is None:
        return list(numbers)
    return [_written(each, write) for each in numbers]


def aligned_fields(rows: Sequence[Row], *names: str) -> list[Row]:
    """Return rows with these fields, which hold a number or several each, aligned by column."""
    for name in names:
        held = [getattr(row, name) for row in rows]
        if not held or held[0] == ():
            continue
        if isinstance(held[0], Number):
            made: Iterable[object] = aligned_numbers(held)
        else:
            made = zip(*map(aligned_numbers, zip(*held, strict=True)), strict=True)
        rows = [
            msgspec.structs.replace(row, **{name: value})
            for row, value in zip(rows, made, strict=True)
        ]
    return list(rows)


def _with_ends(
    value: float, ends: tuple[float, float] | None, write: Callable[[float], str]
) -> str:
    if ends is None:
        return write(value)
    low, high = map(write, ends)
    interval = f"{low.removesuffix(' %')} to {high}".replace(" %", "\N{NO-BREAK SPACE}%")
    return f"{write(value)} ({interval})"


def _written(each: Number, write: Callable[[float], str]) -> Number:
    if not isinstance(each.text, Quantity):
        return each
    span, text = each.range, write(each.text.value)
    if isinstance(span, NumberRange):
        low, high = (
            write(end.value) if isinstance(end, Quantity) else end for end in (span.low, span.high)
        )
        span = f"{low}–{high}" if low != high else ""
    return msgspec.structs.replace(each, text=text, range=span)


def _writer(found: Sequence[Quantity]) -> Callable[[float], str] | None:
    """Return what writes the numbers of a column, None where they are of several kinds."""
    values = [each.value for each in found if math.isfinite(each.value)]
    if len({each.kind for each in found}) != 1 or len(values) != len(found):
        return None
    kind = found[0].kind
    if kind in ("%", "±%"):
        # Small ones keep a digit more: a difference of losses of 0.003 % is not 0.
        small = all(abs(value) < 0.1 for value in values)
        digits = _digits(values, 0.01, 2, 4 if small else 3)
        if kind == "±%":  # changes come with intervals, which no third decimal helps
            digits = min(digits, 2)
        return lambda share: _percent(share, digits, signed=kind == "±%")
    if kind == "rate":
        unit, size = "", 1.0
    elif kind in ("seconds", "bytes", "hours", "kWh"):
        unit, size, _ = units.scale(kind, values)
    else:
        after, unit = kind.partition("/")[1:], kind.partition("/")[0]
        prefix, size = _prefix(values)
        unit = f"{prefix}{unit}{''.join(after)}"
    digits = _digits(values, size, 3, _MOST_DIGITS)
    if kind == "bytes" and not unit:
        unit = "B"
    return lambda value: f"{value / size:,.{digits}f} {unit}".rstrip().replace("-", "−")


def _prefix(values: Sequence[float]) -> tuple[str, float]:
    known = [abs(value) for value in values if value]
    if not known:
        return "", 1.0
    least, most = min(known), max(known)
    fitting = [pair for pair in _SMALL_PREFIXES if most >= pair[1]] or [_SMALL_PREFIXES[-1]]
    return next((pair for pair in fitting if least >= _LEAST * pair[1]), fitting[-1])


def _digits(values: Sequence[float], size: float, least: int, most: int) -> int:
    """Return the decimals that give the least number ``least`` digits, the largest ``most``.

    Whole numbers, as vendors print them, have none, but for percentages.
    """
    known = [abs(value) / size for value in values if value]
    if not known or (size != 0.01 and all(value == round(value) for value in known)):
        return 0
    wanted = least - 1 - math.floor(math.log10(min(known)))
    borne = most - 1 - math.floor(math.log10(max(known)))
    return max(0, min(wanted, borne, _MOST_DECIMALS))


def _percent(share: float, digits: int, *, signed: bool) -> str:
    text = f"{abs(share) * 100:,.{digits}f} %"
    if not signed:
        return f"−{text}" if share < 0 else text
    return f"{'−' if share < 0 else '+'}{text}"


#: Of metrics' units, those whose numbers are written as quantities of a kind.
_METRICS = {
    "seconds": "seconds",
    "bytes": "bytes",
    "share": "%",
    "joules/token": "J/token",
    "FLOP/second": "FLOP/s",
}
