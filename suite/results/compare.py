"""One set of results against another: a verdict for each case, and whether a gate passes.

Cases are matched by profile and id. What differs in the work, the card, the weights or the schema
is refused unless it is allowed by name: its ratio would be of two different things.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from suite.errors import BadInput
from suite.results import calibration, parity, stats
from suite.results.collection import Collection
from suite.results.comparable import differing, packages, settings
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record
from suite.wire import Struct

#: Decides; one family of tests. Tokens per second are its reciprocals and would count it twice.
GATED = "step_seconds"
#: Shown with interval and verdict beside it; they decide nothing.
SHOWN = ("tokens_per_second", "joules_per_token", "first_step_seconds")
#: The same in every launch: any change is one.
EXACT = ("peak_allocated_bytes", "trainable_parameters")
#: All cases together may be slower by this before the pooled test fails a gate.
POOLED_MARGIN = 0.01

Allowed = Literal["work", "gpu", "weights", "schema"]
ALLOWED: tuple[Allowed, ...] = ("work", "gpu", "weights", "schema")
Key = tuple[str, str]  #: profile and case
Side = tuple[Key, list[Record], list[Record]]  #: good records of the base and the candidate


class Line(Struct, frozen=True, kw_only=True):
    """One quantity of one case. ``base`` and ``candidate`` are in the metric's unit.

    Of timed quantities geometric means over launches, of exact ones the highest. ``verdict`` is
    one of ``stats.Verdict``, "CHANGED", "UNKNOWN" or "" where there are too few launches for one.
    ``ratio`` is candidate over base, ``low`` and ``high`` its 95 % interval; ``smallest`` the
    share of a slowdown that could have been found; ``needed`` launches a side that would settle
    an INCONCLUSIVE. ``margin`` is what a change must exceed to be called one.
    """

    profile: str
    case_id: str
    metric: str
    verdict: str
    base_launches: int
    candidate_launches: int
    base: float | None = None
    candidate: float | None = None
    fails: bool = False
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    smallest: float | None = None
    needed: int | None = None
    margin: float | None = None
    note: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """A case that has numbers on one side only, and what became of it on the other."""

    profile: str
    case_id: str
    kind: Literal["missing", "newly failing", "newly passing", "new"]
    note: str

    @property
    def fails(self) -> bool:
        """Return whether a gate fails by it."""
        return self.kind in ("missing", "newly failing")


class Setting(Struct, frozen=True, kw_only=True):
    """An effective setting of a running model, or a package, that is another in the candidate.

    ``case_ids`` are the cases in which it changed so; "none" stands for what one side lacks.
    """

    setting: str
    base: str
    candidate: str
    case_ids: tuple[str, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """Everything found. ``pooled`` is the p-value of all cases together being slower.

    ``settings`` and ``packages`` that changed are said, also where nothing got slower by it; they
    fail no gate.
    """

    lines: tuple[Line, ...]
    changes: tuple[Change, ...]
    settings: tuple[Setting, ...]
    packages: tuple[Setting, ...]
    notes: tuple[str, ...]
    pooled: float | None
    pooled_ratio: float | None

    @property
    def failures(self) -> tuple[str, ...]:
        """Return why a gate fails, a phrase each; none where it passes."""
        found = [f"{each.case_id}: {each.kind}" for each in self.changes if each.fails]
        found += [
            f"{line.case_id}: {line.metric} {line.verdict}" for line in self.lines if line.fails
        ]
        if self.pooled is not None and self.pooled_ratio is not None:
            many = self.pooled < stats.SLOWER_ALPHA and self.pooled_ratio > 1 + POOLED_MARGIN
            found += ["all cases together: SLOWER"] if many else []
        return tuple(found)

    @property
    def open(self) -> tuple[str, ...]:
        """Return the cases whose step time is not settled."""
        inconclusive = (line for line in self.lines if line.metric == GATED)
        return tuple(
            line.case_id
            for line in inconclusive
            if line.verdict in ("", "UNKNOWN", stats.Verdict.INCONCLUSIVE)
        )


def compare(
    base: Collection,
    candidate: Collection,
    *,
    allow: Sequence[Allowed] = (),
    spreads: Mapping[Key, float] = MappingProxyType({}),
) -> Comparison:
    """Compare two collections; raises BadInput for what cannot be compared.

    ``spreads`` are calibrated ones of step time from launch to launch, where known: they widen
    the margin of the cases that scatter.
    """
    before, after = _cases(base, "base"), _cases(candidate, "candidate")
    if not before.keys() & after.keys():
        before, after = _across_cards(before, after, allow)
    notes = _same_input(base, candidate)
    changes, compared = [], []
    for key in dict.fromkeys([*before, *after]):
        change = _change(key, before.get(key), after.get(key))
        if change is not None:
            changes.append(change)
        elif _good(before[key]) and _good(after[key]):
            _refuse(key, before[key], after[key], allow)
            compared.append(key)
    if not compared and not changes:
        raise BadInput("no case has numbers on either side: nothing to compare")
    sides = [(key, _good(before[key]), _good(after[key])) for key in compared]
    lines, effects = _timed(GATED, sides, gated=True, spreads=spreads)
    others = [line for tag in SHOWN for line in _timed(tag, sides, gated=False)[0]]
    exact = [_exact(side, tag) for side in sides for tag in EXACT]
    losses = [_losses(side) for side in sides]
    order = {key: number for number, key in enumerate(compared)}
    found = [line for line in (*lines, *others, *exact, *losses) if line is not None]
    return Comparison(
        lines=tuple(sorted(found, key=lambda line: order[line.profile, line.case_id])),
        changes=tuple(changes),
        settings=_changed(sides, _settings),
        packages=_changed(sides, packages),
        notes=tuple(notes),
        pooled=stats.pooled(effects),
        pooled_ratio=statistics.geometric_mean(each.ratio for each in effects)
        if effects
        else None,
    )


def too_few(found: Comparison) -> str:
    """Return why these results cannot gate, or "": too few launches a side of a case."""
    for line in found.lines:
        fewest = min(line.base_launches, line.candidate_launches)
        if line.metric == GATED and fewest < stats.GATE_LAUNCHES:
            return (
                f"{line.case_id}: {fewest} of {stats.GATE_LAUNCHES} launches a side; steps of one"
                " launch are not replicates"
            )
    return ""


def _cases(side: Collection, name: str) -> dict[Key, list[Record]]:
    found: dict[Key, list[Record]] = {}
    for record in side.records:
        found.setdefault((record.profile, record.case_id), []).append(record)
    if not found:
        raise BadInput(f"{name}: no record in what was given")
    for (_, case_id), records in found.items():
        cards = sorted({_gpu(record) for record in records})
        if len(cards) > 1:
            raise BadInput(f"{name}: {case_id} ran on several GPUs: {', '.join(cards)}")
        if len({record.work_key for record in records}) > 1:
            raise BadInput(f"{name}: {case_id} did different work in different records")
    return found


def _changed(
    sides: Sequence[Side], of: Callable[[Record], Mapping[str, str]]
) -> tuple[Setting, ...]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for (_, case_id), before, after in sides:
        for each in differing(of(before[0]), of(after[0])):
            found.setdefault((each.setting, each.ours, each.theirs), []).append(case_id)
    return tuple(
        Setting(setting=name, base=ours, candidate=theirs, case_ids=tuple(case_ids))
        for (name, ours, theirs), case_ids in sorted(found.items())
    )


def _settings(record: Record) -> Mapping[str, str]:
    return {} if record.effective is None else settings(record.effective)


def _across_cards(
    before: dict[Key, list[Record]], after: dict[Key, list[Record]], allow: Sequence[Allowed]
) -> tuple[dict[Key, list[Record]], dict[Key, list[Record]]]:
    """Match by the case alone where no profile is on both sides, if that is allowed."""
    profiles = [sorted({profile for profile, _ in side}) for side in (before, after)]
    shared = {case_id for _, case_id in before} & {case_id for _, case_id in after}
    if not shared or any(len(names) > 1 for names in profiles):
        return before, after
    if "gpu" not in allow:
        raise BadInput(
            f"the same cases on another profile: {profiles[0][0]}, and {profiles[1][0]} after",
            hint="If that is what you want to compare: --allow gpu.",
        )
    return before, {(profiles[0][0], case_id): found for (_, case_id), found in after.items()}


def _good(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.outcome == "ok"]


def _gpu(record: Record) -> str:
    return "CPU" if record.environment.gpu is None else record.environment.gpu.name


def _same_input(base: Collection, candidate: Collection) -> list[str]:
    same = {r.record_id for r in base.records} & {r.record_id for r in candidate.records}
    if not same:
        return []
    return [f"{len(same)} records are on both sides: an A/A"]


def _change(key: Key, before: list[Record] | None, after: list[Record] | None) -> Change | None:
    passed, passes = bool(_good(before or ())), bool(_good(after or ()))
    if passed == passes:
        return None
    kind: Literal["missing", "newly failing", "newly passing", "new"]
    if passed:
        kind, odd = ("missing", None) if after is None else ("newly failing", after[0])
    else:
        kind, odd = ("new", None) if before is None else ("newly passing", before[0])
    note = "" if odd is None else f"{odd.outcome}: {odd.reason}"
    return Change(profile=key[0], case_id=key[1], kind=kind, note=note)


def _refuse(
    key: Key, before: Sequence[Record], after: Sequence[Record], allow: Sequence[Allowed]
) -> None:
    ours, theirs = _good(before)[0], _good(after)[0]
    looked_at: tuple[tuple[Allowed, Callable[[Record], object]], ...] = (
        ("work", lambda record: (record.work_key, record.case.loop)),
        ("gpu", _gpu),
        ("weights", lambda record: record.weights),
        ("schema", lambda record: record.schema),
    )
    for name, of in looked_at:
        if of(ours) != of(theirs) and name not in allow:
            said = "" if name == "work" else f": {of(ours)} in the base, {of(theirs)} after"
            raise BadInput(
                f"{key[1]}: another {name}{said}",
                hint=f"If that is what you want to compare: --allow {name}.",
            )


def _timed(
    tag: str, sides: Sequence[Side], *, gated: bool, spreads: Mapping[Key, float] | None = None
) -> tuple[list[Line], list[stats.Effect]]:
    metric = all_metrics()[tag]
    # What is better higher goes in upside down, so that more is worse everywhere.
    turned = metric.better == "higher"
    drafts: list[tuple[Side, _Values, stats.Effect | None]] = []
    for side in sides:
        values = _values(metric, *side[1:])
        effect = None
        if min(len(values.base), len(values.candidate)) >= stats.LEAST_LAUNCHES:
            both = (values.base, values.candidate)
            effect = stats.effect(
                *([1 / v for v in each] if turned else each for each in both),
                spread=(spreads or {}).get(side[0]),
            )
        drafts.append((side, values, effect))
    effects = [effect for _, _, effect in drafts if effect is not None]
    answers = iter(stats.verdicts(effects))
    lines = []
    for side, values, effect in drafts:
        if not values.base or not values.candidate:
            if gated:
                lines.append(_line(side, tag, "UNKNOWN", note="a launch has no steady step"))
            continue
        means = [statistics.geometric_mean(each) for each in (values.base, values.candidate)]
        found = _line(
            side,
            tag,
            "",
            base=means[0],
            candidate=means[1],
            base_launches=len(values.base),
            candidate_launches=len(values.candidate),
            ratio=means[1] / means[0],
        )
        few = f"fewer than {stats.LEAST_LAUNCHES} launches a side: no interval"
        clock = calibration.clocks(*side[1:], means[1] / means[0]) if gated else ""
        notes = [values.note, few if effect is None else "", clock]
        found = msgspec.structs.replace(found, note=", ".join(filter(None, notes)))
        if effect is not None:
            verdict = next(answers)
            open_ = verdict == stats.Verdict.INCONCLUSIVE
            found = msgspec.structs.replace(
                found,
                verdict=str(verdict),
                fails=gated and verdict == stats.Verdict.SLOWER,
                low=1 / effect.high if turned else effect.low,
                high=1 / effect.low if turned else effect.high,
                smallest=effect.smallest,
                needed=stats.launches_needed(effect) if open_ else None,
                margin=effect.margin,
            )
        lines.append(found)
    return lines, effects


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


def _line(side: Side, metric: str, verdict: str, **rest: Any) -> Line:
    (profile, case_id), before, after = side
    launches = {"base_launches": len(before), "candidate_launches": len(after)}
    return Line(
        profile=profile,
        case_id=case_id,
        metric=metric,
        verdict=verdict,
        **{**launches, **rest},
    )


def _exact(side: Side, tag: str) -> Line | None:
    metric = all_metrics()[tag]
    values = [[metric.compute(record) for record in records] for records in side[1:]]
    ours, theirs = (max((v for v in each if v is not None), default=None) for each in values)
    if ours is None or theirs is None:
        return None
    # Trained parameters are the work; memory may shrink, and grow by what does not matter.
    worse = theirs != ours
    if metric.better == "lower":
        worse = theirs > ours * (1 + stats.MARGIN)
    return _line(
        side,
        tag,
        "SAME" if ours == theirs else "CHANGED",
        base=ours,
        candidate=theirs,
        fails=worse,
        ratio=theirs / ours if ours else None,
    )


def _losses(side: Side) -> Line:
    _, before, after = side
    found = parity.between(after[0], before[0])
    verdict = {"agrees": "SAME", "differs": "CHANGED", "no reference": "UNKNOWN"}[found.verdict]
    first_loss = all_metrics()["first_loss"].compute
    return _line(
        side,
        "loss",
        verdict,
        base=first_loss(before[0]),
        candidate=first_loss(after[0]),
        fails=found.verdict == "differs",
        note=found.reason,
    )
