"""``tunebench export``: results as a table for other programs."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from suite.arguments import Parser, names, one_of, path
from suite.errors import EXIT_OK, BadInput, WrongMachine, did_you_mean
from suite.results.metrics import all_metrics
from suite.results.parity import References
from suite.results.record import Record
from suite.results.store import Collection, read
from suite.signals import Signals
from suite.verbs import tables

Row = dict[str, str | int | float | None]

#: Those of ``reports.markdown``, which is imported only when Markdown is asked for.
TABLES = (
    "ladder",
    "comparison",
    "sequence",
    "padding",
    "claim",
    "fidelity",
    "noise",
    "steps",
    "fit",
    "failed",
)


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "export",
        "Write results as a table: one row a record (a case in one launch), one column a\n"
        "metric. Units are SI; an unknown number is an empty cell in CSV, null in JSON.\n"
        "As Markdown: tables for people, methods beside each other, units as on the page.",
        [
            ("./tunebench export runs/a --out a.csv", "for a spreadsheet"),
            ("./tunebench export runs/* --format jsonl", "several runs, for jq"),
            ("./tunebench export runs/a --format markdown", "for a README"),
        ],
    )
    made.add_argument("paths", nargs="+", type=path, metavar="PATH", help="runs or record files")
    made.add_argument(
        "--format",
        type=one_of("csv", "json", "jsonl", "markdown"),
        default="csv",
        metavar="FORMAT",
        help="csv (default), json, jsonl or markdown",
    )
    made.add_argument(
        "--table",
        type=one_of(*TABLES),
        metavar="TABLE",
        help=f"of Markdown only this: {', '.join(TABLES)}",
    )
    made.add_argument("--models", type=names, metavar="NAMES", help="records of these models only")
    made.add_argument("--out", metavar="FILE", default="-", help="(default: -, standard output)")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Write the table."""
    if args.table is not None and args.format != "markdown":
        raise BadInput("--table is for --format markdown")
    found = read(args.paths)
    if args.models is not None:
        found = of_models(found, args.models)
    tables.warn(found.problems)
    if args.format == "markdown":
        text = markdown(found, args.table)
    else:
        references = References(found.records)
        text = _formatted([_row(record, references) for record in found.records], args.format)
    if args.out == "-":
        sys.stdout.write(text)
        return EXIT_OK
    target = Path(args.out)
    if target.exists():
        raise BadInput(f"{target}: exists already", hint="Give another --out.")
    try:
        target.write_text(text, encoding="utf-8", errors="replace", newline="")
    except OSError as error:
        raise WrongMachine(f"{target}: cannot be written: {error.strerror}") from error
    return EXIT_OK


def of_models(found: Collection, wanted: Sequence[str]) -> Collection:
    """Return the records and planned cases of some models; raises BadInput where one has none."""
    known = {record.model for record in found.records}
    known |= {case.model.name for plan in found.plans for case in plan.cases}
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            raise BadInput(f"no record of model {name!r} in what was given", hint=hint)
    plans = (
        msgspec.structs.replace(p, cases=tuple(c for c in p.cases if c.model.name in wanted))
        for p in found.plans
    )
    return msgspec.structs.replace(
        found,
        records=tuple(record for record in found.records if record.model in wanted),
        plans=tuple(plan for plan in plans if plan.cases),
    )


def markdown(found: Collection, table: str | None) -> str:
    """Return the collection's tables as Markdown."""
    from reports.markdown import markdown as tables

    return tables(found, table)


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
        "outcome": record.outcome,
        "phase": record.phase,
        "reason": record.reason,
        **metrics,
        "parity": parity.verdict,
        "parity_first": parity.first,
        "parity_trajectory": parity.trajectory,
        "parity_gradient": parity.gradient,
        "suite_version": record.environment.suite_version,
        "started_at": record.started_at,
    }


def _formatted(rows: Sequence[Row], form: str) -> str:
    if form == "json":
        return json.dumps(rows, indent=1, allow_nan=False) + "\n"
    if form == "jsonl":
        return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    text = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
