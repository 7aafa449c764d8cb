"""Places of marks along an axis, in percent of its width, so that charts are as wide as pages."""

import math
from collections.abc import Sequence

import msgspec

_ROOM = 1.04  #: of an axis over its largest mark
_MOST_TICKS = 4


class AxisTick(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an axis and what stands at it."""

    at: float
    text: str


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """An axis from 0 to ``end``."""

    end: float

    def at(self, value: float) -> float:
        """Return where a value lies, in percent."""
        return round(100 * value / self.end, 1)

    def ticks(self, size: float) -> tuple[AxisTick, ...]:
        """Return round numbers of a unit of this size, 0 first."""
        most = self.end / size
        step = _round_step(most / _MOST_TICKS)
        count = math.floor(most / step + 1e-9)
        return tuple(
            AxisTick(at=self.at(number * step * size), text=f"{number * step:,.10g}")
            for number in range(count + 1)
        )


def axis(values: Sequence[float]) -> Axis | None:
    """Return the axis that holds all values, None where none is above 0 or one is not finite."""
    if not values or not all(math.isfinite(value) for value in values) or max(values) <= 0:
        return None
    return Axis(end=max(values) * _ROOM)


class LogAxis(msgspec.Struct, frozen=True, kw_only=True):
    """An axis of ratios: equal factors are equally far apart."""

    begin: float
    end: float

    def at(self, value: float) -> float:
        """Return where a ratio lies, in percent."""
        return round(100 * math.log(value / self.begin) / math.log(self.end / self.begin), 1)

    def ticks(self, values: Sequence[float]) -> tuple[AxisTick, ...]:
        """Return those of the ratios that are on the axis."""
        return tuple(
            AxisTick(at=self.at(value), text=f"{value:g}×")
            for value in values
            if self.begin <= value <= self.end
        )


def _round_step(least: float) -> float:
    size = 10.0 ** math.floor(math.log10(least))
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= least * 0.999)
