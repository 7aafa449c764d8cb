"""A value that is not known exactly: with the least and the most it is expected to be."""

import msgspec


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and its interval, all three in the unit of the field that holds it."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is not between {self.low} and {self.high}")
