"""What is alike in every repeat of a case: its size, its memory and its losses."""

import math
import statistics
from collections.abc import Sequence

from suite.results.comparison.report import QuantityResult, result_line
from suite.results.comparison.side import Side
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.stats import significance
from suite.results.validity import parity
from suite.units import counted


def exact(side: Side, tag: str, *, within: float = 0.0) -> QuantityResult | None:
    """Return the line of what hardly differs from repeat to repeat; None where it is unknown.

    The highest of each side. ``within`` is the share up to which it is the same: what the driver
    counts for a process may differ by a few pages.
    """
    metric = all_metrics()[tag]
    values = [[metric.compute(record) for record in records] for records in side[1:]]
    ours, theirs = (max((v for v in each if v is not None), default=None) for each in values)
    if ours is None or theirs is None:
        return None
    # Trained parameters are the work; memory may shrink, and grow by what does not matter.
    worse = theirs != ours
    if metric.better == "lower":
        worse = theirs > ours * (1 + significance.MARGIN)
    return result_line(
        side,
        tag,
        "SAME" if abs(theirs - ours) <= within * ours else "CHANGED",
        base=ours,
        candidate=theirs,
        fails=worse,
        ratio=theirs / ours if ours else None,
    )


def losses(side: Side) -> QuantityResult:
    """Return the line that says whether every launch of the candidate trains as the base does.

    Each is held against the base's launch of the same number, else of the nearest one. Verdict,
    note and numbers, which are of the first step, are those of the launch that parts the most.
    """
    _, before, after = side
    pairs = [(_nearest(before, record), record) for record in after]
    parities = [parity.compare_losses(ours, base) for base, ours in pairs]
    worst = max(range(len(parities)), key=lambda number: _severity(parities[number]))
    verdict = parities[worst].verdict
    first = all_metrics()["first_loss"]
    ours, theirs = (first.compute(record) for record in pairs[worst])
    alike = [
        record for record, each in zip(after, parities, strict=True) if each.verdict == verdict
    ]
    return result_line(
        side,
        "loss",
        {"agrees": "SAME", "differs": "CHANGED", "no reference": "UNKNOWN"}[verdict],
        base=ours,
        candidate=theirs,
        ratio=theirs / ours if ours and theirs is not None else None,
        fails=verdict == "differs",
        note=_of_launches(parities[worst], after[worst], alike, after),
    )


def _nearest(records: Sequence[Record], wanted: Record) -> Record:
    """Return the record whose launch is nearest; of several the first."""
    return min(records, key=lambda record: abs(record.launch - wanted.launch))


def _severity(found: parity.Parity) -> tuple[int, float]:
    """Return how bad a launch is: its verdict, then its losses; no number is worst."""
    rank = ("agrees", "no reference", "differs").index(found.verdict)
    return rank, math.inf if found.trajectory is None else found.trajectory


def _of_launches(
    worst: parity.Parity, record: Record, alike: Sequence[Record], every: Sequence[Record]
) -> str:
    """Return the reason with the launch that it is of, and the others of the same verdict."""
    if worst.verdict == "agrees":
        return f"{worst.reason}, in {counted(len(every), 'repeat')}"
    runs = len({each.run_id for each in every}) > 1
    name, *others = (
        f"repeat {each.launch}" + (f" of session {each.run_id}" if runs else "")
        for each in (record, *(each for each in alike if each is not record))
    )
    text = f"{name}: {worst.reason}"
    return f"{text}; the same verdict in {', '.join(others)}" if others else text


def loss_ratio(side: Side) -> float | None:
    """Return the candidate's loss over the base's; None where a loss is no positive number.

    Of each launch the mean over the steps that all launches took, then geometric means.
    """
    _, before, after = side
    launches = [[{s.index: s.loss for s in r.steps} for r in each] for each in (before, after)]
    indices = set[int].intersection(*(set(each) for sides in launches for each in sides))
    means = []
    for sides in launches:
        values = [[each[index] for index in indices] for each in sides]
        known = [[loss for loss in each if loss is not None and loss > 0] for each in values]
        if not indices or any(len(k) != len(indices) for k in known):
            return None
        means.append(statistics.geometric_mean(statistics.fmean(each) for each in known))
    return means[1] / means[0]
