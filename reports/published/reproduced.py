"""Is a published figure reproduced here? Only where the work is the same; mostly it is not.

Every figure is held against the nearest case that was measured, the one with the fewest criteria
that differ. A verdict on the number needs every criterion stated and the same; otherwise the
figures stand side by side and are not compared.
"""

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from reports.analysis.baselines import settings as comparable_settings
from reports.analysis.card_pairs import throughput
from reports.analysis.dataset import Dataset
from reports.analysis.workloads import work_groups
from reports.published.match import Criterion, counter, criteria, listed
from reports.published.sources import RATIOS, STATEMENTS, PublishedFigure
from reports.text import phrases
from reports.text.numbers import BASELINE, hindrance, verdict
from suite.results.metrics import Metric, all_metrics
from suite.results.pooled import paired
from suite.results.replicates import MedianWithRange, Replicates, summarize

#: A figure counts as reproduced within this share of the published one. Sources print two digits
#: and no interval; driver, library versions and cooling move step times by several percent.
TOLERANCE = 0.1

MatchVerdict = Literal["reproduced", "not reproduced", "not comparable"]

#: Quantities that a metric of the same name answers.
_METRICS = ("tokens_per_second", "step_seconds", "model_flops_per_second")


class PublishedMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and what was measured nearest to it.

    ``value`` is over launches, ``ratio`` of medians, both in the unit of the figure's quantity;
    None where the figure is a statement, or nothing was measured (``group`` is None then).
    """

    kind: MatchVerdict
    why: str
    group: Replicates | None = None
    base: Replicates | None = None
    value: MedianWithRange | None = None
    ratio: float | None = None
    criteria: tuple[Criterion, ...] = ()


def usable(dataset: Dataset) -> list[list[Replicates]]:
    """Return the cases that a figure can be held against, by what they compare within.

    They ran on a GPU and their losses do not differ from their reference's: a fast wrong run
    reproduces nothing.
    """
    return comparable_settings(
        [
            group
            for group in (case.repeats for case in dataset.cases)
            if group.ok
            and group.best.environment.gpu is not None
            and verdict(group, dataset.references).kind != "bad"
        ]
    )


def nearest_match(
    figure: PublishedFigure, dataset: Dataset, cases: list[list[Replicates]] | None = None
) -> PublishedMatch:
    """Return the verdict on one figure; ``cases`` are those of ``usable``, found once for many."""
    if figure.quantity == "run_seconds":
        return PublishedMatch(kind="not comparable", why="nothing here trains to a target loss")
    if figure.quantity == "faster_card":
        return _cards(figure, dataset)
    candidates = list(_candidates(figure, usable(dataset) if cases is None else cases))
    if not candidates:
        return _nothing(figure, dataset)
    nearest = min(candidates, key=lambda each: _distance(figure, each))
    apart = _reasons(nearest.criteria)
    if apart:
        return msgspec.structs.replace(nearest, why=apart)
    ours = _ours(nearest)
    if figure.quantity == "runs":
        return msgspec.structs.replace(nearest, kind="reproduced", why="it runs here as well")
    if ours is None:
        return msgspec.structs.replace(nearest, why="the number is unknown here")
    kind: MatchVerdict = "reproduced" if agrees(figure, ours) else "not reproduced"
    return msgspec.structs.replace(nearest, kind=kind, why="every setting is stated and the same")


def agrees(figure: PublishedFigure, ours: float) -> bool:
    """Return whether our number is within ``TOLERANCE`` of the figure, or beyond its bound.

    Shares of memory saved are compared by what is left: 80 % and 78 % less are 10 % apart.
    """
    if figure.value is None:
        raise ValueError(f"a statement has no number: {figure.claim}")
    published = figure.value
    if figure.quantity == "memory_saved_share":
        share = (1 - ours) / (1 - published)
        if figure.bound in ("up to", "at least"):
            return share <= 1 + TOLERANCE + 1e-9
    else:
        share = ours / published
        if figure.bound in ("up to", "at least"):
            return share >= 1 - TOLERANCE - 1e-9
    return abs(share - 1) <= TOLERANCE + 1e-9


def _candidates(
    figure: PublishedFigure, cases: list[list[Replicates]]
) -> Iterator[PublishedMatch]:
    wanted = figure.settings
    for groups in cases:
        if groups[0].case.model.name not in wanted.models:
            continue
        for group in groups:
            if wanted.methods and group.case.method.name not in wanted.methods:
                continue
            if figure.quantity in RATIOS:
                for base in _bases(figure, group, groups):
                    pairs = paired(group, base, _metric(figure))
                    ratio = None if pairs is None else pairs.value
                    if ratio is not None and figure.quantity == "memory_saved_share":
                        ratio = 1 - ratio
                    yield _side_by_side(figure, group, base, ratio=ratio)
            elif figure.quantity in STATEMENTS:
                yield _side_by_side(figure, group, None)
            else:
                value = summarize(group, _metric(figure))
                yield _side_by_side(figure, group, None, value=value)


def _bases(
    figure: PublishedFigure, group: Replicates, groups: list[Replicates]
) -> list[Replicates]:
    """Return what could be the baseline: what the source may mean, else plain and reference."""
    method = group.case.method
    names = figure.settings.baselines or tuple(filter(None, (method.reference, BASELINE)))
    found = [each for each in groups if each.case.method.name in names and each is not group]
    return [base for base in found if not hindrance(group, base)]


def _metric(figure: PublishedFigure) -> Metric:
    if figure.quantity in _METRICS:
        return all_metrics()[figure.quantity]
    if figure.quantity in ("speed_ratio", "faster_card"):
        return all_metrics()["tokens_per_second"]
    return all_metrics()[f"peak_{counter(figure.settings)}_bytes"]


def _side_by_side(
    figure: PublishedFigure,
    group: Replicates,
    base: Replicates | None,
    *,
    value: MedianWithRange | None = None,
    ratio: float | None = None,
) -> PublishedMatch:
    return PublishedMatch(
        kind="not comparable",
        why="",
        group=group,
        base=base,
        value=value,
        ratio=ratio,
        criteria=criteria(figure, group, base),
    )


def _ours(found: PublishedMatch) -> float | None:
    return found.ratio if found.value is None else found.value.median


def _distance(figure: PublishedFigure, found: PublishedMatch) -> tuple[int, float, float]:
    """Return how far a case is: criteria that differ, then lengths, then the number itself.

    The number decides last, in favour of the source: of equally near cases it gets its best.
    """
    differing = sum(criterion.state == "differs" for criterion in found.criteria)
    apart, length = 0.0, figure.settings.sequence_tokens
    if length is not None and found.group is not None:
        apart = abs(math.log(found.group.case.workload.sequence_tokens / length))
    ours = _ours(found)
    number = math.inf if ours is None else abs(ours - (figure.value or ours))
    return differing, apart, number


def _reasons(found: tuple[Criterion, ...]) -> str:
    """Return why two figures are not comparable, or nothing where they are."""
    parts = []
    if differing := listed(found, "differs"):
        parts.append(f"other {differing}")
    if unstated := listed(found, "not stated"):
        parts.append(f"{unstated} not stated")
    return "; ".join(parts)


def _nothing(figure: PublishedFigure, dataset: Dataset) -> PublishedMatch:
    """Return why no case stands beside a figure: its outcome, where one was tried."""
    wanted = figure.settings
    model = wanted.model or ", ".join(wanted.models)
    if not model:
        return PublishedMatch(kind="not comparable", why="model not stated")
    tried = [group for group in dataset.groups if group.case.model.name in wanted.models]
    for group in tried:
        if group.case.method.name in wanted.methods and not group.ok:
            why = f"{group.case.method.title} here: {phrases.outcome(group.best).lower()}"
            return PublishedMatch(kind="not comparable", why=why, group=group)
    if tried:
        return PublishedMatch(kind="not comparable", why=f"{model}: no such case has numbers here")
    return PublishedMatch(kind="not comparable", why=f"{model} was not measured here")


def _cards(figure: PublishedFigure, dataset: Dataset) -> PublishedMatch:
    """Return a statement about two cards beside one case that ran on both."""
    wanted = figure.settings
    best: PublishedMatch | None = None
    for work in work_groups(dataset):
        if work.model.name not in wanted.models:
            continue
        for faster in wanted.profiles:
            for slower in figure.slower:
                for method in work.methods:
                    if wanted.methods and method.name not in wanted.methods:
                        continue
                    here = work.cells.get((method.name, faster))
                    there = work.cells.get((method.name, slower))
                    if here is None or there is None or not here.shown.ok or not there.shown.ok:
                        continue
                    found = throughput(here.shown, there.shown)
                    ratio = None if found is None else found.value
                    best = best or _side_by_side(figure, here.shown, there.shown, ratio=ratio)
    if best is None:
        return PublishedMatch(kind="not comparable", why="no case was measured on both GPUs")
    if apart := _reasons(best.criteria):
        return msgspec.structs.replace(best, why=apart)
    kind: MatchVerdict = "reproduced" if (best.ratio or 0) > 1 else "not reproduced"
    return msgspec.structs.replace(best, kind=kind, why="the same workload on both GPUs")
