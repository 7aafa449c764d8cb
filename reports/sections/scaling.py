"""Several GPUs beside one: what was found of each model, and the table that it is read from."""

from collections.abc import Iterable, Iterator, Sequence

from reports.analysis.dataset import Dataset
from reports.analysis.scaling import Agreement, OneGpu, ScaledCase, scaled_cases
from reports.text import columns, facts, phrases
from reports.text.blocks import Block, Heading, Prose, Table, TextRow, table
from reports.text.numbers import peak_memory, record_page
from suite import units
from suite.catalog.model import Model
from suite.catalog.parallel import WORDS
from suite.results.memory import fits_card
from suite.results.metrics import all_metrics
from suite.results.replicates import Replicates, summarize

NOTHING = "No results on several GPUs yet."
_WHERE = "Where the rest goes, and whether training is the same"
_CASE_COLUMNS = 2  #: that name a case

_MEANING = (
    "Weak scaling: each GPU has the rows that one GPU has alone. Strong scaling: all GPUs together"
    " have these rows. Efficiency is token/s in all, over as many times those of one such GPU."
    " It is the geometric mean of pairs of one session, with the least and the largest."
    " Without a pair it is that of pooled repeats."
    " Peak is that of training, of the rank that needs most. Each needs more: loading and the CUDA"
    " context count as well."
)
_WAITS = (
    "Without waits: the efficiency by the 10 % quantile of step times. A wait for the host rarely"
    " makes those steps longer. Where it and the efficiency differ, one side waited more than the"
    " other; if one GPU did, the efficiency can exceed 100 %."
)
_REST = (
    "Step longer by: compared with one GPU that has as many rows as each of these."
    " Gradients alone: an all-reduce of all gradients, at the rate that the ranks measured before"
    " training. The backward pass hides some of it, so a step may lose less."
)
_AGREE = (
    "Losses and gradient norms: the largest relative difference of any step, to one GPU that"
    " accumulates the batches of all."
)


def scaling(dataset: Dataset) -> list[Block]:
    """Return what is known of every model on several GPUs; nothing where none ran on them."""
    found = scaled_cases(dataset)
    models = dict.fromkeys(each.repeats.case.model for each in found)
    named = len(models) > 1
    blocks = [block for model in models for block in _of_model(found, model, named=named)]
    return [*blocks, *_explained(found)]


def of_model(dataset: Dataset, model: Model) -> list[Block]:
    """Return what is known of one model on several GPUs; nothing where it ran on none."""
    found = [each for each in scaled_cases(dataset) if each.repeats.case.model == model]
    return [*_of_model(found, model, named=False), *_explained(found)]


def by_model(dataset: Dataset) -> list[str]:
    """Return what each model's cases on several GPUs show beside one, a sentence each."""
    found = [each for each in scaled_cases(dataset) if any(one.speedup for one in each.beside)]
    models = dict.fromkeys(each.repeats.case.model for each in found)
    return [
        f"{phrases.short(model.title)}:"
        f" {finding([each for each in found if each.repeats.case.model == model])}."
        for model in models
    ]


def _of_model(found: Sequence[ScaledCase], model: Model, *, named: bool) -> list[Block]:
    mine = [each for each in found if each.repeats.case.model == model]
    if not mine:
        return []
    name = f"{phrases.short(model.title)}: " if named else ""
    blocks: list[Block] = [Heading(text=f"{name}{finding(mine)}"), _speed(mine)]
    rest = _rest(mine)
    if len(rest.header) > _CASE_COLUMNS:
        blocks += [Heading(text=f"{name}{_WHERE}"), rest]
    return blocks


def _explained(found: Sequence[ScaledCase]) -> Iterator[Block]:
    beside = [one for each in found for one in each.beside]
    if any(one.speedup for one in beside):
        yield Prose(text=_MEANING)
    if any(one.without_waits for one in beside):
        yield Prose(text=_WAITS)
    if any(one.longer_seconds is not None for one in beside):
        yield Prose(text=_REST)
    if any(one.agreement for one in beside):
        yield Prose(text=_AGREE)


def finding(cases: Sequence[ScaledCase]) -> str:
    """Return what the cases of one model show, in a phrase."""
    beside = [(each, one) for each in cases for one in each.beside]
    for kind in ("weak", "strong"):
        known = [(each, one.speedup) for each, one in beside if one.kind == kind and one.speedup]
        if not known:
            continue
        reached = _percents(found.efficiency for _, found in known)
        efficiency = f"{reached} efficiency"
        mine = [one.without_waits for _, one in beside if one.kind == kind and one.speedup]
        waitless = _percents(share for share in mine if share is not None)
        if waitless not in ("", reached):
            efficiency += f", {waitless} without waits"
        places = dict.fromkeys(_place(each) for each, _ in known)
        rows = "" if kind == "weak" else ", same rows in all"
        if len(places) > 1:
            return f"Several GPUs reach {efficiency}{rows}"
        ratios = sorted(found.value for _, found in known)
        times = _span([units.ratio(value) for value in ratios])
        return f"{next(iter(places))} are {times} as fast as one: {efficiency}{rows}"
    for each, one in beside:
        if one.repeats.best.outcome == "oom":
            how = f"{_place(each)} ({WORDS[each.parallel.kind]})"
            return (
                f"{each.repeats.case.method.title} trains on {how}, where one runs out of memory"
            )
    return "No result on one GPU to compare with"


