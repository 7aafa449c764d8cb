"""How numbers are printed, each by its unit. What is stored is SI."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple


def seconds(value: float) -> str:
    """Return a duration in seconds as people read it: ``12.3 ms``, ``1.204 s``, ``3 min 20 s``."""
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.4g} ms"
    if value < 120:
        return f"{value:.4g} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 120:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def clock(value: float) -> str:
    """Return a duration in seconds as a running clock: ``0:08``, ``12:05``, ``1:02:33``."""
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def hours(value: float) -> str:
    """Return a duration in seconds as hours with three significant digits: ``5.22 h``."""
    return f"{three(value / 3600)} h"


def kilowatt_hours(value: float) -> str:
    """Return an energy in joules as kilowatt-hours, three significant digits: ``3.46 kWh``."""
    return f"{three(value / 3.6e6)} kWh"


def three(value: float) -> str:
    """Return a measured number with three significant digits: ``5.22``, ``1,024``."""
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


def bytes_(value: float) -> str:
    """Return a number of bytes in binary units: ``1.21 GiB``, ``640 MiB``, ``12 KiB``."""
    for unit, size in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= size:
            digits = ".3g" if value < 1000 * size else ".0f"
            return f"{value / size:{digits}} {unit}"
    return f"{value:.0f} B"


def count(value: float) -> str:
    """Return a whole number with separators: ``43,646,976``."""
    return f"{value:,.0f}"


def counted(value: int, noun: str) -> str:
    """Return a number with its noun: ``1 record``, ``1,024 records``, ``2 launches``."""
    ending = "es" if noun.endswith("ch") else "s"
    return f"{value:,} {noun}{'' if value == 1 else ending}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return names in a sentence: ``A``, ``A and B``, ``A, B and C``."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def signed_percent(share: float) -> str:
    """Return a change as ``percent`` writes it, with its sign: ``+2.1 %``, ``−0.88 %``."""
    return f"{'−' if share < 0 else '+'}{percent(abs(share))}"


def plus_minus(share: float) -> str:
    """Return half of an interval, a share of the number beside it: ``± 1.2 %``."""
    return f"± {percent(share)}"


def about(value: float, width: float = 0.0) -> str:
    """Return an estimated number in the digits it deserves: ``5,900``, ``0.041``, ``18.3``.

    Two significant digits: estimates are off by some percent at best, so a third is noise that
    reads like knowledge. It is there where the interval is narrow, as of memory that is mostly
    weights: where two digits would move an end by more than an eighth of its ``width``. Never a
    fourth: no estimate here is as good as that.
    """
    place = _exponent(value) - 1
    if width and _exponent(width / 4) < place:
        place -= 1
    return f"{round(value, -place):,.{max(0, -place)}f}"


def _exponent(value: float) -> int:
    return int(f"{value:.1e}".partition("e")[2])


def estimated(unit: str, value: float, low: float | None = None, high: float | None = None) -> str:
    """Return an estimate as ``about`` does, with its interval if it has one.

    ``5.2 h (4.1–6.6)``, ``USD 12 (9.8–15)``, ``360 ms``. ``unit`` is one of ``_SIZES``; the value
    decides on the unit, and the ends are in the same.
    """
    name, size = _fitting(unit, value)
    ends = [end / size for end in (low, high) if end is not None]
    width = max(ends) - min(ends) if ends else 0.0
    number = about(value / size, width)
    text = f"{name} {number}" if unit == "USD" else f"{number} {name}"
    low_text, high_text = (about(end, width) for end in ends) if ends else ("", "")
    return text if low_text == high_text else f"{text} ({low_text}–{high_text})"


def rounded_down(value: int) -> str:
    """Return an estimated limit that people set as it is, with two digits: ``41,000``.

    Down, because more than the estimate allows may not fit.
    """
    size = 10 ** max(0, len(str(value)) - 2)
    return count(value // size * size)


def printable(text: str) -> str:
    """Return one line that cannot command a terminal: what does not print becomes a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def rate(value: float, unit: str) -> str:
    """Return a rate with at most four significant digits and separators: ``10,621 token/s``."""
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def ratio(value: float) -> str:
    """Return a ratio: ``1.66×``."""
    return f"{value:.2f}×" if value < 10 else f"{value:.1f}×"


def percent(value: float) -> str:
    """Return a share as a percentage with two significant digits or more: ``0.02 %``, ``12 %``."""
    size = abs(value) * 100
    digits = 0 if size >= 10 else 1 if size >= 1 else 2
    return f"{value * 100:.{digits}f} %"


def scaled(value: float, unit: str) -> str:
    """Return a value with the SI prefix that fits: ``412 TFLOP/s``, ``3.21 mJ``."""
    for prefix, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0)):
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    if value == 0:
        return f"0 {unit}"
    return f"{value * 1e3:.3g} m{unit}" if abs(value) >= 1e-3 else f"{value * 1e6:.3g} µ{unit}"


class Scale(NamedTuple):
    """One unit and number of digits for a whole column, so that its numbers compare by eye."""

    unit: str
    size: float
    digits: int

    def text(self, value: float) -> str:
        """Return the value in this unit, without the unit."""
        return f"{value / self.size:,.{self.digits}f}"


_SIZES = {
    # In SI units, joules for kWh and seconds for hours; the largest first.
    "seconds": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)),
    "bytes": (("TiB", 2.0**40), ("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10)),
    "tokens/second": (("token/s", 1.0),),
    "hours": (("h", 3600.0),),
    "kWh": (("kWh", 3.6e6),),
    "joules": (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6)),
    "USD": (("USD", 1.0),),
}


def _fitting(unit: str, value: float) -> tuple[str, float]:
    """Return the name and size of the largest unit that a value has at least one of."""
    sizes = _SIZES[unit]
    return next((pair for pair in sizes if abs(value) >= pair[1]), sizes[-1])


def scale(unit: str, values: Iterable[float]) -> Scale:
    """Return the scale for a column: its largest value at 1 or more, its smallest to 3 digits.

    ``unit`` is one of ``_SIZES``; a column without values gets no unit.
    """
    known = [abs(value) for value in values if value]
    if not known:
        return Scale("", 1.0, 0)
    name, size = _fitting(unit, max(known))
    digits = 2 - math.floor(math.log10(min(known) / size))
    return Scale(name, size, min(max(digits, 0), 3))
