"""Times of all cases on both sides: ratios, intervals and verdicts, in one family of tests."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy

from suite import units
from suite.results.comparison.report import (
    GATED,
    LOW,
    Pooled,
    PooledTest,
    QuantityResult,
    result_line,
)
from suite.results.comparison.side import Side
from suite.results.comparison.turns import RepeatGrid
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record
from suite.results.scatter import calibration
from suite.results.scatter.calibration import KnownSpread
from suite.results.stats import effects, gate_rule, significance
from suite.results.stats.designs import Design, Sides
from suite.results.stats.gate_rule import Published
from suite.results.stats.significance import Verdict

#: What the GPU takes, and what a job takes, waits and garbage collection included.
GATES = (LOW, GATED)


class _Values(NamedTuple):
    """A metric in each of these repeats of both sides; no values where a repeat lacks it."""

    records: tuple[Sequence[Record], Sequence[Record]]
    base: Sequence[float] = ()
    candidate: Sequence[float] = ()
    note: str = ""

    @property
    def few(self) -> int:
        """Return the smaller number of repeats a side."""
        return min(len(self.base), len(self.candidate))

    @property
    def judged(self) -> bool:
        """Return whether there are repeats enough for a verdict."""
        return self.few >= significance.LEAST_LAUNCHES


def gated(
    grid: RepeatGrid, spreads: Mapping[str, Mapping[tuple[str, str], KnownSpread]]
) -> tuple[list[QuantityResult], list[PooledTest]]:
    """Return the lines of both step times, which fail a gate, and the tests of all cases together.

    ``spreads`` are published ones, by metric and case.
    """
    values = {
        tag: [_values(all_metrics()[tag], *side[1:]) for side in grid.sides] for tag in GATES
    }
    rows = [row for row in range(len(grid.sides)) if any(v[row].judged for v in values.values())]
    lines, pooled = _judged(grid, values, rows, spreads)
    return lines, pooled


def shown(grid: RepeatGrid, tag: str) -> list[QuantityResult]:
    """Return the lines of a metric that decides nothing, a family of its own."""
    values = {tag: [_values(all_metrics()[tag], *side[1:]) for side in grid.sides]}
    rows = [row for row, each in enumerate(values[tag]) if each.judged]
    return _judged(grid, values, rows, {})[0]


def _judged(
    grid: RepeatGrid,
    values: Mapping[str, Sequence[_Values]],
    rows: Sequence[int],
    spreads: Mapping[str, Mapping[tuple[str, str], KnownSpread]],
) -> tuple[list[QuantityResult], list[PooledTest]]:
    """Return a line for each case that has the metric, and the pooled tests of these metrics."""
    arrays, known = [], []
    for tag, column in values.items():
        arrays.append(_logs(grid, all_metrics()[tag], rows, column))
        known.append(_published(grid, rows, spreads.get(tag, {})))
    verdicts: dict[tuple[str, int], QuantityResult] = {}
    pooled: list[PooledTest] = []
    if rows:
        made = [grid.designs[row] for row in rows]
        run = gate_rule.judge(arrays, made, known)
        for tag, family, sides in zip(values, run.quantities, arrays, strict=True):
            few = [max(values[tag][row].few, 1) for row in rows]
            for row, line in _verdicts(grid, tag, rows, sides, family, run, few):
                verdicts[tag, row] = line
        pooled = list(_pooled(run, values, rows)) if len(values) > 1 else []
    lines = []
    for tag, column in values.items():
        for row, each in enumerate(column):
            whole = _line(grid.sides[row], tag, each, verdicts.get((tag, row)))
            lines += [] if whole is None else [whole]
    return lines, pooled


def _logs(
    grid: RepeatGrid, metric: Metric, rows: Sequence[int], column: Sequence[_Values]
) -> Sides:
    """Return logarithms of what is worse the higher it is; of cases without a verdict none."""
    judged = [column[row] if column[row].judged else _Values(((), ())) for row in rows]
    sides = grid.filled(rows, [(each.records, (each.base, each.candidate)) for each in judged])
    if metric.better == "higher":
        return sides._replace(base=-sides.base, candidate=-sides.candidate)
    return sides


def _published(
    grid: RepeatGrid, rows: Sequence[int], spreads: Mapping[tuple[str, str], KnownSpread]
) -> Published | None:
    if not spreads:
        return None
    found = [spreads.get(grid.sides[row][0]) for row in rows]
    variances = [0.0 if each is None else each.spread**2 for each in found]
    freedom = [0.0 if each is None else each.freedom for each in found]
    return Published(numpy.array(variances), numpy.array(freedom))


def _verdicts(
    grid: RepeatGrid,
    tag: str,
    rows: Sequence[int],
    sides: Sides,
    family: gate_rule.Family,
    run: gate_rule.Judgement,
    few: Sequence[int],
) -> Iterator[tuple[int, QuantityResult]]:
    """Yield the verdict of each case that has one, in the fields of a line without values."""
    turned = all_metrics()[tag].better == "higher"
    gates = tag in GATES
    alpha = run.alpha if gates else significance.SLOWER_ALPHA
    found = effects.effects(family.estimate, alpha=alpha, tests=run.tests, launches=few)
    kept = gate_rule.left_out(sides)
    for at, (row, each) in enumerate(zip(rows, found, strict=True)):
        if not math.isfinite(each.ratio):
            continue
        least = gate_rule.margin_of(few[at])
        verdict = Verdict.INCONCLUSIVE
        if family.slower[at] < alpha and each.ratio > 1 + least:
            verdict = Verdict.SLOWER
        elif family.faster[at] < alpha and each.ratio < 1 / (1 + least):
            verdict = Verdict.FASTER
        elif family.same[at] < significance.SAME_ALPHA:
            verdict = Verdict.SAME
        needed = None
        if verdict == Verdict.INCONCLUSIVE:
            freedom = 1 if grid.designs[row] == Design.AT_ONCE else 2
            needed = effects.launches_needed(
                each, launches=few[at], freedom_each=freedom, alpha=alpha, tests=run.tests
            )
        ends = (1 / each.high, 1 / each.low) if turned else (each.low, each.high)
        yield (
            row,
            result_line(
                grid.sides[row],
                tag,
                str(verdict),
                fails=gates and verdict == Verdict.SLOWER,
                ratio=1 / each.ratio if turned else each.ratio,
                low=_finite(ends[0]),
                high=_finite(ends[1]),
                smallest=_finite(each.smallest),
                needed=needed,
                margin=_finite(each.margin),
                note=", ".join(_odd(grid, row, at, sides, kept)) if gates else "",
            ),
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _odd(grid: RepeatGrid, row: int, at: int, sides: Sides, kept: Sides) -> Iterator[str]:
    """Yield which repeats were left out for being unlike the others of their side."""
    for which, name in ((1, "base"), (2, "candidate")):
        records: Sequence[Record] = grid.sides[row][which]  # type: ignore[assignment]
        before, after = ((s.base, s.candidate)[which - 1][at] for s in (sides, kept))
        for record in records:
            column = grid.columns[row][which - 1][record.record_id]
            if math.isnan(after[column]) and not math.isnan(before[column]):
                slower = math.expm1(before[column] - float(numpy.nanmean(after)))
                yield (
                    f"repeat {record.launch} of the {name} is left out:"
                    f" {units.percent(slower)} slower than the others"
                )


def _line(
    side: Side, tag: str, values: _Values, verdict: QuantityResult | None
) -> QuantityResult | None:
    """Return a whole line; None of a metric that is only shown where a repeat lacks it."""
    if not values.base or not values.candidate:
        if tag != GATED:
            return None
        return result_line(side, tag, "UNKNOWN", note="a repeat has no steady step")
    means = [statistics.geometric_mean(each) for each in (values.base, values.candidate)]
    line = verdict or result_line(
        side,
        tag,
        "",
        ratio=means[1] / means[0],
        note=f"fewer than {significance.LEAST_LAUNCHES} repeats a side: no interval",
    )
    around = _around(side, line.ratio or 1.0) if tag == GATED else []
    return msgspec.structs.replace(
        line,
        base=means[0],
        candidate=means[1],
        base_launches=len(values.base),
        candidate_launches=len(values.candidate),
        note=", ".join(filter(None, [values.note, line.note, *around])),
    )


def _pooled(
    run: gate_rule.Judgement, values: Mapping[str, Sequence[_Values]], rows: Sequence[int]
) -> Iterator[PooledTest]:
    """Yield the tests of all cases together, by repeat; none where they decide nothing."""
    if run.pooled is None or run.pooled_slower is None:
        return
    quantities: dict[str, Pooled] = {GATED: "step time", LOW: "step time, 10 % quantile"}
    few = min(values[GATED][row].few for row in rows)
    for at, (tag, column) in enumerate(values.items()):
        log = float(run.pooled.log[at])
        if math.isfinite(log):
            yield PooledTest(
                quantity=quantities[tag],
                cases=sum(column[row].judged for row in rows),
                ratio=math.exp(log),
                p=float(run.pooled_slower[at]),
                margin=significance.POOLED_MARGIN,
                alpha=run.pooled_alpha,
                gates=few >= significance.GATE_LAUNCHES,
            )


def _around(side: Side, ratio: float) -> list[str]:
    """Return what else moved meanwhile: the GPU's clock, the launches of a side over time."""
    _, before, after = side
    drifts = (("base", calibration.drift(before)), ("candidate", calibration.drift(after)))
    said = [f"{name}: {drift}" for name, drift in drifts if drift]
    return [calibration.clocks(before, after, ratio), *said]


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
            return _Values((before, after))
    sides = [[metric.compute(record) for record in side] for side in (before, after)]
    # A launch that cannot answer is not silently left out: the others would look like all.
    known = [[v for v in side if v is not None and v > 0] for side in sides]
    if any(len(k) != len(s) for k, s in zip(known, sides, strict=True)):
        return _Values((before, after))
    return _Values((before, after), known[0], known[1], note)
