"""Bounds of the numbers in files that strangers may have written: no measurement reaches them.

A number inside its bounds cannot overflow what is computed from it, so nothing else looks again.
Every integer and float of a record, a plan, a fidelity file and a noise file has one of these
types (``tests/results/test_bounds.py``).
"""

from typing import Annotated, TypeVar

import msgspec

#: The largest whole number: what 64 bits with a sign hold.
MOST = 2**63 - 1
LONGEST_SECONDS = 1e12
#: Losses and norms are computed in 32 bits, whose largest number is some 3.4e38.
LARGEST_FLOAT = 1e39
#: Of two of these, the smaller of which may be tiny.
LARGEST_RATIO = 1e300
#: Elements of one column, at most: a day of samples, ten a second.
MOST_ELEMENTS = 1_000_000

T = TypeVar("T")

Column = Annotated[tuple[T, ...], msgspec.Meta(max_length=MOST_ELEMENTS)]

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
Whole = Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]
#: A launch, counted from 1; no run has more records than this.
Launch = Annotated[int, msgspec.Meta(ge=1, le=100_000)]

Float = Annotated[float, msgspec.Meta(ge=-LARGEST_FLOAT, le=LARGEST_FLOAT)]
Ratio = Annotated[float, msgspec.Meta(ge=-LARGEST_RATIO, le=LARGEST_RATIO)]
#: A setting of a method or a fact of a model: above zero.
Factor = Annotated[float, msgspec.Meta(gt=0, le=1e24)]

Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST_SECONDS)]
StepSeconds = Annotated[float, msgspec.Meta(ge=1e-9, le=LONGEST_SECONDS)]
#: On a clock whose zero may lie later: seconds.
Moment = Annotated[float, msgspec.Meta(ge=-LONGEST_SECONDS, le=LONGEST_SECONDS)]
Watts = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
#: A counter less its first value, which a reset makes negative.
Joules = Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]
#: Work, bytes or operations, in a second.
Rate = Annotated[float, msgspec.Meta(gt=0, le=1e24)]
