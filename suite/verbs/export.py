"""``tunebench export``: results as a table for other programs."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from reports.export.markdown import TABLES, markdown
from suite import csv, screen
from suite.arguments import Parser, names, one_of, path
from suite.console import tables
from suite.errors import EXIT_OK, BadInput, did_you_mean
from suite.results.replicates import group
from suite.results.storage.run_folder import Collection, read
from suite.results.table import Row, rows
from suite.results.validity.parity import References
from suite.signals import Signals


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "export",
        "Write results as a table: a row for each repeat of a case, a column for each\n"
        "metric. Units are SI; an unknown number is an empty cell in CSV, null in JSON.\n"
        "As Markdown: tables for people, methods beside each other, units as on the page.",
        [
            ("./tunebench export runs/a --out a.csv", "for a spreadsheet"),
            ("./tunebench export runs/* --format jsonl", "all sessions, for jq"),
            ("./tunebench export a --format parquet --out a.parquet", "for pandas"),
            ("./tunebench export runs/a --format markdown", "for a README"),
            ("./tunebench export a --format badge --methods lora", "one case, SVG"),
        ],
    )
    made.add_argument(
        "paths", nargs="+", type=path, metavar="PATH", help="sessions or record files"
    )
    made.add_argument(
        "--format",
        type=one_of("csv", "json", "jsonl", "parquet", "markdown", "badge"),
        default="csv",
        metavar="FORMAT",
        help="csv (default), json, jsonl, parquet, markdown, or badge: one case as SVG",
    )
    made.add_argument(
        "--table",
        type=one_of(*TABLES),
        metavar="TABLE",
        help=f"of Markdown only this: {', '.join(TABLES)}",
    )
    made.add_argument("--models", type=names, metavar="NAMES", help="results of these models only")
    made.add_argument("--methods", type=names, metavar="NAMES", help="and of these methods only")
    made.add_argument("--out", metavar="FILE", default="-", help="(default: -, standard output)")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Write the table."""
    if args.table is not None and args.format != "markdown":
        raise BadInput("--table is for --format markdown")
    found = read(args.paths)
    references = References(found.records)  # also those that are not asked for
    if args.models is not None:
        found = only(found, "model", args.models)
    if args.methods is not None:
        found = only(found, "method", args.methods)
    tables.warn(found.problems)
    if args.format == "parquet":
        if args.out == "-":
            raise BadInput("parquet is no text", hint="Give it a file: --out results.parquet")
        return _write_parquet(found, references, args.out)
    if args.format == "markdown":
        text = markdown(found, args.table)
    elif args.format == "badge":
        text = badge(found, references)
    else:
        text = _formatted(rows(found.records, references), args.format)
    if args.out == "-":
        sys.stdout.write(text)
        return EXIT_OK
    _put(Path(args.out), text.encode("utf-8", errors="replace"))
    return EXIT_OK


def _write_parquet(found: Collection, references: References, out: str) -> int:
    from suite.console.parquet import parquet

    table = rows(found.records, references)
    _put(Path(out), parquet(table, list(table[0]) if table else []))
    return EXIT_OK


def _put(target: Path, content: bytes) -> None:
    from reports.site.place import new_file

    new_file(target, content, replace=False)


def only(found: Collection, kind: Literal["model", "method"], wanted: Sequence[str]) -> Collection:
    """Return the records and planned cases of some models or methods.

    Raises BadInput where one of them has none.
    """
    known = {getattr(record, kind) for record in found.records}
    known |= {getattr(case, kind).name for plan in found.plans for case in plan.cases}
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            raise BadInput(f"no result of {kind} {name!r} in what was given", hint=hint)
    plans = (
        msgspec.structs.replace(
            plan, cases=tuple(case for case in plan.cases if getattr(case, kind).name in wanted)
        )
        for plan in found.plans
    )
    return msgspec.structs.replace(
        found,
        records=tuple(record for record in found.records if getattr(record, kind) in wanted),
        plans=tuple(plan for plan in plans if plan.cases),
    )


def badge(found: Collection, references: References) -> str:
    """Return the badge of the one case in the collection; raises BadInput for none or several."""
    from reports.export.badge import badge as drawn

    groups = group(found.records)
    if len(groups) != 1:
        named = [f"{each.case.case_id} in session {each.first.run_id}" for each in groups]
        listed = "; ".join(named[:5]) + ("; …" if len(named) > 5 else "")
        raise BadInput(
            f"a badge is of one case, and here are {len(named)}{': ' if named else ''}{listed}",
            hint="Choose one: the folder of one session, --models and --methods.",
        )
    return drawn(groups[0], references)


def _formatted(table: Sequence[Row], form: str) -> str:
    if form == "json":
        return screen.json(json.dumps(table, indent=1, allow_nan=False)) + "\n"
    if form == "jsonl":
        return "".join(screen.json(json.dumps(row, allow_nan=False)) + "\n" for row in table)
    return csv.text(table)
