"""The Markdown tables of one run: methods beside each other, sequence lengths, padding."""

from collections.abc import Callable, Sequence
from functools import partial

from reports.analysis import trends
from reports.analysis.baselines import BASELINES, NAIVE, baselines
from reports.analysis.comparison import MethodComparison, MethodRow
from reports.analysis.dataset import Dataset
from reports.analysis.runs import RunSection
from reports.published.headline_claim import NAMES
from reports.text import columns, markdown, phrases
from reports.text.numbers import Number, change, number, paired_text, peak_memory
from suite import units
from suite.results.metrics import Metric, all_metrics
from suite.results.pooled import PairedRatio, paired
from suite.results.replicates import Replicates, summarize

#: Baselines whose memory stands beside a method's; Liger's kernels hardly change it.
LIKE = ("plain", "quantized")


def comparisons(dataset: Dataset, section: RunSection) -> list[str]:
    """Return one table a comparison: a model under one workload, loop and seed."""
    return [block for each in section.comparisons for block in _methods(dataset, section, each)]


def ladders(dataset: Dataset, section: RunSection) -> list[str]:
    """Return the tables of those comparisons in which the unfair baseline stands as well."""
    return [
        block
        for each in section.comparisons
        if any(row.case.method.name == NAIVE for row in each.rows)
        for block in _methods(dataset, section, each)
    ]


def _methods(dataset: Dataset, section: RunSection, comparison: MethodComparison) -> list[str]:
    groups = {group.case: group for group in dataset.of(section)}
    present = [groups[row.case] for row in comparison.rows if row.case in groups]
    header = [
        "Method",
        "Token/s",
        f"Step, {comparison.step_unit}",
        "10 % quantile",
        f"{comparison.memory_title}, {comparison.memory_unit}",
        "Host memory",
        "Energy per token",
        "Of measured peak",
        *(f"Speed vs {NAMES[kind]}" for kind in BASELINES),
        *(f"Memory vs {NAMES[kind]}" for kind in LIKE),
        "Losses",
        "Repeats",
    ]
    methods = [_method(row, groups.get(row.case), present, dataset) for row in comparison.rows]
    rows = list(zip(*map(columns.aligned, zip(*methods, strict=True)), strict=True))
    return [
        f"#### {markdown.text(comparison.model)}",
        markdown.text(comparison.work),
        markdown.table(header, rows),
    ]


def _method(
    row: MethodRow, group: Replicates | None, present: Sequence[Replicates], dataset: Dataset
) -> list[str]:
    launches = "; ".join([row.count, *row.notes])
    if group is None or not group.ok:
        return [row.method, row.outcome, *[""] * (7 + len(BASELINES) + len(LIKE)), launches]
    held = baselines(group, present)
    numbers = [
        "" if each is None else each.written for each in (row.tokens, row.step_low, row.memory)
    ]
    numbers.insert(1, _step(row.step))
    energy, peak = all_metrics()["joules_per_token"], all_metrics()["utilization_of_probe"]
    speeds = [
        paired_text(value) if kind in held and (value := held[kind].throughput) else ""
        for kind in BASELINES
    ]
    verdict = row.verdict
    losses = "" if verdict is None else ", ".join(t for t in (verdict.text, verdict.detail) if t)
    return [
        row.method,
        *numbers,
        _host(group),
        _median(group, energy),
        _median(group, peak),
        *speeds,
        *(_change(held[kind].memory) if kind in held else "" for kind in LIKE),
        losses,
        launches,
    ]


def _change(ratio: PairedRatio | None) -> str:
    return "" if ratio is None else columns.signed_percent(ratio.value - 1)


def _step(step: Number | None) -> str:
    """Return the step time; the ± of a single launch stands at the rate beside it already."""
    if step is None:
        return ""
    return step.text if step.range.startswith("±") else step.written


def _host(group: Replicates) -> str:
    """Return the host memory beside that of a GPU, where some engines put activations."""
    host = all_metrics()["peak_host_rss_bytes"]
    return "" if peak_memory(group.best) == host else _median(group, host)


def _median(group: Replicates, metric: Metric) -> str:
    value = summarize(group, metric)
    return "" if value is None else phrases.number(metric, value.median)


def sequences(dataset: Dataset, section: RunSection) -> list[str]:
    """Return a table a model that ran several lengths at as many tokens a step."""
    by_work: dict[object, list[Replicates]] = {}
    for group in dataset.of(section):
        work = group.case.workload
        if work.data == "fixed":
            key = (
                group.case.model,
                group.case.workload.step_tokens,
                group.case.loop,
                group.case.seed,
                work.parallel,
            )
            by_work.setdefault(key, []).append(group)
    blocks = []
    for groups in by_work.values():
        lengths = sorted({group.case.workload.sequence_tokens for group in groups})
        if len(lengths) > 1:
            blocks += _lengths(groups, lengths)
    return blocks


