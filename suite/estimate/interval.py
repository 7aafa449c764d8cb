"""A value that is not known exactly: with the least and the most it is expected to be."""

import math
from collections.abc import Callable

import msgspec

from suite import units


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and its interval, all three in the unit of the field that holds it."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is not between {self.low} and {self.high}")

    def map(self, change: Callable[[float], float]) -> "Interval":
        """Return a monotonous function of it, the ends in order."""
        low, high = sorted((change(self.low), change(self.high)))
        return Interval(value=change(self.value), low=low, high=high)

    def times(self, other: "Interval") -> "Interval":
        """Return the product with another that knows nothing of this one; all are above 0.

        Ends add up in quadrature on the log scale.
        """
        value = self.value * other.value
        down = math.hypot(math.log(self.value / self.low), math.log(other.value / other.low))
        up = math.hypot(math.log(self.high / self.value), math.log(other.high / other.value))
        return Interval(value=value, low=value * math.exp(-down), high=value * math.exp(up))

    def plus(self, *others: "Interval") -> "Interval":
        """Return the sum, value and ends each by themselves."""
        every = (self, *others)
        return Interval(
            value=sum(each.value for each in every),
            low=sum(each.low for each in every),
            high=sum(each.high for each in every),
        )

    def holds(self, value: float) -> bool:
        """Return whether a value lies within it."""
        return self.low <= value <= self.high

    def text(self, unit: str) -> str:
        """Return an estimate in the digits it deserves: ``5.2 h (4.1–6.6)``."""
        return units.estimated(unit, self.value, self.low, self.high)
