"""How far the time model is off on cases that it was not fitted on.

Ways to hold cases out, each a fit of its own: all of one model, all of one method, all long rows.
Where several cards were measured, ``suite.estimate.project`` holds each of those out as well.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import msgspec

from suite.estimate import time
from suite.estimate.between import Between
from suite.estimate.time import TimeModel
from suite.estimate.time_samples import Sample

LONG_TOKENS = 4096  #: rows longer than this are held out together
TARGET = 0.20  #: relative error that the model is to stay within

Way = Literal["model", "method", "long rows", "card"]
WAYS: tuple[Way, ...] = get_args(Way)


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """One case, held out in one way. ``predicted_seconds`` None has its ``reason``.

    ``interval`` is that of a projection to a card that was held out.
    """

    way: Way
    sample: Sample
    predicted_seconds: float | None = None
    reason: str = ""
    interval: Between | None = None

    @property
    def error(self) -> float | None:
        """Return the relative error, above 0 where too long a time was predicted."""
        if self.predicted_seconds is None:
            return None
        return self.predicted_seconds / self.sample.seconds - 1


def held_out(found: Sequence[Sample]) -> list[HeldOut]:
    """Return every case held out with its model, method and length, where others are left."""
    known: dict[tuple[Way, object], TimeModel] = {}
    results = []
    for way in WAYS:
        for sample in found:
            group = _group(way, sample)
            if group is None:
                continue
            rest = [s for s in found if _group(way, s) != group]
            if not rest:
                continue
            if (way, group) not in known:
                known[way, group] = time.fit(rest)
            results.append(_predict(way, sample, known[way, group]))
    return results


def spread(errors: Sequence[HeldOut], *, least: float = 0.1, otherwise: float = 0.7) -> float:
    """Return the half-width of a 90 % interval on the log scale, from held-out errors.

    Each group that was held out together counts alike, so that many cases of one model do not
    stand for models that were never measured. At least ``least``; ``otherwise`` where fewer than
    five groups were held out.
    """
    groups: dict[tuple[Way, object], list[float]] = {}
    for each in errors:
        if each.error is not None:
            key = (each.way, _group(each.way, each.sample))
            ratio = (each.predicted_seconds or 0) / each.sample.seconds
            groups.setdefault(key, []).append(abs(math.log(ratio)))
    if len(groups) < 5:
        return otherwise
    weighed = sorted((size, 1 / len(sizes)) for sizes in groups.values() for size in sizes)
    beyond = 0.1 * len(groups)
    for size, weight in reversed(weighed):
        beyond -= weight
        if beyond < 0:
            return max(least, size)
    return least


def _group(way: Way, sample: Sample) -> object:
    """Return what is held out together with a sample; None where the sample stays in."""
    keys: dict[Way, Callable[[], object]] = {
        "model": lambda: sample.case.model.name,
        "method": lambda: sample.case.method.name,
        "long rows": lambda: (sample.case.workload.sequence_tokens > LONG_TOKENS) or None,
        "card": lambda: None,
    }
    return keys[way]()


def _predict(way: Way, sample: Sample, model: TimeModel) -> HeldOut:
    if reason := model.lacks(sample.case):
        return HeldOut(way=way, sample=sample, reason=reason)
    seconds = model.parts(sample.case, sample.rates).seconds
    return HeldOut(way=way, sample=sample, predicted_seconds=seconds)
