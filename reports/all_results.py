"""Every record as one row: what ran, what became of it, and its numbers where they count."""

from collections.abc import Iterator

import msgspec

from reports import facts, words
from reports.cells import Verdict, exact, peak_memory, record_page, verdict
from reports.material import Material
from suite import units
from suite.results.launches import Launches
from suite.results.metrics import Metric, all_metrics
from suite.results.record import Record


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number as shown and as JSON has it; without one ``text`` says so and ``exact`` is ""."""

    text: str
    exact: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One record. Its figures are those of the record alone, not medians over launches.

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
    tokens: Figure
    step: Figure
    memory: Figure
    energy: Figure
    losses: Verdict | None
    weights: str
    launch: int
    run: str
    begun: str


NOTHING = Figure(text="–")
UNKNOWN = Figure(text="unknown")


def results(material: Material) -> list[Result]:
    """Return all records, in the report's order: newest run first, then as planned."""
    return [result for group in material.groups for result in _of_group(material, group)]


def _of_group(material: Material, group: Launches) -> Iterator[Result]:
    place = facts.profile_title(group.records, group.first.profile)
    case = group.case
    work = f"{words.work(case.workload)} · {words.LOOPS[case.loop]} · seed {case.seed}"
    for record in group.records:
        outcome, became = words.OUTCOMES[record.outcome], words.outcome(record)
        ok = record.outcome == "ok"
        if ok and record.steadiness is not None and not record.steadiness.reached:
            became += ", not steady"
        yield Result(
            record_id=record.record_id,
            href=record_page(record),
            method=case.method.title,
            model=case.model.title,
            place=place,
            work=work,
            outcome=outcome,
            became=became if became != outcome else "",
            tokens=_figure(record, all_metrics()["tokens_per_second"]),
            step=_figure(record, all_metrics()["step_seconds"]),
            memory=_figure(record, peak_memory(record)),
            energy=_figure(record, all_metrics()["joules_per_token"]),
            losses=verdict(Launches(records=(record,)), material.references) if ok else None,
            weights=record.weights,
            launch=record.launch,
            run=record.run_id,
            begun=words.when(record.started_at),
        )


def _figure(record: Record, metric: Metric) -> Figure:
    if record.outcome != "ok":
        return NOTHING
    value = metric.compute(record)
    if value is None:
        return UNKNOWN
    if metric.unit == "tokens/second":
        text = units.rate(value, "").strip()  # the column's head has the unit
    else:
        text = words.number(metric, value)
    if metric.tag == "peak_host_rss_bytes":
        text += ", host"
    return Figure(text=text, exact=exact(value))
