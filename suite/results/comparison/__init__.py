"""One set of results against another: a verdict for each case, and whether a gate passes.

Cases are matched by profile and id. What differs in the work, the kind of GPU, the weights or the
schema is refused unless it is allowed by name: its ratio would be of two different things.
``decide`` is what every verb asks whether a gate passes.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from suite.errors import EXIT_CASES, BadInput
from suite.results.comparison import match as sides
from suite.results.comparison import quantities as lines
from suite.results.comparison.asked import asked
from suite.results.comparison.decision import Decision, decide
from suite.results.comparison.likeness import unlike
from suite.results.comparison.report import (
    GATED,
    LOW,
    CaseChange,
    ChangedSetting,
    Comparison,
    FailedLaunch,
    PooledTest,
    QuantityResult,
    Unlike,
)
from suite.results.comparison.side import ALLOWED, Allowed, Side
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.scatter import calibration
from suite.results.scatter.calibration import Spreads
from suite.results.stats import significance
from suite.results.storage.reader import Collection
from suite.results.validity import parity
from suite.results.validity.comparable import arguments, differing, packages, settings

__all__ = ["ALLOWED", "COMPUTED", "GATED", "LOW", "Allowed", "CaseChange", "Comparison"]
__all__ += ["ChangedSetting", "Decision", "FailedLaunch", "PooledTest", "QuantityResult", "Unlike"]
__all__ += ["compare", "compute", "decide"]

#: Shown with interval and verdict beside it; they decide nothing.
SHOWN = ("tokens_per_second", "joules_per_token", "first_step_seconds")
#: Hardly another from launch to launch, and by how much of it that is no change.
EXACT = {
    "peak_allocated_bytes": 0.0,
    "peak_reserved_bytes": significance.MARGIN,
    "peak_nvml_process_bytes": significance.MARGIN,
    "trainable_parameters": 0.0,
}
COMPUTED = (GATED, LOW, *SHOWN, calibration.CLOCK)  #: from samples, so at some cost
#: Said where sides were measured one after the other.
APART = (
    "one side was measured after the other: a machine that drifts, or another day, is in their"
    " difference. Repeats in turns (./tunebench upgrade-check) would exclude that"
)


class NothingCompared(BadInput):
    """There are results, and none of them has numbers."""

    exit_code = EXIT_CASES


def compare(
    base: Collection,
    candidate: Collection,
    *,
    allow: Sequence[Allowed] = (),
    spreads: Spreads = MappingProxyType({}),
) -> Comparison:
    """Compare two collections; raises BadInput for what cannot be compared.

    ``spreads`` are calibrated ones of step times from launch to launch, where known: they count
    beside what the two sides show.
    """
    before, after = sides.cases(base, "base"), sides.cases(candidate, "candidate")
    if not before.keys() & after.keys():
        before, after = sides.across_cards(before, after, allow)
    changes, failed, compared = [], [], list[Side]()
    for key in dict.fromkeys([*before, *after]):
        change = sides.change(key, before.get(key), after.get(key))
        if change is not None:
            changes.append(change)
        else:
            sides.refuse(key, before[key], after[key], allow)
            failed += sides.failed(key, before[key], after[key])
            compared.append((key, sides.good(before[key]), sides.good(after[key])))
    if not any(sides.good(records) for records in (*before.values(), *after.values())):
        raise NothingCompared("no case has numbers on either side: nothing to compare")
    compute((*base.records, *candidate.records))
    # numpy and scipy take a fifth of a second to import: only what compares pays for them.
    from suite.results.comparison import times
    from suite.results.comparison.turns import RepeatGrid
    from suite.results.stats.designs import Design

    grid = RepeatGrid(compared)
    gated, together = times.gated(grid, spreads)
    others = [line for tag in SHOWN for line in times.shown(grid, tag)]
    exact = [lines.exact(s, tag, within=share) for s in compared for tag, share in EXACT.items()]
    losses = [lines.losses(side) for side in compared]
    order = {key: number for number, (key, _, _) in enumerate(compared)}
    results = [line for line in (*gated, *others, *exact, *losses) if line is not None]
    notes = list(sides.same_input(base, candidate))
    if Design.APART in grid.designs and not notes:
        notes.append(APART)
    return Comparison(
        lines=tuple(sorted(results, key=lambda line: order[line.profile, line.case_id])),
        changes=tuple(changes),
        failed=tuple(failed),
        settings=(
            *_changed(compared, _settings),
            *_changed([side for side in compared if _know_arguments(side)], _arguments),
        ),
        packages=_changed(compared, packages),
        notes=tuple(notes),
        pooled=(*together, *_pooled(compared, [] if together else gated)),
        unlike=unlike(compared, allow),
        asked=tuple(asked(base, candidate)),
    )


def _pooled(compared: Sequence[Side], times: Sequence[QuantityResult]) -> Iterator[PooledTest]:
    """Yield the tests of all cases together that have the cases as replicates.

    A loss may part by half of what one case's may; of cases with different bands that is half of
    their mean. ``times`` are those of sides that did not take turns: shown, and no gate fails by
    them, for a machine that drifts moves all cases alike.
    """
    ratios = [line.ratio for line in times if line.metric == GATED and line.ratio is not None]
    p = significance.pooled(ratios)
    if p is not None:
        yield PooledTest(
            quantity="step time",
            cases=len(ratios),
            ratio=statistics.geometric_mean(ratios),
            p=p,
            margin=significance.POOLED_MARGIN,
            alpha=significance.POOLED_ALPHA,
            gates=False,
        )
    losses = [ratio for side in compared if (ratio := lines.loss_ratio(side)) is not None]
    bands = [parity.band(before[0]).trajectory for _, before, _ in compared]
    p = significance.pooled(losses)
    if p is not None:
        yield PooledTest(
            quantity="loss",
            cases=len(losses),
            ratio=statistics.geometric_mean(losses),
            p=p,
            margin=statistics.fmean(bands) / 2,
            alpha=significance.LOSS_ALPHA,
            gates=True,
        )


def compute(records: Iterable[Record]) -> None:
    """Have everything computed that a comparison asks for, a record after the other.

    Metrics are kept, samples are not: so a record's telemetry is unpacked once, not once a metric.
    """
    for record in records:
        if record.outcome == "ok":
            for tag in COMPUTED:
                all_metrics()[tag].compute(record)


def _changed(
    compared: Sequence[Side], of: Callable[[Record], Mapping[str, str]]
) -> tuple[ChangedSetting, ...]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for (_, case_id), before, after in compared:
        for each in differing(of(before[0]), of(after[0])):
            found.setdefault((each.setting, each.ours, each.theirs), []).append(case_id)
    return tuple(
        ChangedSetting(setting=name, base=ours, candidate=theirs, case_ids=tuple(case_ids))
        for (name, ours, theirs), case_ids in sorted(found.items())
    )


def _settings(record: Record) -> Mapping[str, str]:
    return {} if record.effective is None else settings(record.effective)


def _arguments(record: Record) -> Mapping[str, str]:
    return {} if record.effective is None else arguments(record.effective)


def _know_arguments(side: Side) -> bool:
    """Return whether both sides were recorded with all arguments; older ones were not."""
    return all(_arguments(records[0]) for records in side[1:])
