"""The hosts behind cards: what their probes say, and whether two of them are alike.

Where a step waits for the host, a slower processor makes the card beside it look slower. So the
host stands wherever cards are compared.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

import msgspec

from reports.analysis import workloads
from reports.analysis.dataset import Dataset
from reports.text import phrases
from reports.text.blocks import Block, Points, Prose, TextRow, table
from reports.text.phrases import bounded
from suite import units
from suite.results.hosts import LAUNCHES, MEMORY, OPERATIONS, RATES, Rate, probes, processor
from suite.results.record import Record
from suite.wire import HostProbe

FIRST_SCHEMA = 3  #: of records that say how fast the host was
NOT_MEASURED = "host not measured"
#: Rates that stand beside cards; how fast memory is made page-locked matters to offloading alone.
SHOWN = (LAUNCHES, OPERATIONS, MEMORY)
APART = 1.1  #: rates of two hosts further apart than this are not alike
ALONE = "Steps that wait for the host are not compared by GPU alone"


class RecordHost(msgspec.Struct, frozen=True, kw_only=True):
    """A record's host: rates by name, before its first step and after its last.

    Without ``rows``, ``reason`` says why there are none.
    """

    rows: tuple[tuple[str, str, str], ...]
    processor: str
    reason: str


class HostSide(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts of some records: ``medians`` are by the field of the rate, in SI units.

    ``processors`` are distinct, as text. ``count`` says how many of the records have a probe.
    """

    processors: str
    medians: Mapping[str, float]
    texts: Mapping[str, str]
    count: str

    @property
    def known(self) -> bool:
        """Return whether any of them was measured."""
        return bool(self.medians)


class HostComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts of two cards: lines of title, ours, theirs and ratio; and what they mean, in words."""

    rows: tuple[tuple[str, str, str, str], ...]
    text: str


def of_record(record: Record) -> RecordHost:
    """Return what is known of a record's host."""
    probe = record.environment.probe
    host = None if probe is None else probe.host
    if probe is None or host is None:
        why = "no probe was made"
        if record.schema < FIRST_SCHEMA:
            why = f"results before schema {FIRST_SCHEMA} have no probe of it"
        reason = record.environment.unavailable.get("probe", why)
        return RecordHost(rows=(), processor="", reason=bounded(reason))
    after = probe.host_after
    rows = [
        (_title(rate), _value(rate, host), "not reached" if after is None else _value(rate, after))
        for rate in RATES
    ]
    if host.numa_nodes is not None:
        rows.append(("NUMA nodes", str(host.numa_nodes), ""))
    return RecordHost(
        rows=tuple(rows), processor=processor(record.environment.cpu, host), reason=""
    )


def side(records: Sequence[Record]) -> HostSide:
    """Return the hosts of some records, medians over those that have a probe."""
    known = probes(records)
    medians, texts = {}, {}
    for rate in SHOWN:
        values = [value for host in known if (value := rate.of(host)) is not None]
        texts[rate.field] = _why(rate, known) if known else NOT_MEASURED
        if values:
            medians[rate.field] = statistics.median(values)
            texts[rate.field] = _ranged(rate, values)
    return HostSide(
        processors=phrases.short("; ".join(_processors(records))) or "unknown",
        medians=medians,
        texts=texts,
        count=f"{len(known):,} of {units.counted(len(records), 'result')}",
    )


def compared(ours: HostSide, theirs: HostSide, titles: tuple[str, str]) -> HostComparison:
    """Return two cards' hosts beside each other; ``titles`` are the cards'."""
    ratios = _ratios(ours, theirs)
    rows = [
        ("Processor", ours.processors, theirs.processors, ""),
        *(
            (
                _title(rate),
                ours.texts[rate.field],
                theirs.texts[rate.field],
                units.ratio(ratios[rate.field]) if rate.field in ratios else "unknown",
            )
            for rate in SHOWN
        ),
        ("Probed", ours.count, theirs.count, ""),
    ]
    return HostComparison(rows=tuple(rows), text=_sentence(ours, theirs, titles))


def beside(ours: Sequence[Record], theirs: Sequence[Record]) -> str:
    """Return what is to be said of the hosts beside a ratio of two cards, as a short phrase."""
    here, there = side(ours), side(theirs)
    if not _ratios(here, there):
        return NOT_MEASURED
    apart = _apart(here, there)
    return f"hosts differ: {apart}" if apart else "hosts alike"


