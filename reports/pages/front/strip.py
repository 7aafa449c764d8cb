"""The published claim, "up to 3x faster": a dot for each comparison, a row for each baseline."""

from collections.abc import Sequence

import msgspec

from reports.analysis.dataset import Dataset
from reports.pages.front.marks import AxisTick, LogAxis
from reports.pages.front.words import gpu_names, times
from reports.published.headline_claim import FASTER, ClaimCase, claim_cases, speeds
from suite import units
from suite.results.pooled import PairedRatio

#: Kind of baseline ("" is plain PEFT, as precise) to what it is called.
_ROWS = {
    "naive": "a naive script",
    "": "plain PEFT, equal precision",
    "liger": "PEFT + Liger kernels",
}
_TICKS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_LEVELS = (50, 28, 72)  #: heights of dots that follow each other, so that they can be counted


class StripDot(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison: its place in percent, and what it is of."""

    at: float
    level: int
    title: str


class StripRow(msgspec.Struct, frozen=True, kw_only=True):
    """All comparisons with one kind of baseline."""

    range: str
    name: str
    count: str
    dots: tuple[StripDot, ...]


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """The plot; ``marks`` are where nothing is gained and where the claim would hold."""

    title: str
    rows: tuple[StripRow, ...]
    ticks: tuple[AxisTick, ...]
    marks: tuple[float, ...]


def strip(dataset: Dataset) -> Strip | None:
    """Return the plot, None where Unsloth was compared with nothing."""
    cases = claim_cases(dataset)
    ratios = {kind: speeds(cases, kind) for kind in _ROWS}
    found = {kind: [ratio.value for _, ratio in each] for kind, each in ratios.items()}
    values = [value for each in found.values() for value in each]
    if not values:
        return None
    scaled = LogAxis(begin=min(1.0, *values) * 0.95, end=max(FASTER, *values) * 1.05)
    names = gpu_names(dataset)
    rows = [_row(kind, each, scaled, names) for kind, each in ratios.items() if each]
    return Strip(
        title=_title(found),
        rows=tuple(rows),
        ticks=scaled.ticks(_TICKS),
        marks=(scaled.at(1.0), scaled.at(FASTER)),
    )


def _row(
    kind: str,
    ratios: Sequence[tuple[ClaimCase, PairedRatio]],
    scaled: LogAxis,
    names: dict[str, str],
) -> StripRow:
    listed = sorted(ratios, key=lambda each: each[1].value)
    dots = tuple(
        StripDot(
            at=scaled.at(ratio.value),
            level=_LEVELS[number % len(_LEVELS)],
            title=f"{_words(case, names)}: {ratio.value:.1f}×",
        )
        for number, (case, ratio) in enumerate(listed)
    )
    values = [ratio.value for _, ratio in listed]
    return StripRow(
        range=times(values),
        name=_ROWS[kind],
        count=units.counted(len(values), "comparison"),
        dots=dots,
    )


def _words(case: ClaimCase, names: dict[str, str]) -> str:
    ours = case.group.case
    return f"{ours.method.title}, {ours.model.title}, {names[case.group.first.profile]}"


def _title(found: dict[str, list[float]]) -> str:
    hits = {kind: sum(value >= FASTER for value in values) for kind, values in found.items()}
    total, everything = sum(hits.values()), sum(map(len, found.values()))
    claim = f"“{FASTER:g}× faster”"
    if not total:
        return f"{claim}: reached in none of {units.counted(everything, 'comparison')}"
    if total == hits["naive"]:
        verb = "reaches" if total == 1 else "reach"
        return f"{claim} takes a naive baseline: {total} of {len(found['naive'])} {verb} it"
    return f"{claim}: reached in {total} of {units.counted(everything, 'comparison')}"
