"""What a model's charts show, in some ten words each: their titles, computed from what is drawn.

Times on a CPU say nothing of a GPU's, so charts of a CPU are titled by what they hold.
"""

from collections.abc import Iterable, Sequence

from reports.analysis.baselines import BASELINES
from reports.analysis.comparable_sets import ComparableSet, DisplayNames, MethodResult
from reports.analysis.trends import PACKINGS
from reports.pages.front.words import saved, times
from reports.published.headline_claim import NAMES
from reports.text.numbers import paired_text
from suite import units
from suite.catalog.engines import PLAIN
from suite.results.metrics import all_metrics
from suite.results.pooled import PairedRatio, paired
from suite.results.replicates import MedianWithRange

_MOST_NAMED = 3


def throughput(peers: ComparableSet, names: DisplayNames) -> str:
    """Return how fast the other engines are against plain methods of the same precision."""
    fast = [(e, ratio) for e in peers.entries if (ratio := _against_plain(e)) is not None]
    methods = dict.fromkeys(entry.method for entry, _ in fast)
    if not fast:
        good = sum(entry.tokens is not None for entry in peers.entries)
        return f"{good} of {units.counted(len(peers.entries), 'case')} have numbers"
    said = times([ratio.value for _, ratio in fast])
    if len(methods) > _MOST_NAMED:
        return f"{said} as fast as plain methods of equal precision"
    verb = "is" if len(methods) == 1 else "are"
    called = units.listed([names.methods[name] for name in methods])
    return f"{called} {verb} {said} as fast as plain PEFT"


def memory(best: Sequence[MethodResult], names: DisplayNames) -> str:
    """Return the methods on a Pareto front, which are the trade-offs there are."""
    if len(best) == 1:
        return f"No method here is faster or smaller than {names.methods[best[0].method]}"
    if not best:
        return "Too few numbers for a trade-off"
    if len(best) > _MOST_NAMED:
        return f"{len(best)} methods are trade-offs of speed and memory"
    return f"Best trade-offs: {units.listed([names.methods[each.method] for each in best])}"


def ladder(entries: Sequence[MethodResult], names: DisplayNames) -> str:
    """Return how much the choice of the baseline decides for the method with the largest ratio."""
    found = [
        (ratio, kind, entry)
        for entry in entries
        for kind in BASELINES
        if (ratio := _ratio(entry, kind)) is not None and entry.counts
    ]
    if not found or not all(map(_on_gpu, entries)):
        return "Throughput over that of each baseline"
    largest, kind, entry = max(found, key=lambda each: each[0].value)
    mine = [ratio for ratio, _, each in found if each is entry]
    least = min(mine, key=lambda each: each.value)
    name = names.methods[entry.method]
    if least is largest:
        return f"{name} is {paired_text(largest)} as fast as {NAMES[kind]}"
    return f"{name}: {paired_text(least)} or {paired_text(largest)}, by choice of baseline"


def over_length(
    values: Sequence[tuple[MethodResult, MedianWithRange | None, float]], what: str
) -> str:
    """Return how far a quantity goes up or down from the shortest rows to the longest."""
    by_method: dict[str, dict[int, float]] = {}
    for entry, value, _ in values:
        if value is not None:
            length = entry.group.case.workload.sequence_tokens
            by_method.setdefault(entry.method, {})[length] = value.median
    lengths = sorted({length for found in by_method.values() for length in found})
    if len(lengths) < 2 or not all(_on_gpu(entry) for entry, *_ in values):
        return f"{what} over length"
    ends = lengths[0], lengths[-1]
    changes = [
        found[ends[1]] / found[ends[0]] - 1
        for found in by_method.values()
        if found.get(ends[0]) and ends[1] in found
    ]
    if not changes:
        return f"{what} from {ends[0]:,} to {ends[1]:,} tokens"
    return f"{what} {_moves(changes)} from {ends[0]:,} to {ends[1]:,} tokens"


def packing(entries: Sequence[MethodResult]) -> str:
    """Return how fast rows without padding train, against padded ones of the same method."""
    groups = {(e.method, e.group.case.workload.packing): e.group for e in entries if e.group.ok}
    tokens = all_metrics()["tokens_per_second"]
    gains: dict[str, list[float]] = {}
    for (method, way), group in groups.items():
        padded = groups.get((method, "none"))
        if way == "none" or padded is None or group.best.weights != padded.best.weights:
            continue
        ratio = paired(group, padded, tokens)
        if ratio is not None:
            gains.setdefault(way, []).append(ratio.value)
    if not gains or not all(map(_on_gpu, entries)):
        return "Padding and packing"
    ways = units.listed([PACKINGS[way] for way in PACKINGS if way in gains]).capitalize()
    said = times([gain for each in gains.values() for gain in each])
    return f"{ways} rows train {said} as fast as padded ones"


def _against_plain(entry: MethodResult) -> PairedRatio | None:
    method = entry.group.case.method
    if method.engine == PLAIN or not entry.counts or not _on_gpu(entry):
        return None
    return _ratio(entry, "plain" if method.quantization is None else "quantized")


def _ratio(entry: MethodResult, kind: str) -> PairedRatio | None:
    baseline = entry.baselines.get(kind)
    return None if baseline is None else baseline.throughput


def _on_gpu(entry: MethodResult) -> bool:
    return entry.group.first.environment.gpu is not None


def _moves(changes: Iterable[float]) -> str:
    found = sorted(changes)
    if max(map(abs, found)) < 0.01:
        return "changes by less than 1 %"
    if found[-1] < 0:
        return f"falls by {saved([-each for each in found])}"
    return f"rises by {saved(found)}" if found[0] > 0 else f"changes by {saved(found)}"
