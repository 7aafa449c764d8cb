"""How far repeats of one case lie apart, for ratios of methods that were measured."""

import math
import statistics
from collections.abc import Iterable

import msgspec

from suite.results.metrics import all_metrics
from suite.results.replicates import Replicates


class Scatter(msgspec.Struct, frozen=True, kw_only=True):
    """How far repeats of one case lie apart: the deviation of their log rates, pooled over cases.

    ``freedom`` counts repeats beyond the first of each case.
    """

    deviation: float
    freedom: int


def repeat_scatter(groups: Iterable[Replicates]) -> Scatter | None:
    """Return how far repeats of one case lie apart; None where no case was repeated."""
    squares, freedom = 0.0, 0
    metric = all_metrics()["tokens_per_second"]
    for group in groups:
        rates = [metric.compute(record) for record in group.ok]
        logs = [math.log(rate) for rate in rates if rate]
        if len(logs) > 1:
            squares += statistics.variance(logs) * (len(logs) - 1)
            freedom += len(logs) - 1
    return Scatter(deviation=math.sqrt(squares / freedom), freedom=freedom) if freedom else None
