"""The cells of a comparison: one number, ratio or verdict each, already text."""

import re
from collections.abc import Callable, Sequence

import msgspec

from reports.text import phrases
from suite import units
from suite.results.metrics import Metric, all_metrics
from suite.results.pooled import PairedRatio, paired
from suite.results.record import Record
from suite.results.replicates import MedianWithRange, Replicates
from suite.results.validity.comparable import differences, other_work
from suite.results.validity.parity import Parity, References

_SEALED = re.compile("[0-9a-f]{16}")
BASELINE = "lora"  #: the method that ratios are taken against, where it did the same work


class NumberRange(str):
    """A range as text that still knows its two ends, as the texts that they are."""

    low: str
    high: str

    @classmethod
    def of(cls, low: str, high: str) -> "NumberRange":
        """Return ``low–high``."""
        made = cls(f"{low}–{high}")
        made.low, made.high = low, high
        return made


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A measured number: as shown, exactly as JSON has it, and how far to rely on it.

    Without a number ``text`` says so in words and ``exact`` is "". ``range`` is that over
    launches, or what one launch says of itself: ``± 1.2 %``. ``page`` is that of the record it
    comes from, from the site's root; ``note`` what else must be said beside it.
    """

    text: str
    exact: str = ""
    range: str = ""
    page: str = ""
    note: str = ""

    @property
    def written(self) -> str:
        """Return the number with its range in one line of text."""
        if not self.range:
            return self.text
        return f"{self.text} {self.range if self.range.startswith('±') else f'({self.range})'}"


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """Throughput over that of a named baseline, or in ``text`` why there is no ratio.

    ``range`` is over the pairs that it is the mean of, "" for a single one.
    ``differing`` counts the effective settings that differ, in words, and is empty where none does
    or that is unknown; ``settings`` names them.
    """

    text: str
    exact: str = ""
    range: str = ""
    baseline: str = ""
    reason: str = ""
    differing: str = ""
    settings: str = ""


class ParityVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Loss parity in words; ``kind`` is "good", "bad" or "none"."""

    kind: str
    text: str
    detail: str


def record_page(record: Record) -> str:
    """Return the address of a record's page, from the site's root.

    Raises ValueError for a ``record_id`` that ``seal`` did not make: it becomes a file's name.
    """
    if not _SEALED.fullmatch(record.record_id):
        raise ValueError(f"not a sealed record: record_id is {record.record_id[:40]!r}")
    return f"records/{record.record_id}.html"


def peak_memory(record: Record) -> Metric:
    """Return the metric that "peak memory" means on this record's device."""
    on_gpu = record.environment.gpu is not None
    return all_metrics()["peak_allocated_bytes" if on_gpu else "peak_host_rss_bytes"]


def exact(value: float) -> str:
    """Return a number as the JSON of a record would hold it."""
    return msgspec.json.encode(value).decode()


def number(value: MedianWithRange | None, text: Callable[[float], str]) -> Number | None:
    """Return a value over launches as text, with its range where there are several."""
    if value is None:
        return None
    return Number(text=text(value.median), exact=exact(value.median), range=spread(value, text))


def spread(value: MedianWithRange, text: Callable[[float], str]) -> str:
    """Return the range over launches, of one launch its error, of what has neither nothing."""
    if value.over_window and value.launches == 1:
        return certainty(value.error)
    low, high = text(value.low), text(value.high)
    return NumberRange.of(low, high) if low != high else ""


def certainty(error: float | None) -> str:
    """Return how well a launch knows a number that goes with the mean of its steps."""
    return "± unknown" if error is None else units.plus_minus(error)


def ratio(group: Replicates, others: Sequence[Replicates]) -> Ratio:
    """Return a group's throughput over that of the plain baseline, or over its reference's.

    The baseline is ``BASELINE``; where that did other work, the method's own loss reference.
    """
    method = group.case.method
    by_name = {other.case.method.name: other for other in others}
    reasons = []
    for name in dict.fromkeys([BASELINE, method.reference]):
        base = by_name.get(name) if name else None
        if name is None or base is None:
            reasons += [f"{name} is not in this session"] if name else []
            continue
        if name == method.name:
            return Ratio(text="baseline")
        reason = hindrance(group, base)
        if reason:
            reasons.append(reason)
            continue
        return _ratio(group, base)
    return Ratio(text="no ratio", reason=reasons[-1])


def hindrance(group: Replicates, base: Replicates) -> str:
    """Return why the two stand in no ratio, or an empty string when they may."""
    title = base.case.method.title
    if not base.ok:
        return f"{title}: {phrases.outcome(base.first).lower()}"
    if group.best.weights != base.best.weights:
        return f"other weights than {title}"
    return other_work(group.best, base.best)


def paired_text(found: PairedRatio) -> str:
    """Return a ratio with the digits that its pairs allow: two of one pair, else three."""
    if found.pairs > 1:
        return units.ratio(found.value)
    return f"{found.value:.{2 if found.value < 1 else 1}f}×"


def paired_range(found: PairedRatio) -> str:
    """Return the range over pairs, "" for a single one."""
    low, high = units.ratio(found.low), units.ratio(found.high)
    return f"{low.rstrip('×')}–{high}" if found.pairs > 1 and low != high else ""


def _ratio(group: Replicates, base: Replicates) -> Ratio:
    title = base.case.method.title
    value = paired(group, base, all_metrics()["tokens_per_second"])
    if value is None:
        return Ratio(text="no ratio", reason=f"no session has this and {title}")
    differing = [each.setting for each in differences(group.best, base.best) or ()]
    noun = "setting differs" if len(differing) == 1 else "settings differ"
    return Ratio(
        text=paired_text(value),
        exact=exact(value.value),
        range=paired_range(value),
        baseline=title,
        differing=f"{len(differing)} {noun}" if differing else "",
        settings=", ".join(differing),
    )


def verdict(group: Replicates, references: References) -> ParityVerdict:
    """Return the parity over all good launches: the worst verdict, the largest differences."""
    if group.case.method.reference is None:
        return ParityVerdict(kind="none", text="own reference", detail="")
    parities = [references.parity(record) for record in group.ok]
    for kind in ("differs", "no reference"):
        worst = next((parity for parity in parities if parity.verdict == kind), None)
        if worst is not None:
            return _verdict(worst)
    first = max(parity.first or 0.0 for parity in parities)
    largest = max(parity.trajectory or 0.0 for parity in parities)
    if largest == 0:
        return ParityVerdict(kind="good", text="agrees", detail="identical losses")
    detail = f"{units.percent(first)} at first, {units.percent(largest)} at most"
    return ParityVerdict(kind="good", text="agrees", detail=detail)


def _verdict(parity: Parity) -> ParityVerdict:
    if parity.verdict == "differs":
        return ParityVerdict(kind="bad", text="differs", detail=parity.reason)
    return ParityVerdict(kind="none", text="no reference", detail=parity.reason)


def change(ratio: PairedRatio | None) -> str:
    """Return a ratio as a change in percent: ``−12 %``, ``+3.1 %``; empty when unknown."""
    if ratio is None:
        return ""
    if ratio.value == 1:
        return "0 %"
    return units.signed_percent(ratio.value - 1)