def _lengths(groups: Sequence[Replicates], lengths: Sequence[int]) -> list[str]:
    case = groups[0].case
    methods = list(dict.fromkeys(group.case.method for group in groups))
    by_place = {(g.case.workload.sequence_tokens, g.case.method.name): g for g in groups}
    pairs = trends.pairs(groups)

    def row(length: int) -> list[str]:
        here = {method.name: by_place.get((length, method.name)) for method in methods}
        cells = [_cell(here[method.name], _speed_and_memory) for method in methods]
        cells += [_pair(here[ours.name], here[theirs.name]) for ours, theirs in pairs]
        return [f"{length:,}", *cells]

    return [
        f"#### {markdown.text(case.model.title)}: sequence length",
        f"{case.workload.step_tokens:,} tokens a step at every length ·"
        f" {phrases.LOOPS[case.loop]} · seed {case.seed}. Tokens per second (padding excluded) and"
        " peak memory; then speed and memory of one method vs another.",
        markdown.table(
            [
                "Tokens a row",
                *(method.title for method in methods),
                *(f"{ours.title} vs {theirs.title}" for ours, theirs in pairs),
            ],
            map(row, lengths),
        ),
        *map(markdown.text, trends.over_lengths(groups)),
    ]


def _cell(group: Replicates | None, text: Callable[[Replicates], str]) -> str:
    if group is None:
        return ""
    return text(group) if group.ok else phrases.outcome(group.best)


def _speed_and_memory(group: Replicates) -> str:
    return f"{_throughput(group)}, {_median(group, peak_memory(group.best))}"


def _throughput(group: Replicates) -> str:
    metric = all_metrics()["tokens_per_second"]
    found = number(summarize(group, metric), partial(phrases.number, metric))
    return "" if found is None else found.written


def _pair(ours: Replicates | None, theirs: Replicates | None) -> str:
    speed = trends.speed(ours, theirs)
    if ours is None or theirs is None or speed is None:
        return ""
    peaks = paired(ours, theirs, peak_memory(ours.best))
    memory = change(peaks)
    return f"{units.ratio(speed)}, {memory}" if memory else units.ratio(speed)


def paddings(dataset: Dataset, section: RunSection) -> list[str]:
    """Return a table a model that ran real-length sequences packed in several ways."""
    by_work: dict[object, list[Replicates]] = {}
    for group in dataset.of(section):
        case, work = group.case, group.case.workload
        if work.data == "real-length":
            key = (case.model, work.sequence_tokens, case.loop, case.seed, work.parallel)
            by_work.setdefault(key, []).append(group)
    blocks = []
    for groups in by_work.values():
        if len({group.case.workload.packing for group in groups}) > 1:
            blocks += _ways(groups)
    return blocks


def _ways(groups: Sequence[Replicates]) -> list[str]:
    case = groups[0].case
    works = list(dict.fromkeys(group.case.workload for group in groups))
    methods = list(dict.fromkeys(group.case.method for group in groups))
    by_place = {(group.case.method, group.case.workload): group for group in groups}
    rows = []
    for method in methods:
        here = [by_place.get((method, work)) for work in works]
        base = next((g for g in here if g is not None and g.case.workload.packing == "none"), None)
        cells = [_cell(group, partial(_padded, base=base)) for group in here]
        rows.append([method.title, *cells])
    header = [
        f"{'padded' if work.packing == 'none' else work.packing},"
        f" {work.batch_sequences * work.gradient_accumulation} × {work.sequence_tokens:,}"
        for work in works
    ]
    return [
        f"#### {markdown.text(case.model.title)}: padding",
        f"Real-length sequences · {phrases.LOOPS[case.loop]} · seed {case.seed}. Tokens per second"
        " (padding excluded), the ratio to padded rows of the same method, and the share of"
        " computed positions that was padding.",
        markdown.table(["Method", *header], rows),
        *map(markdown.text, trends.over_packings(groups)),
    ]


def _padded(group: Replicates, base: Replicates | None) -> str:
    gain = ""
    if base is not None and base.ok and base is not group:
        found = paired(group, base, all_metrics()["tokens_per_second"])
        gain = "" if found is None else f" ({paired_text(found)})"
    padding = _median(group, all_metrics()["padding_share"])
    return f"{_throughput(group)}{gain}, {padding} padding"
