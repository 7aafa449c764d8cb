"""What the page's script answers from: every option of every model, GPU and length, once.

Numbers have seven digits, of which three are shown at most. The script is
``reports/rendering/static/plan.js``; both sides of every field are described here.
"""

import statistics
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from reports.text.numbers import record_page
from suite.catalog.prices import Prices, rents
from suite.catalog.profile import Profile
from suite.estimate import explain
from suite.estimate.interval import Interval
from suite.estimate.job import answer
from suite.estimate.job import counts as job_counts
from suite.estimate.job.answer import JobAnswer
from suite.estimate.job.counts import CountAnswer
from suite.estimate.job.ratios import MethodRatio
from suite.estimate.planner import Entry, Job
from suite.results.memory.fits_card import card_bytes
from suite.results.record import whose

_VERDICTS = ("fits", "tight", "unknown", "does not fit")


class PlanGpu(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU: names, the bytes it offers, the lowest, middle and highest rent of an hour in USD."""

    name: str
    title: str
    article: str
    bytes: float | None
    rent: tuple[float, float, float] | None


class PlanData(msgspec.Struct, frozen=True, kw_only=True):
    """``options`` are by model, length and GPU, a list in the order of ``methods``.

    Each is ``[verdict, needs, reason, page]`` without a time, else ``[verdict, needs, basis,
    repeats, page, rates, joules, longer]``. ``verdict`` and ``reason`` are indexes, reasons being
    in few words and whole; ``needs`` are bytes; ``basis`` is 0 measured, 1 estimated from other
    work on the GPU, 2 estimated without any; ``page`` is the address of a record. The last three
    are value, low and high: tokens a second, joules a token, and how many times as long as the
    quickest on its GPU. 0 stands for what is not known.

    ``counts`` are by model, length, GPU and method, "" being all methods: ``[title, options,
    text]`` of what is said of several GPUs. Each option is ``[GPUs, measured, rates]``; without
    one, ``text`` is all that is said. GPUs that were not measured together are left out.
    """

    model: str
    gpus_shown: tuple[str, ...]
    tokens: float
    hours: float
    lengths: tuple[int, ...]
    length: int
    models: tuple[tuple[str, str], ...]
    methods: tuple[tuple[str, str], ...]
    gpus: tuple[PlanGpu, ...]
    verdicts: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]
    options: Mapping[str, Mapping[str, Mapping[str, Sequence[object]]]]
    counts: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Sequence[object]]]]]


def collect(
    cells: Mapping[int, Sequence[JobAnswer]],
    several: Iterable[tuple[str, CountAnswer]],
    gpus: Iterable[Profile],
    known: Prices,
    shown: Sequence[JobAnswer],
    job: Job,
) -> PlanData:
    """Return the data of the answers by length; ``shown`` are those that the page opens with."""
    reasons: dict[tuple[str, str], int] = {}
    options: dict[str, dict[str, dict[str, list[object]]]] = {}
    entries = [entry for found in cells.values() for each in found for entry in each.entries]
    methods = tuple(dict.fromkeys((e.case.method.name, e.case.method.title) for e in entries))
    for length, found in cells.items():
        for each in found:
            first = each.entries[0]
            at = options.setdefault(first.case.model.name, {}).setdefault(str(length), {})
            at[first.profile.name] = _by_method(each, [name for name, _ in methods], reasons)
    counts: dict[str, dict[str, dict[str, dict[str, list[object]]]]] = {}
    for method, answered in several:
        case, card = answered.entries[0].case, answered.entries[0].profile.name
        at_length = counts.setdefault(case.model.name, {}).setdefault(
            str(case.workload.sequence_tokens), {}
        )
        at_length.setdefault(card, {})[method] = _counts(answered)
    return PlanData(
        model=shown[0].entries[0].case.model.name if shown else "",
        gpus_shown=tuple(each.entries[0].profile.name for each in shown),
        tokens=job.tokens,
        hours=shown[0].hours if shown else 0,
        lengths=tuple(cells),
        length=shown[0].entries[0].case.workload.sequence_tokens if shown else 0,
        models=tuple(dict.fromkeys((e.case.model.name, e.case.model.title) for e in entries)),
        methods=methods,
        gpus=tuple(_gpu(card, known) for card in gpus),
        verdicts=_VERDICTS,
        reasons=tuple(reasons),
        options=options,
        counts=counts,
    )


def _gpu(card: Profile, known: Prices) -> PlanGpu:
    found = [p.rent_usd_per_hour for p in rents(known.of(card.name))]
    dollars = [each for each in found if each is not None]
    return PlanGpu(
        name=card.name,
        title=answer.short(card),
        article=answer.article(card),
        bytes=card_bytes(card),
        rent=(dollars[0], statistics.median(dollars), dollars[-1]) if dollars else None,
    )


def _by_method(
    found: JobAnswer, methods: Iterable[str], reasons: dict[tuple[str, str], int]
) -> list[object]:
    ranked = {each.entry.case.method.name: each for each in found.ranked}
    entries = {entry.case.method.name: entry for entry in found.entries}
    return [
        _option(entries[name], ranked.get(name), reasons) if name in entries else 0
        for name in methods
    ]


def _option(
    entry: Entry, ranked: MethodRatio | None, reasons: dict[tuple[str, str], int]
) -> list[object]:
    needs = 0 if entry.needs_bytes is None else round(entry.needs_bytes.value)
    page = record_page(entry.records[0]) if entry.records else 0
    start: list[object] = [_VERDICTS.index(entry.verdict), needs]
    if ranked is None or entry.tokens_per_second is None:
        said = explain.basis(entry), entry.reason
        return [*start, reasons.setdefault(said, len(reasons)), page]
    basis = 0
    if entry.basis != "measured":
        basis = 1 if entry.projection is not None and entry.projection.card_measured else 2
    return [
        *start,
        basis,
        entry.launches,
        page,
        *map(_numbers, (entry.tokens_per_second, entry.joules_per_token, ranked.longer)),
        *(filter(None, [whose(entry.records[0])]) if entry.basis == "measured" else ()),
    ]


def _counts(found: CountAnswer) -> list[object]:
    if lacking := job_counts.lacks(found):
        return ["", [], lacking]
    options = [
        [
            option.entry.gpus,
            option.entry.basis == "measured",
            _numbers(option.entry.tokens_per_second),
        ]
        for option in found.options
    ]
    title = found.options[0].entry.case.method.title
    return [title, options, " ".join(job_counts.compared(found))]


def _numbers(found: Interval | None) -> object:
    if found is None:
        return 0
    return [float(f"{each:.7g}") for each in (found.value, found.low, found.high)]
