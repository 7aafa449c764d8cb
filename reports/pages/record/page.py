"""The page of one record: everything it holds, as text, tables and charts."""

from collections.abc import Sequence

import msgspec

from reports.charts.record_lines import Chart, LineData, chart
from reports.pages.record import memory as memory_view
from reports.pages.record import tables
from reports.pages.record import telemetry as gpu_view
from reports.sections import hosts
from reports.text import facts, phrases
from reports.text import numbers as cells
from reports.text.numbers import Number
from suite import units
from suite.results.metrics import Metric, all_metrics
from suite.results.notes import notes
from suite.results.plan import Plan
from suite.results.record import Check, Environment, Finding, Record
from suite.results.validity.comparable import settings
from suite.results.validity.parity import Parity, References
from suite.results.validity.settled import settled

HEADLINE = (
    "tokens_per_second",
    "step_seconds",
    "step_seconds_low",
    "first_step_seconds",
    "load_seconds",
)


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on one record's page; ``without`` are the metrics that it has no value of."""

    title: str
    summary: str
    good: bool
    outcome: str
    outcome_help: str
    reason: str
    headline: tuple[tuple[Metric, Number], ...]
    metrics: tuple[tuple[Metric, Number], ...]
    without: tuple[Metric, ...]
    charts: tuple[Chart, ...]
    parity: Parity
    parity_text: str
    parity_href: str
    checks: tuple[Check, ...]
    memory: tuple[str, ...]
    phases: tuple[tables.PhaseRow, ...]
    ledger: memory_view.MemoryTable | None
    watched: gpu_view.RecordTelemetry | None
    unknown: facts.Facts
    settings: tuple[tuple[str, str, str], ...]
    requested: facts.Facts
    effective: facts.Facts
    steps: tuple[tables.StepRow, ...]
    steps_left_out: int
    notes: tuple[str, ...]
    output: tuple[str, ...]
    facts: facts.Facts
    host: hosts.RecordHost
    command: str
    source: str
    weights: str
    json_name: str


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a record's page says of the machine and the software around its run."""

    environment: facts.Facts
    preflight: tuple[Finding, ...]
    packages: facts.Facts


def surroundings(environment: Environment) -> Surroundings:
    """Return what is said of an environment."""
    versions = environment.versions
    return Surroundings(
        environment=facts.of_environment(environment),
        preflight=environment.preflight,
        packages=tuple(sorted(versions.packages.items())) if versions else (),
    )


def page(record: Record, references: References, plan: Plan | None, source: str) -> RecordPage:
    """Return the page of a record; ``source`` is the file it was read from."""
    parity = references.parity(record)
    in_order = phrases.in_order(all_metrics().values())
    shown = {m.tag: (m, value) for m in in_order if (value := _value(m, record)) is not None}
    headline = (*HEADLINE[:3], cells.peak_memory(record).tag, *HEADLINE[3:])
    unknown = {
        **record.environment.unavailable,
        **{f"{p.name}: {k}": v for p in record.phases for k, v in p.memory.unavailable.items()},
    }
    if record.telemetry is not None:
        unknown |= {f"telemetry: {k}": v for k, v in record.telemetry.unavailable.items()}
    return RecordPage(
        title=phrases.case_title(record.case),
        summary=f"{phrases.work(record.case.workload)} · {phrases.LOOPS[record.case.loop]}",
        good=record.outcome == "ok",
        outcome=phrases.outcome(record),
        outcome_help=phrases.OUTCOME_HELP[record.outcome],
        reason=phrases.bounded(record.reason),
        headline=tuple(shown[tag] for tag in headline if tag in shown),
        metrics=tuple(shown.values()),
        without=tuple(metric for metric in in_order if metric.tag not in shown),
        charts=_charts(record, parity),
        parity=parity,
        parity_text=_parity_text(record, parity),
        parity_href=f"{parity.reference.record_id}.html" if parity.reference else "",
        checks=record.checks,
        memory=tables.memory_kinds(record),
        phases=tables.phases(record),
        ledger=memory_view.of_record(record),
        watched=gpu_view.of_record(record),
        unknown=tuple((name, phrases.bounded(why)) for name, why in sorted(unknown.items())),
        settings=tables.requested_and_running(record),
        requested=tables.flat(record.case),
        effective=tuple(settings(record.effective).items()) if record.effective else (),
        steps=tables.steps(record),
        steps_left_out=max(0, len(record.steps) - tables.MOST_STEPS),
        notes=tuple(phrases.bounded(note) for note in notes(record)),
        output=tuple(phrases.bounded(line) for line in record.output_tail[-tables.MOST_LINES :]),
        facts=facts.of_record(record),
        host=hosts.of_record(record),
        command="" if plan is None else phrases.command(plan),
        source=source,
        weights=" ".join(phrases.weights([record])),
        json_name=f"{record.record_id}.json",
    )


def _value(metric: Metric, record: Record) -> Number | None:
    value = metric.compute(record)
    if value is None:
        return None
    return Number(
        text=phrases.number(metric, value),
        exact=cells.exact(value),
        range=cells.certainty(settled(record).error) if metric.over_window else "",
    )


def _parity_text(record: Record, parity: Parity) -> str:
    if record.case.method.reference is None:
        return "Other methods are compared with this one; it has no reference of its own."
    if parity.reference is None:
        return f"Not compared: {parity.reason}."
    title = parity.reference.case.method.title
    compared = f"With {title}: {parity.reason}."
    if parity.first is not None and parity.trajectory is not None:
        if parity.trajectory == 0:
            compared += f" The losses of all {parity.steps} steps are identical"
        else:
            compared += (
                f" The first loss differs by {units.percent(parity.first)}, no loss of"
                f" {parity.steps} steps by more than {units.percent(parity.trajectory)}"
            )
        if parity.gradient is not None:
            compared += f"; no gradient norm differs by more than {units.percent(parity.gradient)}"
        compared += "."
    return compared


def _charts(record: Record, parity: Parity) -> tuple[Chart, ...]:
    later = [step for step in record.steps if step.role != "first"]
    scale = units.scale("seconds", [step.seconds for step in later])
    times = LineData(
        name="Step time",
        kind="ours",
        samples=[(step.index + 1, step.seconds / scale.size, step.role) for step in later],
    )
    title = record.case.method.title
    losses = [LineData(name=title, kind="ours", samples=_losses(record))]
    if parity.reference is not None:
        other = parity.reference
        line = LineData(name=other.case.method.title, kind="theirs", samples=_losses(other))
        losses.insert(0, line)
    charts = (
        chart(
            f"Step time in {scale.unit}, by step",
            "Seconds of each optimizer step after the first; hollow points are warm-up.",
            [times],
            lambda value: f"{value:,.{scale.digits}f} {scale.unit}",
        ),
        chart(
            "Training loss in nats, by step",
            "Mean loss over the loss tokens of each step"
            + (
                f"; the dashed line is {losses[0].name}, the reference."
                if parity.reference
                else "."
            ),
            losses,
            lambda value: f"{value:.4f}",
        ),
    )
    return tuple(each for each in charts if each is not None)


def _losses(record: Record) -> Sequence[tuple[int, float | None, str]]:
    return [(step.index + 1, step.loss, "steady") for step in record.steps]
