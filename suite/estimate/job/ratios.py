"""How two methods compare on one GPU, with an interval in which what both share cancels.

A method is told apart from another only where this interval excludes 1. Where both were measured,
the ratio is that of their repeats and the interval that of the scatter between repeats. Where both
are estimated, unknown rates of the GPU move both at once, and what is added is the error that
ratios had where a GPU or a model was held out. Where one is measured and the other is not, nothing
cancels, and the interval goes from one end to the other.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from suite import units
from suite.estimate.errors.ratios import RatioWidths, student
from suite.estimate.errors.repeats import Scatter
from suite.estimate.errors.time import Way
from suite.estimate.interval import Interval
from suite.estimate.planner import Entry, Planner
from suite.results.metrics import all_metrics
from suite.results.pooled import paired
from suite.results.record import Record
from suite.results.replicates import Replicates


class MethodRatio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as long ``entry`` takes as the quickest on its GPU; None is unknown."""

    entry: Entry
    longer: Interval | None

    @property
    def told_apart(self) -> bool:
        """Return whether it is surely slower than the quickest."""
        return self.longer is not None and self.longer.low > 1


def against_quickest(
    entries: Iterable[Entry], widths: RatioWidths, scatter: Scatter | None
) -> list[MethodRatio]:
    """Return the methods of one GPU that have a time and may fit, the quickest first.

    ``entries`` are of one GPU, model and workload. The first one's ratio is 1 to itself.
    """
    timed = [each for each in entries if each.tokens_per_second is not None]
    timed.sort(key=lambda each: -_rate(each))
    return [
        MethodRatio(
            entry=each,
            longer=Interval(value=1, low=1, high=1)
            if each is timed[0]
            else times_as_long(each, timed[0], widths, scatter),
        )
        for each in timed
    ]


def grounds(plan: Planner) -> str:
    """Return how ratios of methods are known, in words for readers."""
    widths, scatter = plan.ratio_widths, plan.scatter
    said = [
        "Two methods are too close to call where the interval of their ratio includes 1.",
        "For estimates it covers what we assume about the GPU, the same for both methods,"
        " and the error of such ratios for GPUs that were held out.",
    ]
    if ("card", False) in widths.by_way:
        gpus, factor = widths.groups["card", False], math.exp(widths.by_way["card", False])
        said.append(
            f"We could leave out {units.counted(gpus, 'GPU')}, so we take that error as a factor"
            f" of {units.about(factor)}: the fewer GPUs, the larger."
        )
        cards = () if plan.projector is None else plan.projector.cards
        if len({card.compute_capability for card in cards}) == 1:
            said.append("All are of one architecture; on another, methods may differ more.")
    else:
        said.append("No GPU could be left out, so only their times distinguish estimates.")
    if scatter is not None:
        said.append(
            "For measurements it covers how far repeats differ:"
            f" {units.percent(scatter.deviation)} on average."
        )
    return " ".join(said)


def times_as_long(
    one: Entry, other: Entry, widths: RatioWidths, scatter: Scatter | None
) -> Interval | None:
    """Return the time of one method over that of another, both with a rate, on the same GPU.

    None where nothing tells how far the ratio can be off.
    """
    if one.basis == other.basis == "measured":
        return _measured(one, other, scatter)
    experts = one.case.model.architecture.experts is not None
    width = widths.of(_new(one, other), experts=experts)
    ours, theirs = one.projection, other.projection
    if one.basis != other.basis or width is None or ours is None or theirs is None:
        return _end_to_end(one, other)
    value = _rate(other) / _rate(one)
    corners = [
        mine / yours
        for mine, yours in zip(ours.corner_seconds, theirs.corner_seconds, strict=True)
    ]
    low, high = min(value, *corners), max(value, *corners)
    return Interval(
        value=value,
        low=value * math.exp(-math.hypot(math.log(value / low), width)),
        high=value * math.exp(math.hypot(math.log(high / value), width)),
    )


def _new(one: Entry, other: Entry) -> set[Way]:
    """Return what of a pair was never measured: its GPU, its model, one of its methods.

    Work that is new on a measured GPU is taken for that of a new model.
    """
    ways: set[Way] = set()
    for each in (one.projection, other.projection):
        if each is None:
            continue
        if not each.card_measured:
            ways.add("card")
        if each.card_measured or not each.model_measured:
            ways.add("model")
        if not each.method_measured:
            ways.add("method")
    return ways


def _measured(one: Entry, other: Entry, scatter: Scatter | None) -> Interval | None:
    if scatter is None:
        return None
    metric = all_metrics()["step_seconds"]
    pairs = paired(_repeats(one.records), _repeats(other.records), metric)
    value = _rate(other) / _rate(one) if pairs is None else pairs.value
    repeats = [each.launches for each in (one, other)] if pairs is None else [pairs.pairs] * 2
    error = scatter.deviation * math.sqrt(sum(1 / each for each in repeats))
    half = student(scatter.freedom) * error
    return Interval(value=value, low=value * math.exp(-half), high=value * math.exp(half))


def _repeats(records: Sequence[Record]) -> Replicates:
    return Replicates(records=tuple(records))


def _rate(entry: Entry) -> float:
    assert entry.tokens_per_second is not None
    return entry.tokens_per_second.value


def _end_to_end(one: Entry, other: Entry) -> Interval:
    """Return the ratio where errors may go against each other."""
    ours, theirs = one.tokens_per_second, other.tokens_per_second
    assert ours is not None
    assert theirs is not None
    return Interval(
        value=theirs.value / ours.value,
        low=theirs.low / ours.high,
        high=theirs.high / ours.low,
    )
