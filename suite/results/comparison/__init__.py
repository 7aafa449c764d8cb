"""One set of results against another: a verdict for each case, and whether a gate passes.

Cases are matched by profile and id. What differs in the work, the card, the weights or the schema
is refused unless it is allowed by name: its ratio would be of two different things.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from suite.errors import EXIT_CASES, BadInput
from suite.results.comparison import match as sides
from suite.results.comparison import quantities as lines
from suite.results.comparison.asked import asked
from suite.results.comparison.match import ALLOWED, Allowed, Key, Side
from suite.results.comparison.report import (
    GATED,
    CaseChange,
    ChangedSetting,
    Comparison,
    FailedLaunch,
    PooledTest,
    QuantityResult,
)
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.scatter import calibration
from suite.results.stats import significance
from suite.results.storage.reader import Collection
from suite.results.validity import parity
from suite.results.validity.comparable import arguments, differing, packages, settings

__all__ = ["ALLOWED", "COMPUTED", "GATED", "Allowed", "CaseChange", "Comparison", "FailedLaunch"]
__all__ += ["ChangedSetting", "PooledTest", "QuantityResult", "compare", "compute", "too_few"]

#: Shown with interval and verdict beside it; they decide nothing.
SHOWN = ("step_seconds_low", "tokens_per_second", "joules_per_token", "first_step_seconds")
#: The same in every launch: any change is one.
EXACT = ("peak_allocated_bytes", "trainable_parameters")
COMPUTED = (GATED, *SHOWN, calibration.CLOCK)  #: from samples, so at some cost


class NothingCompared(BadInput):
    """There are results, and none of them has numbers."""

    exit_code = EXIT_CASES


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
    gated, effects = lines.timed(GATED, compared, gated=True, spreads=spreads)
    others = [line for tag in SHOWN for line in lines.timed(tag, compared, gated=False)[0]]
    exact = [lines.exact(side, tag) for side in compared for tag in EXACT]
    losses = [lines.losses(side) for side in compared]
    order = {key: number for number, (key, _, _) in enumerate(compared)}
    results = [line for line in (*gated, *others, *exact, *losses) if line is not None]
    return Comparison(
        lines=tuple(sorted(results, key=lambda line: order[line.profile, line.case_id])),
        changes=tuple(changes),
        failed=tuple(failed),
        settings=(
            *_changed(compared, _settings),
            *_changed([side for side in compared if _know_arguments(side)], _arguments),
        ),
        packages=_changed(compared, packages),
        notes=tuple(sides.same_input(base, candidate)),
        pooled=tuple(_pooled(compared, [each.ratio for each in effects])),
        asked=tuple(asked(base, candidate)),
    )


def _pooled(compared: Sequence[Side], times: Sequence[float]) -> Iterator[PooledTest]:
    """Yield the tests of all cases together; a loss may part by half of what one case's may.

    Of cases with different bands that is half of their mean.
    """
    losses = [ratio for side in compared if (ratio := lines.loss_ratio(side)) is not None]
    bands = [parity.band(before[0]).trajectory for _, before, _ in compared]
    quantities: tuple[tuple[Literal["step time", "loss"], Sequence[float], float], ...]
    quantities = (
        ("step time", times, significance.MARGIN / 2),
        ("loss", losses, statistics.fmean(bands or [0.0]) / 2),
    )
    for quantity, ratios, margin in quantities:
        p = significance.pooled(ratios)
        if p is not None:
            ratio = statistics.geometric_mean(ratios)
            cases = len(ratios)
            yield PooledTest(quantity=quantity, cases=cases, ratio=ratio, p=p, margin=margin)


def compute(records: Iterable[Record]) -> None:
    """Have everything computed that a comparison asks for, a record after the other.

    Metrics are kept, samples are not: so a record's telemetry is unpacked once, not once a metric.
    """
    for record in records:
        if record.outcome == "ok":
            for tag in COMPUTED:
                all_metrics()[tag].compute(record)


def too_few(found: Comparison, wanted: int = significance.GATE_LAUNCHES) -> str:
    """Return why these results cannot gate, or "": too few good launches a side of a case.

    A case that fails the gate by its failed launches is no such case: it has its answer.
    """
    answered = {(each.profile, each.case_id) for each in found.failed if each.fails}
    for line in found.lines:
        if (line.profile, line.case_id) in answered:
            continue
        fewest = min(line.base_launches, line.candidate_launches)
        if line.metric == GATED and fewest < wanted:
            return (
                f"{line.case_id}: {fewest} of {wanted} repeats a side; steps of one"
                " repeat are not replicates"
            )
    return ""


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
