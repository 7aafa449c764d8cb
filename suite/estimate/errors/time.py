"""How far the time model is off on cases that it was not fitted on.

Ways to hold cases out, each a fit of its own: all of one model, all of one method, all long rows.
Where several cards were measured, ``suite.estimate.project`` holds each of those out as well.

A step that waits for the host is told far worse than one that keeps the GPU busy, so the width of
an interval goes by how long the host takes beside the GPU.
"""

import bisect
import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import msgspec

from suite.catalog.case import Case
from suite.estimate import step_time
from suite.estimate.interval import Interval
from suite.estimate.step_time import Parts, TimeModel
from suite.estimate.time_samples import TimeSample

LONG_TOKENS = 4096  #: rows longer than this are held out together
#: Steps whose times are told alike well, by the host's time over the GPU's; the bounds lie between
#: the first three. Experts stand alone: what their kernels cost differs from model to model.
CLASSES = ("the GPU decides", "both count", "the host decides", "experts")
HOST_SHARES = (0.3, 1.0)
TARGET = 0.20  #: relative error that the model is to stay within

Way = Literal["model", "method", "long rows", "card"]
WAYS: tuple[Way, ...] = get_args(Way)


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """One case, held out in one way. ``predicted_seconds`` None has its ``reason``.

    ``host_share`` is the host's time over the GPU's, as predicted. ``interval`` is that of a
    projection to a card that was held out.
    """

    way: Way
    sample: TimeSample
    predicted_seconds: float | None = None
    reason: str = ""
    host_share: float | None = None
    interval: Interval | None = None

    @property
    def error(self) -> float | None:
        """Return the relative error, above 0 where too long a time was predicted."""
        if self.predicted_seconds is None:
            return None
        return self.predicted_seconds / self.sample.seconds - 1


class Widths(msgspec.Struct, frozen=True, kw_only=True):
    """Half-widths of 90 % intervals on the log scale, one for each of ``CLASSES``."""

    by_class: tuple[float, ...]

    def of(self, case: Case, host_share: float) -> float:
        """Return that of a case whose host takes so long beside the GPU."""
        return self.by_class[class_of(case, host_share)]


def share_of(parts: Parts) -> float:
    """Return the host's time over the GPU's."""
    return parts.host / parts.gpu


def class_of(case: Case, host_share: float) -> int:
    """Return which of ``CLASSES`` a step is in."""
    if case.model.architecture.experts is not None:
        return len(CLASSES) - 1
    return bisect.bisect_right(HOST_SHARES, host_share)


def widths(errors: Sequence[HeldOut]) -> Widths:
    """Return the half-widths from held-out errors, see ``spread``."""
    classes: list[list[HeldOut]] = [[] for _ in CLASSES]
    for each in errors:
        if each.host_share is not None:
            classes[class_of(each.sample.case, each.host_share)].append(each)
    return Widths(by_class=tuple(map(spread, classes)))


def covered(errors: Sequence[HeldOut]) -> list[tuple[int, bool]]:
    """Return the class of every predicted error, and whether it lies within that one's width.

    Widths are made from errors of other cases than those that were held out with it, else it would
    be judged by itself.
    """
    known: dict[tuple[Way, object], Widths] = {}
    found = []
    for each in errors:
        if each.predicted_seconds is None or each.host_share is None:
            continue
        key = each.way, _group(each.way, each.sample)
        if key not in known:
            others = [other for other in errors if _group(each.way, other.sample) != key[1]]
            known[key] = widths(others)
        size = abs(math.log(each.predicted_seconds / each.sample.seconds))
        inside = size <= known[key].of(each.sample.case, each.host_share)
        found.append((class_of(each.sample.case, each.host_share), inside))
    return found


def held_out(found: Sequence[TimeSample]) -> list[HeldOut]:
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
                known[way, group] = step_time.fit_factors(rest)
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


def _group(way: Way, sample: TimeSample) -> object:
    """Return what is held out together with a sample; None where the sample stays in."""
    keys: dict[Way, Callable[[], object]] = {
        "model": lambda: sample.case.model.name,
        "method": lambda: sample.case.method.name,
        "long rows": lambda: (sample.case.workload.sequence_tokens > LONG_TOKENS) or None,
        "card": lambda: None,
    }
    return keys[way]()


def _predict(way: Way, sample: TimeSample, model: TimeModel) -> HeldOut:
    if reason := model.lacks(sample.case):
        return HeldOut(way=way, sample=sample, reason=reason)
    parts = model.parts(sample.case, sample.rates)
    return HeldOut(
        way=way, sample=sample, predicted_seconds=parts.seconds, host_share=share_of(parts)
    )
