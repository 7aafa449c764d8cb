"""How far estimated ratios between two methods on one GPU are off, where one was held out.

What is not known of a GPU (its real rates, its host, its power) moves the times of both methods
together, so their ratio is known better than either time. What is left is how differently the
model misses two methods: read from pairs of cases that were held out together, on the same GPU,
with the same model and workload.

Pairs of one held-out group miss together, so each group counts as one observation, by the root
mean square over its pairs. Which method is named first is arbitrary, so the mean error is 0, and
the half-width of a 90 % interval is Student's t, with as many degrees of freedom as groups, times
the root mean square over groups: 2.9 times with two GPUs, 1.8 times with ten.
"""

import itertools
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from suite.estimate.errors.time import HeldOut, Way

WAYS: tuple[Way, ...] = ("card", "model")  #: ways that hold out both methods of a pair alike


class RatioWidths(msgspec.Struct, frozen=True, kw_only=True):
    """Half-widths of 90 % intervals of ratios, on the log scale.

    By what was held out, and whether models have experts. A key is missing where no group of it
    had a pair; ``groups`` counts those that had.
    """

    by_way: Mapping[tuple[Way, bool], float]
    groups: Mapping[tuple[Way, bool], int]

    def of(self, ways: Collection[Way], *, experts: bool) -> float | None:
        """Return the half-width where all of these are new; None where one was never tried."""
        known = [self.by_way.get((way, experts)) for way in ways]
        widths = [width for width in known if width is not None]
        return math.hypot(*widths) if widths and len(widths) == len(known) else None


def ratio_widths(errors: Sequence[HeldOut]) -> RatioWidths:
    """Return the half-widths from cases that were held out, see this file's first lines."""
    by_way, groups = dict[tuple[Way, bool], float](), dict[tuple[Way, bool], int]()
    for key in itertools.product(WAYS, (False, True)):
        way, experts = key
        alike = (
            each
            for each in errors
            if each.way == way
            and (each.sample.case.model.architecture.experts is not None) == experts
        )
        known = [
            statistics.fmean(error**2 for error in found) for found in _by_group(alike).values()
        ]
        if known:
            by_way[key] = student(len(known)) * math.sqrt(statistics.fmean(known))
            groups[key] = len(known)
    return RatioWidths(by_way=by_way, groups=groups)


def _by_group(errors: Iterable[HeldOut]) -> dict[str, list[float]]:
    """Return log ratio errors of pairs by the GPU or the model that was held out."""
    alike: dict[object, list[tuple[float, HeldOut]]] = {}
    for each in errors:
        if each.predicted_seconds is not None:
            case = each.sample.case
            key = each.sample.profile, case.model.name, case.workload, case.loop
            error = math.log(each.predicted_seconds / each.sample.seconds)
            alike.setdefault(key, []).append((error, each))
    found: dict[str, list[float]] = {}
    for cases in alike.values():
        for (one, held), (other, _) in itertools.combinations(cases, 2):
            sample = held.sample
            group = sample.profile if held.way == "card" else sample.case.model.name
            found.setdefault(group, []).append(one - other)
    return found


def student(freedom: int) -> float:
    """Return what 90 % of Student's t lie within, on both sides of 0; ``freedom`` from 1."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.95))
