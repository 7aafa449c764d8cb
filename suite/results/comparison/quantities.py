"""One quantity of one case on both sides: its ratio, its interval and a verdict."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from suite.results.comparison.match import Key, Side
from suite.results.comparison.report import QuantityResult
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record
from suite.results.scatter import calibration
from suite.results.stats import significance
from suite.results.validity import parity
from suite.units import counted
from suite.wire import Struct


def timed(
    tag: str, sides: Sequence[Side], *, gated: bool, spreads: Mapping[Key, float] | None = None
) -> tuple[list[QuantityResult], list[significance.Effect]]:
    """Return a line for each case that has this metric, and the effects of those with verdicts.

    All of them are one family of tests. ``gated`` lines fail a gate, and say so where they have
    no number; ``spreads`` are calibrated ones, by case.
    """
    metric = all_metrics()[tag]
    # What is better higher goes in upside down, so that more is worse everywhere.
    turned = metric.better == "higher"
    drafts: list[tuple[Side, _Values, significance.Effect | None]] = []
    for side in sides:
        values = _values(metric, *side[1:])
        effect = None
        if min(len(values.base), len(values.candidate)) >= significance.LEAST_LAUNCHES:
            both = (values.base, values.candidate)
            effect = significance.effect(
                *([1 / v for v in each] if turned else each for each in both),
                spread=(spreads or {}).get(side[0]),
            )
        drafts.append((side, values, effect))
    effects = [effect for _, _, effect in drafts if effect is not None]
    answers = iter(significance.verdicts(effects))
    lines = []
    for side, values, effect in drafts:
        if not values.base or not values.candidate:
            if gated:
                lines.append(_line(side, tag, "UNKNOWN", note="a repeat has no steady step"))
            continue
        means = [statistics.geometric_mean(each) for each in (values.base, values.candidate)]
        line = _line(
            side,
            tag,
            "",
            base=means[0],
            candidate=means[1],
            base_launches=len(values.base),
            candidate_launches=len(values.candidate),
            ratio=means[1] / means[0],
        )
        few = f"fewer than {significance.LEAST_LAUNCHES} repeats a side: no interval"
        around = _around(side, means[1] / means[0]) if gated else []
        notes = [values.note, few if effect is None else "", *around]
        line = msgspec.structs.replace(line, note=", ".join(filter(None, notes)))
        if effect is not None:
            verdict = next(answers)
            open_ = verdict == significance.Verdict.INCONCLUSIVE
            line = msgspec.structs.replace(
                line,
                verdict=str(verdict),
                fails=gated and verdict == significance.Verdict.SLOWER,
                low=1 / effect.high if turned else effect.low,
                high=1 / effect.low if turned else effect.high,
                smallest=effect.smallest,
                needed=significance.launches_needed(effect) if open_ else None,
                margin=effect.margin,
            )
        lines.append(line)
    return lines, effects


def _around(side: Side, ratio: float) -> list[str]:
    """Return what else moved meanwhile: the GPU's clock, the launches of a side over time."""
    _, before, after = side
    drifts = (("base", calibration.drift(before)), ("candidate", calibration.drift(after)))
    said = [f"{name}: {drift}" for name, drift in drifts if drift]
    return [calibration.clocks(before, after, ratio), *said]


class _Values(Struct, frozen=True, kw_only=True):
    """A metric in each launch of both sides, both empty where a launch lacks it."""

    base: list[float] = []
    candidate: list[float] = []
    note: str = ""


def _values(metric: Metric, before: Sequence[Record], after: Sequence[Record]) -> _Values:
    """Return a metric on both sides; of first steps those with equally warm compile caches."""
    note = ""
    if metric.tag == "first_step_seconds":
        for state in ("warm", "cold"):
            some = [[r for r in side if r.compile_cache == state] for side in (before, after)]
            if all(some):
                before, after = some
                note = f"compile caches {state}"
                break
        else:
            return _Values()
    sides = [[metric.compute(record) for record in side] for side in (before, after)]
    # A launch that cannot answer is not silently left out: the others would look like all.
    known = [[v for v in side if v is not None and v > 0] for side in sides]
    if any(len(k) != len(s) for k, s in zip(known, sides, strict=True)):
        return _Values()
    return _Values(base=known[0], candidate=known[1], note=note)


def _line(side: Side, metric: str, verdict: str, **rest: Any) -> QuantityResult:
    (profile, case_id), before, after = side
    launches = {"base_launches": len(before), "candidate_launches": len(after)}
    return QuantityResult(
        profile=profile,
        case_id=case_id,
        metric=metric,
        verdict=verdict,
        **{**launches, **rest},
    )


def exact(side: Side, tag: str) -> QuantityResult | None:
    """Return the line of what is the same in every launch; None where a side does not know it."""
    metric = all_metrics()[tag]
    values = [[metric.compute(record) for record in records] for records in side[1:]]
    ours, theirs = (max((v for v in each if v is not None), default=None) for each in values)
    if ours is None or theirs is None:
        return None
    # Trained parameters are the work; memory may shrink, and grow by what does not matter.
    worse = theirs != ours
    if metric.better == "lower":
        worse = theirs > ours * (1 + significance.MARGIN)
    return _line(
        side,
        tag,
        "SAME" if ours == theirs else "CHANGED",
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
    return _line(
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
