"""How far launches of the same case lie apart: what a difference must exceed to mean anything.

A case is the same where run, profile and case are; its launches are the replicates. Of times this
gives the spread, of losses the measured counterpart of the bands in ``validity.parity``: how
far a method parts from itself.
"""

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from suite.catalog.bounds import LARGEST_RATIO, Count, Ratio, Seconds
from suite.catalog.names import CaseId, Name
from suite.results.metrics import all_metrics
from suite.results.record import CompileCache, Record
from suite.results.replicates import Replicates, group
from suite.results.samples import LOSS_FLOOR
from suite.wire import Step, Struct

SCHEMA = 1
#: With fewer good launches a spread is one difference, and not shown.
MINIMUM_LAUNCHES = 3
#: A standard deviation of fewer is too uncertain to call a change real.
GATE_LAUNCHES = 5
#: Significant digits of what is computed here: logarithms differ in the last ones by platform.
DIGITS = 6


class Noise(Struct, frozen=True, kw_only=True):
    """The scatter of one case over its good launches, of which there are three or more.

    ``step_seconds`` holds each launch's mean step, in the order of ``record_ids``. ``spread`` is
    the standard deviation of their natural logarithms, so a share of the geometric mean, and
    ``spread_low`` that of the 10 % quantile of steps (older files do not have it); ``range``
    is highest less lowest over that mean. The differences are the largest between any two
    launches, relative to the smaller value: of the first step's loss, of any step's loss over the
    ``common_steps``, of the first step's gradient norm, of any of them over the same steps (older
    files do not have it). ``gpus`` counts the cards that took part
    (0 on the CPU): a run can go on elsewhere, and cards of one kind differ. ``gate`` says that
    there are launches enough, of one card, to judge a change by. The first step's seconds are
    those of launches with cold and with warm compile caches. None is unknown, with the reason in
    ``unavailable``.
    """

    run_id: Name
    profile: Name
    case_id: CaseId
    record_ids: tuple[str, ...]
    launches: Count
    gpus: Count
    gate: bool
    step_seconds: tuple[Seconds | None, ...]
    step_seconds_geometric_mean: Seconds | None
    spread: Ratio | None
    spread_low: Ratio | None = None
    range: Ratio | None
    first_loss_difference: Ratio | None
    trajectory_difference: Ratio | None
    common_steps: Count
    first_gradient_norm_difference: Ratio | None
    gradient_norm_difference: Ratio | None = None
    first_step_cold_seconds: tuple[Seconds, ...]
    first_step_warm_seconds: tuple[Seconds, ...]
    unavailable: dict[str, str] = {}


class NoiseFile(Struct, frozen=True, kw_only=True):
    """What ``noise.json`` holds: every case of one profile that has launches enough."""

    schema: Count = SCHEMA
    cases: tuple[Noise, ...]


def noise(launches: Replicates) -> Noise | None:
    """Return the scatter of one case, or None of fewer than ``MINIMUM_LAUNCHES`` good ones."""
    records = launches.ok
    if len(records) < MINIMUM_LAUNCHES:
        return None
    unavailable: dict[str, str] = {}
    seconds = tuple(all_metrics()["step_seconds"].compute(record) for record in records)
    known = [value for value in seconds if value is not None]
    mean = spread = span = None
    if len(known) == len(seconds):
        logs = [math.log(value) for value in known]
        mean = math.exp(statistics.fmean(logs))
        spread, span = statistics.stdev(logs), (max(known) - min(known)) / mean
    else:
        unavailable["step_seconds"] = "a repeat has no steady step"
    lows = [all_metrics()["step_seconds_low"].compute(record) for record in records]
    known_lows = [math.log(value) for value in lows if value]
    spread_low = None
    if len(known_lows) == len(lows):
        spread_low = statistics.stdev(known_lows)
    elif mean is not None:
        unavailable["step_seconds_low"] = "a repeat has too few steps that compute as much"
    differences, reason = _losses(records)
    if reason:
        unavailable["losses"] = reason
    norms: dict[str, float | None] = {}
    for name, reach in (("first_gradient_norm_difference", 1), ("gradient_norm_difference", None)):
        norms[name], reason = _gradient(records, reach)
        if reason:
            unavailable[name] = reason
    cards = {r.environment.gpu.uuid_hash for r in records if r.environment.gpu is not None}
    return Noise(
        run_id=launches.first.run_id,
        profile=launches.first.profile,
        case_id=launches.case.case_id,
        record_ids=tuple(record.record_id for record in records),
        launches=len(records),
        gpus=len(cards),
        gate=len(records) >= GATE_LAUNCHES and spread is not None and len(cards) <= 1,
        step_seconds=seconds,
        step_seconds_geometric_mean=_rounded(mean),
        spread=_rounded(spread),
        spread_low=_rounded(spread_low),
        range=_rounded(span),
        first_loss_difference=_rounded(differences[0] if differences else None),
        trajectory_difference=_rounded(max(differences, default=None)),
        common_steps=len(differences),
        first_gradient_norm_difference=_rounded(norms["first_gradient_norm_difference"]),
        gradient_norm_difference=_rounded(norms["gradient_norm_difference"]),
        first_step_cold_seconds=_first_steps(records, "cold"),
        first_step_warm_seconds=_first_steps(records, "warm"),
        unavailable=unavailable,
    )