def of_card(records: Sequence[Record]) -> tuple[tuple[str, str], ...]:
    """Return the hosts that a card was measured on, as terms and texts."""
    found = side(records)
    if not found.known:
        return (("Processor", found.processors), ("Speed", NOT_MEASURED))
    return (
        ("Processor", found.processors),
        *((_title(rate), found.texts[rate.field]) for rate in SHOWN),
        ("Probed", found.count),
    )


def blocks(dataset: Dataset) -> list[Block]:
    """Return the hosts of all GPUs that were measured, and which of them differ."""
    by_card: dict[str, list[Record]] = {}
    for group in dataset.groups:
        on_gpu = [record for record in group.ok if record.environment.gpu is not None]
        if on_gpu:
            by_card.setdefault(group.first.profile, []).extend(on_gpu)
    if not by_card:
        return []
    titles = workloads.profile_titles(dataset)
    sides = {titles[name]: side(by_card[name]) for name in sorted(by_card)}
    text = (
        "One thread of each host, probed in the case's own process: kernel launches,"
        " additions in Python's interpreter, and copies in memory, each a second. Medians over"
        f" results, with their range. {ALONE}."
    )
    header = ["GPU", "Processor", *map(_title, SHOWN), "Probed"]
    rows = [
        TextRow(
            cells=(
                title,
                each.processors,
                *(each.texts[rate.field] for rate in SHOWN),
                each.count,
            )
        )
        for title, each in sides.items()
    ]
    parts: list[Block] = [Prose(text=text), table(header, rows, words=2)]
    names = list(sides)
    differ = [
        f"{one} ÷ {other}: {apart}."
        for index, one in enumerate(names)
        for other in names[index + 1 :]
        if (apart := _apart(sides[one], sides[other]))
    ]
    return [*parts, Points(texts=tuple(differ))] if differ else parts


def _sentence(ours: HostSide, theirs: HostSide, titles: tuple[str, str]) -> str:
    unknown = [title for title, each in zip(titles, (ours, theirs), strict=True) if not each.known]
    if unknown:
        return f"Host not measured on {' and '.join(unknown)}. {ALONE}."
    if not _ratios(ours, theirs):
        return f"No rate of the host is known on both. {ALONE}."
    apart = _apart(ours, theirs)
    if apart:
        return f"The hosts differ, {titles[0]} ÷ {titles[1]}: {apart}. {ALONE}."
    return (
        f"The hosts are alike: no measured rate differs by more than {units.percent(APART - 1)}."
    )


def _ratios(ours: HostSide, theirs: HostSide) -> dict[str, float]:
    """Return ours over theirs of every rate that both have."""
    return {
        field: value / theirs.medians[field]
        for field, value in ours.medians.items()
        if field in theirs.medians
    }


def _apart(ours: HostSide, theirs: HostSide) -> str:
    """Return the rates of two hosts that are not alike with their ratios, or an empty string."""
    ratios = _ratios(ours, theirs)
    return ", ".join(
        f"{rate.title} {units.ratio(ratios[rate.field])}"
        for rate in SHOWN
        if rate.field in ratios and abs(math.log(ratios[rate.field])) > math.log(APART)
    )


def _processors(records: Sequence[Record]) -> list[str]:
    """Return the distinct processors of records; one that was never probed has no numbers."""
    known = set()
    for record in records:
        cpu, probe = record.environment.cpu, record.environment.probe
        known.add((cpu, processor(cpu, None if probe is None else probe.host)))
    # Older records of the same processor know its name only.
    numbered = {cpu for cpu, text in known if text != cpu}
    return sorted({text for cpu, text in known if text != cpu or cpu not in numbered})


def _title(rate: Rate) -> str:
    return rate.title[:1].upper() + rate.title[1:]


def _ranged(rate: Rate, values: Sequence[float]) -> str:
    middle, low, high = map(rate.text, (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def _value(rate: Rate, host: HostProbe) -> str:
    value = rate.of(host)
    return _why(rate, [host]) if value is None else rate.text(value)


def _why(rate: Rate, found: Sequence[HostProbe]) -> str:
    """Return that a rate is unknown, with the reasons of the probes."""
    reasons = dict.fromkeys(host.unavailable.get(rate.field, "") for host in found)
    said = "; ".join(filter(None, reasons))
    return phrases.short(f"unknown: {said}") if said else "unknown"
