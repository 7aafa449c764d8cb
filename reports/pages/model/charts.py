"""The charts of one work of a model: throughput, memory against throughput, the ladder."""

from collections.abc import Callable, Sequence

from reports.analysis.baselines import BASELINES, is_base
from reports.analysis.comparable_sets import (
    ComparableSet,
    DisplayNames,
    MethodResult,
    pareto_front,
    short,
)
from reports.charts.bars import Bar, Threshold, bars
from reports.charts.drawing import Caption, Plot
from reports.charts.lines import Dot, Series, scatter
from reports.pages.model import findings
from reports.published.headline_claim import NAMES
from reports.text import phrases
from reports.text.numbers import number, paired_text, peak_memory
from suite import units
from suite.results.replicates import MedianWithRange

TOKENS = "Tokens per second (padding excluded)"


def throughput(peers: ComparableSet, names: DisplayNames) -> Plot | None:
    """Return a bar for each method, or for each card under its method where there are several."""
    several = len(peers.profiles) > 1
    by_place = {(entry.method, entry.profile): entry for entry in peers.entries}
    listed = []
    for name in dict.fromkeys(entry.method for entry in peers.entries):
        for profile in peers.profiles:
            entry = by_place.get((name, profile))
            if entry is None and not several:
                continue
            method, card = names.methods[name], names.cards[profile]
            value = None if entry is None else entry.tokens
            listed.append(
                Bar(
                    label=card if several else method,
                    group=method if several else "",
                    number=names.numbers[name],
                    value=None if value is None else value.median,
                    low=None if value is None else value.low,
                    high=None if value is None else value.high,
                    text="no result" if entry is None else _text(entry),
                    title=f"{method}, {card}: " + ("no result" if entry is None else said(entry)),
                )
            )
    caption = Caption(
        title=findings.throughput(peers, names),
        measure="Tokens per second" + (", by method and GPU" if several else ", by method"),
        about=peers.title,
        description=f"{basis(peers.entries)} Missing bars are labelled with the reason.",
        source=source(peers.entries),
    )
    return bars(caption, TOKENS, listed)


def memory(peers: ComparableSet, profile: str, names: DisplayNames) -> Plot | None:
    """Return the methods of one card by peak memory and throughput, with their Pareto front."""
    entries = [e for e in peers.on(profile) if e.tokens is not None and e.memory is not None]
    if not entries:
        return None
    metric = peak_memory(entries[0].group.best)
    scale = units.scale("bytes", [e.memory.median for e in entries if e.memory is not None])
    dots = {entry: dot for entry in entries if (dot := _dot(entry, scale.size, names))}
    best = pareto_front(entries)
    caption = Caption(
        title=findings.memory(best, names),
        measure=f"Memory vs throughput, {names.cards[profile]}",
        about=peers.title,
        description=f"Up and left is better. {front_text(best, names)} {basis(entries)}",
        source=source(entries),
    )
    return scatter(
        caption,
        f"{metric.title}, {scale.unit}",
        TOKENS,
        [
            Series(
                label=names.methods[entry.method],
                number=names.numbers[entry.method],
                dots=[dots[entry]],
            )
            for entry in entries
        ],
        [dots[entry] for entry in best],
    )


def ladder(peers: ComparableSet, profile: str, names: DisplayNames) -> Plot | None:
    """Return throughput over that of each baseline of the same run, one baseline below another."""
    entries = peers.on(profile)
    listed = [
        bar
        for kind in BASELINES
        if any(kind in entry.baselines for entry in entries)
        for entry in entries
        if (bar := _baseline_bar(entry, kind, names)) is not None
    ]
    caption = Caption(
        title=findings.ladder(entries, names),
        measure=f"Speed vs each baseline, {names.cards[profile]}",
        about=peers.title,
        description="Throughput ÷ throughput of each baseline in the same session. The choice of"
        " baseline decides most of a headline ratio. The baseline PEFT + Liger is plain PEFT with"
        f" Liger's kernels and the same storage of the weights. {basis(entries)}",
        source=source(entries),
    )
    equal = Threshold(value=1, label="", title="1: as much as the baseline")
    return bars(caption, "Throughput ÷ baseline, ×", listed, equal)


