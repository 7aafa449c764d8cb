"""Records as rows of a table, for other programs: ``export`` writes them, pandas reads them."""

from collections.abc import Iterable

from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.validity.parity import References
from suite.results.validity.settled import settled

Row = dict[str, str | int | float | None]


def rows(records: Iterable[Record], references: References | None = None) -> list[Row]:
    """Return a row for each record: what was run, every metric by its tag, what may be quoted.

    Units are SI, as each metric says; None is unknown. Losses are judged against ``references``,
    or without them against those of ``records``.
    """
    chosen = list(records)
    judge = References(chosen) if references is None else references
    return [_row(record, judge) for record in chosen]


def _row(record: Record, references: References) -> Row:
    work = record.case.workload
    parity = references.parity(record)
    metrics = {tag: metric.compute(record) for tag, metric in all_metrics().items()}
    gpu = record.environment.gpu
    return {
        "record_id": record.record_id,
        "run_id": record.run_id,
        "case_id": record.case_id,
        "launch": record.launch,
        "model": record.model,
        "method": record.method,
        "engine": record.engine,
        "profile": record.profile,
        "gpu": None if gpu is None else gpu.name,
        "loop": record.case.loop,
        "seed": record.case.seed,
        "weights": record.weights,
        "batch_sequences": work.batch_sequences,
        "sequence_tokens": work.sequence_tokens,
        "gradient_accumulation": work.gradient_accumulation,
        "gpus": record.case.gpus,
        "parallel": None if work.parallel is None else work.parallel.kind,
        "outcome": record.outcome,
        "phase": record.phase,
        "reason": record.reason,
        **metrics,
        "settled": {True: "yes", False: "no", None: None}[settled(record).settled],
        "parity": parity.verdict,
        "parity_first": parity.first,
        "parity_trajectory": parity.trajectory,
        "parity_gradient": parity.gradient,
        "origin": None if record.origin is None else record.origin.name,
        "suite_version": record.environment.suite_version,
        "started_at": record.started_at,
    }