def _percents(shares: Iterable[float]) -> str:
    texts = [units.percent(share) for share in sorted(shares)]
    return _span(texts) if texts else ""


def _span(texts: Sequence[str]) -> str:
    """Return the first and the last of sorted texts that end alike: ``89 to 96 %``."""
    low, high = texts[0], texts[-1]
    if low == high:
        return high
    return f"{low.removesuffix(' %').removesuffix('×')} to {high}"


def _place(each: ScaledCase) -> str:
    noun = "processes" if each.repeats.best.environment.gpu is None else "GPUs"
    return f"{each.parallel.gpus} {noun}"


def _speed(cases: Sequence[ScaledCase]) -> Table:
    """Return throughput and memory, one row for each case and each that stands beside it."""
    header = ["Method", "Workload", "GPU", "Beside one GPU", "Token/s", "Efficiency"]
    header += [
        "Without waits",
        "Peak a GPU",
        "Each needs",
        "Token/s a GPU",
        "Mean of",
        "Peak on one",
        "Not the same",
        "Repeats",
    ]
    rows = [_speed_row(each, one) for each in cases for one in (each.beside or (None,))]
    return table(header, rows, words=4)


def _speed_row(each: ScaledCase, one: OneGpu | None) -> TextRow:
    group = each.repeats
    efficiency, basis = ("", "") if one is None else _efficiency(one)
    cells = (
        group.case.method.title,
        phrases.work(group.case.workload),
        facts.profile_title(group.records, group.first.profile),
        "no result" if one is None else _beside(one),
        _rate(group, "tokens_per_second"),
        efficiency,
        "" if one is None or one.without_waits is None else columns.percent(one.without_waits),
        # Of a model split by layers, torch's peaks are one sum over its GPUs.
        "" if each.parallel.kind == "split" else _peak(group),
        _needed(group),
        _rate(group, "tokens_per_second_per_gpu"),
        basis,
        "" if one is None or not one.repeats.ok else _peak(one.repeats),
        "" if one is None else "; ".join(one.differing),
        phrases.repeats(group),
    )
    return TextRow(cells=cells, page=record_page(group.best))


def _rate(group: Replicates, tag: str) -> str:
    value = summarize(group, all_metrics()[tag])
    return "unknown" if value is None else columns.rate(value.median)


def _rest(cases: Sequence[ScaledCase]) -> Table:
    """Return what is known of the time that is lost, and how far training is the same."""
    header = ["Method", "Workload", "Step longer by", "Gradients alone", "Interconnect"]
    header += ["Losses apart", "Gradient norms apart"]
    return table(header, [_rest_row(each) for each in cases], words=_CASE_COLUMNS)


def _rest_row(each: ScaledCase) -> TextRow:
    group, transfer, alone = each.repeats, each.transfer, each.gradients_seconds
    longer = next((o.longer_seconds for o in each.beside if o.longer_seconds is not None), None)
    agreement = next((one.agreement for one in each.beside if one.agreement is not None), None)
    cells = (
        group.case.method.title,
        phrases.work(group.case.workload),
        "" if longer is None else _difference(longer),
        "" if alone is None else columns.seconds(alone),
        ""
        if transfer is None
        else f"{units.scaled(transfer.bus_bytes_per_second, 'B/s')} {transfer.operation},"
        f" {units.bytes_(transfer.message_bytes)}",
        *(("", "") if agreement is None else _agreement(agreement)),
    )
    return TextRow(cells=cells, page=record_page(group.best))


def _beside(one: OneGpu) -> str:
    if not one.repeats.ok:
        return f"{one.kind}: {phrases.outcome(one.repeats.best).lower()}"
    return f"{one.kind}: {phrases.work(one.repeats.case.workload)}"


def _efficiency(one: OneGpu) -> tuple[str, str]:
    found = one.speedup
    if found is None:
        return ("unknown" if one.repeats.ok else "", "")
    share = found.efficiency
    text = columns.Quantity.of(units.percent(share), share, "%", found.efficiency_ends)
    return text, found.basis


def _peak(group: Replicates) -> str:
    value = summarize(group, peak_memory(group.best))
    return "unknown" if value is None else columns.bytes_(value.median)


def _needed(group: Replicates) -> str:
    least = fits_card.largest_need(group.ok, fits_card.need_of_each).least_bytes
    return "" if least is None else columns.bytes_(least)


def _difference(seconds: float) -> str:
    sign = "−" if seconds < 0 else ""
    return columns.Quantity.of(f"{sign}{units.seconds(abs(seconds))}", seconds, "seconds")


def _agreement(found: Agreement) -> tuple[str, str]:
    if found.losses is None:
        return phrases.short(found.reason), ""
    return _apart(found.losses), _apart(found.gradient_norms)


def _apart(share: float | None) -> str:
    if share is None:
        return "unknown"
    return columns.percent(share) if share else "identical"
