"""Every record as one row: what ran, what became of it, and its numbers where they count."""

from collections.abc import Iterator
from functools import partial

import msgspec

from reports.analysis.dataset import Dataset
from reports.text import columns, facts, phrases
from reports.text.numbers import Number, ParityVerdict, number, peak_memory, record_page, verdict
from suite.results.metrics import Metric, all_metrics
from suite.results.metrics import columns as metric_columns
from suite.results.replicates import Replicates, summarize


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One record. Its figures are those of the record alone, not medians over launches.

    ``more`` are those of ``metrics.columns("records")``, in their order.
    ``outcome`` is in words, without the phase in ``became``, so that equal ones group.
    """

    record_id: str
    href: str
    method: str
    model: str
    place: str
    work: str
    outcome: str
    became: str
    tokens: Number
    step: Number
    memory: Number
    energy: Number
    more: tuple[Number, ...]
    losses: ParityVerdict | None
    weights: str
    launch: int
    run: str
    begun: str


NOTHING = Number(text="–")
UNKNOWN = Number(text="unknown")


def results(dataset: Dataset) -> list[Result]:
    """Return all records, in the report's order: newest run first, then as planned."""
    found = [result for group in dataset.groups for result in _of_group(dataset, group)]
    return columns.aligned_fields(found, "tokens", "step", "memory", "energy", "more")


def _of_group(dataset: Dataset, group: Replicates) -> Iterator[Result]:
    place = facts.profile_title(group.records, group.first.profile)
    case = group.case
    work = f"{phrases.work(case.workload)} · {phrases.LOOPS[case.loop]} · seed {case.seed}"
    for record in group.records:
        outcome, became = phrases.OUTCOMES[record.outcome], phrases.outcome(record)
        ok = record.outcome == "ok"
        alone = Replicates(records=(record,))
        if alone.unsettled:
            became += ", step time did not settle"
        yield Result(
            record_id=record.record_id,
            href=record_page(record),
            method=case.method.title,
            model=case.model.title,
            place=place,
            work=work,
            outcome=outcome,
            became=became if became != outcome else "",
            tokens=_figure(alone, all_metrics()["tokens_per_second"]),
            step=_figure(alone, all_metrics()["step_seconds"]),
            memory=_figure(alone, peak_memory(record)),
            energy=_figure(alone, all_metrics()["joules_per_token"]),
            more=tuple(_figure(alone, metric) for metric in metric_columns("records")),
            losses=verdict(alone, dataset.references) if ok else None,
            weights=phrases.weights_name(record.weights),
            launch=record.launch,
            run=record.run_id,
            begun=phrases.when(record.started_at),
        )


def _figure(alone: Replicates, metric: Metric) -> Number:
    if not alone.ok:
        return NOTHING
    found = number(summarize(alone, metric), partial(_text, metric)) or UNKNOWN
    if metric.tag == "peak_host_rss_bytes" and found.exact:
        return msgspec.structs.replace(found, range="host")
    return found


def _text(metric: Metric, value: float) -> str:
    # The column's head has the unit of a rate.
    return columns.rate(value) if metric.unit == "tokens/second" else columns.metric(metric, value)
