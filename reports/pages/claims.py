"""The claims page: every published figure beside what was measured here, source by source."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from reports.analysis.dataset import Dataset
from reports.analysis.workloads import profile_titles
from reports.pages.claim_verdict import ClaimVerdict, claim_verdict
from reports.published import host_part, plausible
from reports.published.match import Criterion
from reports.published.plausible import PlausibilityCheck
from reports.published.reproduced import (
    TOLERANCE,
    MatchVerdict,
    PublishedMatch,
    nearest_match,
    usable,
)
from reports.published.sources import PublishedFigure, Reference, Settings, everything
from reports.text import facts, phrases
from reports.text.figures import number as shown_number
from reports.text.numbers import Number, exact, record_page
from suite import units
from suite.results.metrics import all_metrics
from suite.results.replicates import Replicates, summarize

VERDICTS: dict[MatchVerdict, str] = {
    "reproduced": "good",
    "not reproduced": "bad",
    "not comparable": "none",
}


class NearestMeasurement(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured nearest: a number, or words where there is none, and what it is of."""

    number: Number
    case: str
    launches: str
    base: str = ""
    base_href: str = ""


class ClaimRow(msgspec.Struct, frozen=True, kw_only=True):
    """One published figure; ``mark`` is the class of its verdict.

    ``host`` says what part of it the host can explain, where that was asked.
    """

    anchor: str
    claim: str
    stated: str
    note: str
    published: str
    check: PlausibilityCheck | None
    ours: NearestMeasurement | None
    verdict: MatchVerdict
    mark: str
    why: str
    criteria: tuple[Criterion, ...]
    host: tuple[str, ...] = ()

    @property
    def compared(self) -> bool:
        """Return whether something measured here says anything of it."""
        return bool(self.criteria or self.host)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One source with its figures and, in words, how they fared."""

    anchor: str
    reference: Reference
    lines: tuple[ClaimRow, ...]
    fared: str

    @property
    def checked(self) -> bool:
        """Return whether any figure implies arithmetic."""
        return any(line.check is not None for line in self.lines)

    @property
    def beside(self) -> tuple[ClaimRow, ...]:
        """Return the figures that a case stands beside."""
        return tuple(line for line in self.lines if line.compared)

    @property
    def alone(self) -> tuple[tuple[None, ClaimRow], ...]:
        """Return the figures that nothing stands beside; their source need not be said."""
        return tuple((None, line) for line in self.lines if not line.compared)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing measured here stands beside some figures, how many, and whose they are."""

    text: str
    figures: int
    sources: tuple[Source, ...]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """The page."""

    verdict: ClaimVerdict | None
    summary: str
    tolerance: str
    cards: str
    sources: tuple[Source, ...]
    reasons: tuple[Reason, ...]

    @property
    def compared(self) -> tuple[tuple[Source, ClaimRow], ...]:
        """Return every figure that a case stands beside, with its source."""
        return tuple((source, line) for source in self.sources for line in source.beside)


def page(dataset: Dataset, references: Sequence[Reference] | None = None) -> Claims:
    """Return the page of a collection; ``references`` default to the repository's."""
    known = everything() if references is None else references
    cases = usable(dataset)
    sources = tuple(_source(reference, dataset, cases) for reference in known)
    lines = [line for source in sources for line in source.lines]
    total = f"{units.counted(len(lines), 'figure')} from {units.counted(len(sources), 'source')}"
    beside = sum(line.compared for line in lines)
    return Claims(
        verdict=claim_verdict(dataset, known),
        reasons=_reasons(sources),
        summary=(
            f"{total}: {_fared(lines)}."
            f" {units.counted(beside, 'figure')} with a case measured here beside it."
        ),
        tolerance=units.percent(TOLERANCE),
        cards=", ".join(profile_titles(dataset).values()) or "nothing yet",
        sources=sources,
    )


def _reasons(sources: Sequence[Source]) -> tuple[Reason, ...]:
    """Return the reasons of all figures without a case beside them, the commonest first."""
    by_text: dict[str, list[Source]] = {}
    for source in sources:
        for line in source.lines:
            if not line.compared:
                by_text.setdefault(line.why, []).append(source)
    return tuple(
        Reason(text=text, figures=len(found), sources=tuple({s.anchor: s for s in found}.values()))
        for text, found in sorted(by_text.items(), key=lambda each: (-len(each[1]), each[0]))
    )


def _source(reference: Reference, dataset: Dataset, cases: list[list[Replicates]]) -> Source:
    anchor = f"source-{reference.name.replace('.', '-')}"
    lines = tuple(
        _line(f"{anchor}-{index}", figure, nearest_match(figure, dataset, cases), dataset)
        for index, figure in enumerate(reference.figures, 1)
    )
    return Source(anchor=anchor, reference=reference, lines=lines, fared=_fared(lines))


