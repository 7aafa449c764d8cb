"""What a run found, at its end: one row a case, then the reasons behind its words."""

from collections.abc import Iterable

from suite import units
from suite.console import tables
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record
from suite.results.replicates import Replicates, group, summarize
from suite.results.validity.failed import failures, why
from suite.results.validity.parity import References

HEADERS = ("case", "outcome", "step", "token/s", "peak", "losses")


def show(records: Iterable[Record]) -> None:
    """Print the table of these records of one run, and why a number is missing."""
    known = list(records)
    references = References(known)
    tables.show(
        HEADERS,
        [_row(launches, references) for launches in group(known)],
        right="step token/s peak",
    )
    reasons = {record.record_id: why(record) for record in known if record.outcome != "ok"}
    reasons |= {record.record_id: reason for record, reason in failures(known)}
    if reasons:
        print()
    for record in known:
        if record.record_id in reasons:
            launch = f", repeat {record.launch}" if record.launch > 1 else ""
            tables.say(f"{record.case_id}{launch}: {reasons[record.record_id]}")


def _row(launches: Replicates, references: References) -> tuple[str, ...]:
    metrics = all_metrics()
    rate = _median(launches, metrics["tokens_per_second"])
    step = _median(launches, metrics["step_seconds"])
    on_cpu = launches.first.environment.gpu is None
    memory = metrics["peak_host_rss_bytes" if on_cpu else "peak_allocated_bytes"]
    peak = _median(launches, memory)
    return (
        launches.case.case_id,
        ", ".join(dict.fromkeys(record.outcome for record in launches.records)),
        "" if step is None else units.seconds(step),
        "" if rate is None else units.rate(rate, "").strip(),
        "" if peak is None else units.bytes_(peak),
        _losses(launches, references),
    )


def _median(launches: Replicates, metric: Metric) -> float | None:
    value = summarize(launches, metric)
    return None if value is None else value.median


def _losses(launches: Replicates, references: References) -> str:
    """Return "differs" if those of any launch do, else "agrees" if they were compared."""
    verdicts = {references.parity(record).verdict for record in launches.ok}
    return next((verdict for verdict in ("differs", "agrees") if verdict in verdicts), "")
