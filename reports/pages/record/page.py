"""The page of one record: everything it holds, as text, tables and charts."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from reports.charts.record_lines import Chart
from reports.pages.record import curves, tables
from reports.pages.record import group as group_view
from reports.pages.record import memory as memory_view
from reports.pages.record import telemetry as gpu_view
from reports.sections import hosts
from reports.text import facts, phrases
from reports.text import numbers as cells
from reports.text.case_command import case_command
from reports.text.numbers import Number
from suite import units
from suite.results.metrics import Metric, all_metrics
from suite.results.notes import notes
from suite.results.plan import Plan
from suite.results.record import Check, Environment, Finding, Record
from suite.results.validity.comparable import settings
from suite.results.validity.parity import Parity, References
from suite.results.validity.settled import settled

#: The numbers of the first screen, peak memory after the second.
HEADLINE = ("tokens_per_second", "step_seconds", "joules_per_token", "utilization_of_peak")


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on one record's page; ``without`` are the metrics that it has no value of.

    ``command`` measures this case alone, "" where the catalog has it no more; ``started`` is how
    the session was started. ``weights`` is "" for random ones, of which every page says the same.
    """

    title: str
    description: str
    model: str
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
    group: group_view.RecordGroup | None
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
    started: str
    source: str
    weights: str
    routing: str
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


def page(
    record: Record, title: str, references: References, plan: Plan | None, source: str
) -> RecordPage:
    """Return the page of a record under its title; ``source`` is the file it was read from."""
    parity = references.parity(record)
    in_order = phrases.in_order(all_metrics().values())
    shown = {m.tag: (m, value) for m in in_order if (value := _value(m, record)) is not None}
    tags = (*HEADLINE[:2], cells.peak_memory(record).tag, *HEADLINE[2:])
    headline = tuple(shown[tag] for tag in tags if tag in shown)
    unknown = {
        **record.environment.unavailable,
        **{f"{p.name}: {k}": v for p in record.phases for k, v in p.memory.unavailable.items()},
    }
    if record.telemetry is not None:
        unknown |= {f"telemetry: {k}": v for k, v in record.telemetry.unavailable.items()}
    unknown |= {f"topology: {k}": v for k, v in group_view.unknown(record).items()}
    return RecordPage(
        title=title,
        description=_description(record, headline),
        model=phrases.short(record.case.model.title),
        summary=f"{phrases.work(record.case.workload)} · {phrases.LOOPS[record.case.loop]}",
        good=record.outcome == "ok",
        outcome=phrases.outcome(record),
        outcome_help=_outcome_help(record),
        reason=phrases.bounded(record.reason),
        headline=headline,
        metrics=tuple(shown.values()),
        without=tuple(metric for metric in in_order if metric.tag not in shown),
        charts=curves.of_record(record, parity),
        parity=parity,
        parity_text=_parity_text(record, parity),
        parity_href=f"{parity.reference.record_id}.html" if parity.reference else "",
        checks=record.checks,
        memory=tables.memory_kinds(record),
        phases=tables.phases(record),
        ledger=memory_view.of_record(record),
        watched=gpu_view.of_record(record),
        group=group_view.of_record(record),
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
        command=case_command(record, plan),
        started="" if plan is None else phrases.command(plan),
        source=source,
        weights="" if record.weights.startswith("dummy") else f"Base weights: {record.weights}.",
        routing=" ".join(phrases.routing([record])),
        json_name=f"{record.record_id}.json",
    )


def _description(record: Record, headline: Iterable[tuple[Metric, Number]]) -> str:
    """Return what a link's preview says below the title."""
    numbers = "; ".join(f"{metric.title}: {value.text}" for metric, value in headline)
    return phrases.short(f"{numbers or phrases.outcome(record)}.")


def _outcome_help(record: Record) -> str:
    """Return what an outcome means; of one that ran, how many of its checks passed."""
    if record.outcome != "ok" or not record.checks:
        return phrases.OUTCOME_HELP[record.outcome]
    count = Counter(check.status for check in record.checks)
    total, passed, failed = count.total(), count["ok"], count["failed"]
    said = f"{passed} of {units.counted(total, 'check')} passed"
    if passed == total > 1:
        said = f"all {total} checks passed"
    if failed:
        said += f", {failed} failed"
    if unknown := total - passed - failed:
        said += f", {unknown} could not be made"
    return f"Completed; {said}."


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