def _fared(lines: Sequence[ClaimRow]) -> str:
    """Return how many figures have each verdict, and how many cannot be true."""
    counts = Counter(line.verdict for line in lines)
    said = [f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind]]
    impossible = sum(line.check is not None and line.check.kind == "impossible" for line in lines)
    text = ", ".join(said)
    return f"{text}; of these {impossible} impossible as printed" if impossible else text


def _line(
    anchor: str, figure: PublishedFigure, found: PublishedMatch, dataset: Dataset
) -> ClaimRow:
    return ClaimRow(
        anchor=anchor,
        claim=figure.claim,
        stated=stated(figure.settings),
        note=figure.note,
        published=published(figure),
        check=plausible.check(figure),
        ours=_ours(figure, found),
        verdict=found.kind,
        mark=VERDICTS[found.kind],
        why=found.why,
        criteria=found.criteria,
        host=host_part.sentences(figure, dataset),
    )


def published(figure: PublishedFigure) -> str:
    """Return the figure as its source has it; sizes in GB also in GiB, if decimal is meant."""
    bound = "" if figure.bound == "exactly" else f"{figure.bound} "
    if figure.value is None:
        return "yes"
    text = figure.printed or _as_printed(figure, figure.value)
    if figure.quantity == "peak_memory_bytes" and text.endswith(" GB"):
        text += f" ({units.bytes_(figure.value)} if decimal)"
    return bound + text


def stated(settings: Settings) -> str:
    """Return what the source states of the settings, in one line."""
    sizes = (
        (settings.sequence_tokens, "{:,} tokens long"),
        (settings.batch_sequences, "batch {}"),
        (settings.gradient_accumulation, "{} batches accumulated"),
        (settings.rank, "rank {}"),
    )
    parts = [settings.hardware, settings.model, settings.method]
    parts += [text.format(value) for value, text in sizes if value is not None]
    parts += [settings.rows if settings.rows != "one length" else "fixed-length sequences"]
    parts += [settings.data, settings.targets and f"adapters on {settings.targets}"]
    parts += [settings.flops_precision and settings.flops_precision.upper(), settings.software]
    parts += [settings.baseline and f"vs {settings.baseline}"]
    return " · ".join(text for text in parts if text) or "no setting stated"


def _as_printed(figure: PublishedFigure, value: float) -> str:
    """Return a published value with the digits that its source printed and no more."""
    match figure.quantity:
        case "tokens_per_second":
            return f"{value:,.12g} token/s"
        case "step_seconds":
            return f"{value:.12g} s" if value >= 1 else f"{value * 1e3:.12g} ms"
        case "speed_ratio":
            return f"{value:.12g}×"
        case "memory_saved_share":
            return f"{value * 100:.12g} % less"
        case _:
            return _text(figure, value)


def _text(figure: PublishedFigure, value: float) -> str:
    match figure.quantity:
        case "tokens_per_second":
            return units.rate(value, "token/s")
        case "step_seconds" | "run_seconds":
            return units.seconds(value)
        case "model_flops_per_second":
            return units.scaled(value, "FLOP/s")
        case "peak_memory_bytes":
            return units.bytes_(value)
        case "memory_saved_share":
            return f"{units.percent(abs(value))} {'less' if value >= 0 else 'more'}"
        case _:
            return units.ratio(value)


def _ours(figure: PublishedFigure, found: PublishedMatch) -> NearestMeasurement | None:
    group, base = found.group, found.base
    if group is None:
        return None
    work = [phrases.case_title(group.case), phrases.work(group.case.workload)]
    title = facts.profile_title(group.records, group.first.profile)
    against = ""
    if base is not None:
        other = facts.profile_title(base.records, base.first.profile)
        against = base.case.method.title if other == title else other
    return NearestMeasurement(
        number=_nearest_number(figure, found, group),
        case=" · ".join([*work, title]),
        launches=phrases.repeats(group),
        base=against,
        base_href="" if base is None else record_page(base.best),
    )


def _nearest_number(figure: PublishedFigure, found: PublishedMatch, group: Replicates) -> Number:
    """Return the number to hold against a figure; without one, what became of the case."""
    page = record_page(group.best)
    if found.value is not None:
        return shown_number(found.value, lambda value: _text(figure, value), page)
    if found.ratio is not None:
        return Number(text=_text(figure, found.ratio), exact=exact(found.ratio), page=page)
    outcome = phrases.outcome(group.best)
    if group.ok:
        peak = summarize(group, all_metrics()["peak_allocated_bytes"])
        if peak is not None:
            outcome += f", with {units.bytes_(peak.median)} allocated at its peak"
    return Number(text=outcome, page=page)