def of_records(records: Iterable[Record]) -> tuple[Noise, ...]:
    """Return the scatter of every case with launches enough, in the order of the records."""
    return tuple(found for each in group(records) if (found := noise(each)) is not None)


def file_content(records: Iterable[Record]) -> bytes | None:
    """Return what ``noise.json`` holds for these records; None where no case has enough.

    Of a profile that the project measured itself, only its own sessions count: another's machine
    does not decide what it takes for a change.
    """
    listed = list(records)
    own = {record.profile for record in listed if record.origin is None}
    cases = of_records(
        record for record in listed if record.origin is None or record.profile not in own
    )
    if not cases:
        return None
    document = msgspec.json.encode(NoiseFile(cases=cases))
    return msgspec.json.format(document, indent=1) + b"\n"


def _first_steps(records: Sequence[Record], cache: CompileCache) -> tuple[float, ...]:
    firsts = [r.steps[0] for r in records if r.compile_cache == cache and r.steps]
    return tuple(step.seconds for step in firsts)


def _losses(records: Sequence[Record]) -> tuple[list[float], str]:
    """Return the largest difference at each common step, or none and why there are none."""
    common = _common(records)
    if not common:
        return [], "the repeats have no step in common"
    differences = []
    for index, steps in common.items():
        losses = [step.loss for step in steps if step.loss is not None]
        if len(losses) != len(steps):
            return [], f"the loss of step {index + 1} is not a number in every repeat"
        if len({step.tokens_loss for step in steps}) > 1:
            return [], f"the repeats saw different loss tokens at step {index + 1}"
        scale = max(min(map(abs, losses)), LOSS_FLOOR)
        differences.append((max(losses) - min(losses)) / scale)
    return differences, ""


def _gradient(records: Sequence[Record], reach: int | None) -> tuple[float | None, str]:
    """Return the largest difference of gradient norms over the first ``reach`` common steps.

    Over all of them where ``reach`` is None; instead of a number why there is none.
    """
    common = _common(records)
    if not common:
        return None, "the repeats have no step in common"
    largest = 0.0
    for index, steps in list(common.items())[:reach]:
        norms = [step.gradient_norm for step in steps if step.gradient_norm is not None]
        if len(norms) != len(steps):
            return None, f"a repeat has no gradient norm at step {index + 1}"
        smallest = min(map(abs, norms))
        if smallest == 0:
            return None, f"the gradient norm of 0 at step {index + 1} has no relative difference"
        largest = max(largest, (max(norms) - min(norms)) / smallest)
    return largest, ""


def _common(records: Sequence[Record]) -> dict[int, list[Step]]:
    """Return the steps that all launches took, by index: one of each launch."""
    by_index = [{step.index: step for step in record.steps} for record in records]
    common = sorted(set(by_index[0]).intersection(*by_index[1:]))
    return {index: [steps[index] for steps in by_index] for index in common}


def _rounded(value: float | None) -> float | None:
    if value is None or not abs(value) <= LARGEST_RATIO:  # a stranger's samples can overflow
        return None
    return float(f"{value:.{DIGITS}g}")
