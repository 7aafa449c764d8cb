"""``tunebench compare``: verdicts on a candidate against a base, for people and for gates."""

import argparse
import gc
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from suite import screen, units
from suite.arguments import Parser, names, one_of, path
from suite.console import comparison, tables
from suite.errors import EXIT_CASES, EXIT_OK, EXIT_REGRESSION, BadInput, did_you_mean
from suite.results.comparison import ALLOWED, COMPUTED, compare, compute, too_few
from suite.results.memoize import keep
from suite.results.metrics import all_metrics
from suite.results.published import published_noise
from suite.results.record import Record
from suite.results.scatter import calibration
from suite.results.stats import significance
from suite.results.storage.run_folder import Collection, read
from suite.signals import Signals

#: From so many records on, a second process is worth its start.
MANY = 2000


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "compare",
        "Compare a candidate with a base, case by case. Each side needs five repeats\n"
        "for a gate (./tunebench run --launches 5), three or more for an interval.\n"
        f"SLOWER, FASTER: by over {units.percent(significance.MARGIN)}; for all cases together,"
        f" {units.percent(significance.SLOWER_ALPHA)} false at most.\n"
        f'SAME: within {units.percent(significance.MARGIN)}. Else INCONCLUSIVE. "smallest" is the'
        " slowdown\nthat would have been found four times of five.",
        [
            ("./tunebench compare runs/old runs/new", "what changed"),
            ("./tunebench compare runs/old runs/new --gate", "exit code 5 on a regression"),
        ],
    )
    made.add_argument("base", type=path, metavar="BASE", help="session, folder or file: before")
    made.add_argument("candidate", type=path, metavar="CANDIDATE", help="the same: after")
    made.add_argument("--gate", action="store_true", help="exit with 5 on a regression")
    made.add_argument("--strict", action="store_true", help="--gate fails on INCONCLUSIVE too")
    made.add_argument(
        "--allow",
        type=names,
        metavar="WHAT",
        default=[],
        help=f"compare although this differs: {', '.join(ALLOWED)}",
    )
    made.add_argument(
        "--noise",
        type=path,
        action="append",
        default=[],
        metavar="PATH",
        help="what ./tunebench calibrate found (default: the profile's published one)",
    )
    made.add_argument(
        "--format",
        type=one_of("text", "json", "markdown", "html"),
        default="text",
        metavar="F",
        help="text (default), json, markdown or html: a page",
    )
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print the comparison; with ``--gate`` the exit code is its answer."""
    for name in args.allow:
        if name not in ALLOWED:
            hint = did_you_mean(name, ALLOWED)
            raise BadInput(f"--allow: cannot be {name!r}", hint=hint)
    with _uncollected():
        base, candidate = _side(args.base), _side(args.candidate)
        profiles = {record.profile for record in base.records}
        spreads = calibration.spreads(args.noise or published_noise(profiles))
        if len(base.records) + len(candidate.records) >= MANY:
            _compute(base.records, candidate.records)
        found = compare(base, candidate, allow=args.allow, spreads=spreads)
    gates, why = args.gate or args.strict, too_few(found)
    if gates and why and not found.nothing_compared:
        raise BadInput(
            f"cannot gate: {why}",
            hint=f"Measure both with ./tunebench run --launches {significance.GATE_LAUNCHES}.",
        )
    failures = list(found.failures)
    if args.strict:
        failures += [f"{case_id}: inconclusive" for case_id in found.open]
    nothing = found.nothing_compared
    said = comparison.sentences(found)
    answer = comparison.answer(failures, why, nothing, found.open)
    if args.format == "json":
        document = {**msgspec.to_builtins(found), "failures": failures, "cannot_gate": why}
        print(screen.json(msgspec.json.format(msgspec.json.encode(document)).decode()))
    elif args.format == "markdown":
        comparison.markdown(found, [*said, answer])
    elif args.format == "html":
        print(comparison.page(found, said, answer, good=not (failures or why or nothing)))
    else:
        comparison.show(found, [*said, answer])
    if not gates:
        return EXIT_OK
    if failures:
        return EXIT_REGRESSION
    return EXIT_CASES if nothing else EXIT_OK


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave cyclic garbage alone: records make none, and looking for it goes through all of them.

    Of 10,000 records that is a fifth of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _compute(ours: Sequence[Record], theirs: Sequence[Record]) -> None:
    """Compute the metrics of two lots of records, one of them in a copy of this process."""
    from reports.site.parallel import run_in_child

    metrics = [all_metrics()[tag] for tag in COMPUTED]
    good = [record for record in theirs if record.outcome == "ok"]
    with tempfile.TemporaryFile() as file:

        def work() -> None:
            compute(theirs)
            values = [[metric.compute(record) for metric in metrics] for record in good]
            os.pwrite(file.fileno(), msgspec.msgpack.encode(values), 0)

        with run_in_child(work):
            compute(ours)
        computed = msgspec.msgpack.decode(file.read(), type=list[list[float | None]])
    for record, values in zip(good, computed, strict=True):
        for metric, value in zip(metrics, values, strict=True):
            keep(metric.compute, record, value)


def _side(given: Path) -> Collection:
    found = read([given])
    tables.warn(found.problems)
    return found
