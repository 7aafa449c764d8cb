"""The cells of a comparison: one number, ratio or verdict each, already text."""

from collections.abc import Callable, Sequence

import msgspec

from reports import words
from suite import units
from suite.results.comparable import differences, other_work
from suite.results.launches import Launches, Value, across
from suite.results.metrics import Metric, all_metrics
from suite.results.parity import Parity, References
from suite.results.record import Record

BASELINE = "lora"  #: the method that ratios are taken against, where it did the same work


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A measured number: as shown, exactly as JSON has it, and its range over launches."""

    text: str
    exact: str
    range: str = ""


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """Throughput over that of a named baseline, or in ``text`` why there is no ratio.

    ``differing`` names the effective settings that differ; None where that is unknown.
    """

    text: str
    exact: str = ""
    baseline: str = ""
    reason: str = ""
    differing: tuple[str, ...] | None = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Loss parity in words; ``kind`` is "good", "bad" or "none"."""

    kind: str
    text: str
    detail: str


def record_page(record: Record) -> str:
    """Return the address of a record's page, from the site's root."""
    return f"records/{record.record_id}.html"


def peak_memory(record: Record) -> Metric:
    """Return the metric that "peak memory" means on this record's device."""
    on_gpu = record.environment.gpu is not None
    return all_metrics()["peak_allocated_bytes" if on_gpu else "peak_host_rss_bytes"]


def exact(value: float) -> str:
    """Return a number as the JSON of a record would hold it."""
    return msgspec.json.encode(value).decode()


def number(value: Value | None, text: Callable[[float], str]) -> Number | None:
    """Return a value over launches as text, with its range where there are several."""
    if value is None:
        return None
    spread = f"{text(value.low)}–{text(value.high)}" if value.launches > 1 else ""
    return Number(text=text(value.median), exact=exact(value.median), range=spread)


def ratio(group: Launches, others: Sequence[Launches]) -> Ratio:
    """Return a group's throughput over that of the plain baseline, or over its reference's.

    The baseline is ``BASELINE``; where that did other work, the method's own loss reference.
    """
    method = group.case.method
    by_name = {other.case.method.name: other for other in others}
    reasons = []
    for name in dict.fromkeys([BASELINE, method.reference]):
        base = by_name.get(name) if name else None
        if name is None or base is None:
            reasons += [f"{name} is not in this run"] if name else []
            continue
        if name == method.name:
            return Ratio(text="baseline")
        reason = _no_ratio(group, base)
        if reason:
            reasons.append(reason)
            continue
        return _ratio(group, base)
    return Ratio(text="no ratio", reason=reasons[0])


def _no_ratio(group: Launches, base: Launches) -> str:
    title = base.case.method.title
    if not base.ok:
        return f"{title}: {words.outcome(base.first).lower()}"
    if group.best.weights != base.best.weights:
        return f"other weights than {title}"
    return other_work(group.best, base.best)


def _ratio(group: Launches, base: Launches) -> Ratio:
    metric = all_metrics()["tokens_per_second"]
    ours, theirs = across(group, metric), across(base, metric)
    title = base.case.method.title
    if ours is None or theirs is None:
        return Ratio(text="no ratio", reason=f"no throughput of both this and {title}")
    found = differences(group.best, base.best)
    quotient = ours.median / theirs.median
    return Ratio(
        text=units.ratio(quotient),
        exact=exact(quotient),
        baseline=title,
        differing=None if found is None else tuple(each.setting for each in found),
    )


def verdict(group: Launches, references: References) -> Verdict:
    """Return the parity over all good launches: the worst verdict, the largest differences."""
    found = [references.parity(record) for record in group.ok]
    for kind in ("differs", "no reference"):
        worst = next((parity for parity in found if parity.verdict == kind), None)
        if worst is not None:
            return _verdict(worst)
    first = max(parity.first or 0.0 for parity in found)
    largest = max(parity.trajectory or 0.0 for parity in found)
    detail = f"first loss {units.percent(first)}, all {units.percent(largest)} at most"
    return Verdict(kind="good", text="agrees", detail=detail)


def _verdict(parity: Parity) -> Verdict:
    if parity.verdict == "differs":
        return Verdict(kind="bad", text="differs", detail=parity.reason)
    return Verdict(kind="none", text="no reference", detail=parity.reason)