def front_text(best: Sequence[MethodResult], names: DisplayNames) -> str:
    """Return which methods are on a Pareto front, in words."""
    if not best:
        return "Fewer than two methods have both numbers and losses that count: no Pareto front."
    listed = ", ".join(names.methods[entry.method] for entry in best)
    return (
        f"On the Pareto front, least memory first: {listed}. No other method here is both faster"
        " and smaller. The scatter of repeats is not considered."
    )


def said(entry: MethodResult) -> str:
    """Return a throughput with all that belongs to it, or what became of the case."""
    if entry.tokens is None:
        return _text(entry)
    parts = [_ranged(entry.tokens, lambda value: units.rate(value, "token/s")), launches(entry)]
    return "; ".join([*parts, *([] if entry.counts else ["losses differ"])])


def launches(entry: MethodResult) -> str:
    """Return how many launches are behind an entry."""
    return phrases.repeats(entry.group)


def basis(entries: Sequence[MethodResult]) -> str:
    """Return what one number of a chart is made of, as a sentence."""
    if all(len(entry.group.ok) <= 1 for entry in entries):
        return "One repeat of each; variation not shown."
    return "Medians over repeats; a line spans the lowest and the highest of several."


def source(entries: Sequence[MethodResult]) -> str:
    """Return which runs and how many launches a chart is drawn from, and on which weights."""
    runs = dict.fromkeys(short(entry.group.first.run_id) for entry in entries)
    counts = sorted({len(entry.group.ok) for entry in entries if entry.group.ok})
    each = "no repeat with numbers"
    if counts:
        least, most = counts[0], counts[-1]
        each = phrases.launches(most, most) + " of each"
        if least != most:
            each = f"{least} to {each}"
    weights = phrases.weights_named(short(e.group.best.weights) for e in entries if e.group.ok)
    parts = [f"{'Session' if len(runs) == 1 else 'Sessions'} {', '.join(runs)}", each]
    if weights:
        parts.append(weights)
    return " · ".join(parts)


def _baseline_bar(entry: MethodResult, kind: str, names: DisplayNames) -> Bar | None:
    baseline, method = entry.baselines.get(kind), names.methods[entry.method]
    group, number = f"vs {NAMES[kind]}", names.numbers[entry.method]
    if baseline is None:
        if not is_base(entry.group.case.method, kind):
            return None
        return Bar(
            label=method,
            group=group,
            number=number,
            value=None,
            text="the baseline",
            title=f"{method}: the baseline",
        )
    ratio = baseline.throughput
    text = "unknown" if ratio is None else paired_text(ratio)
    if not entry.counts:
        text += ", losses differ"
    return Bar(
        label=method,
        group=group,
        number=number,
        value=None if ratio is None else ratio.value,
        text=text,
        title=f"{method} vs {baseline.title}: {text}",
    )


def _text(entry: MethodResult) -> str:
    if entry.tokens is not None:
        text = units.rate(entry.tokens.median, "").strip()
        return text if entry.counts else f"{text}, losses differ"
    return "unknown" if entry.group.ok else phrases.outcome(entry.group.best)


def _ranged(value: MedianWithRange, text: Callable[[float], str]) -> str:
    found = number(value, text)
    return "unknown" if found is None else found.written


def _dot(entry: MethodResult, size: float, names: DisplayNames) -> Dot | None:
    if entry.tokens is None or entry.memory is None:
        return None
    needs = _ranged(entry.memory, units.bytes_)
    return Dot(
        x=entry.memory.median / size,
        y=entry.tokens.median,
        title=f"{names.methods[entry.method]}: {said(entry)}; {needs}",
        solid=entry.counts,
    )
