"""``tunebench compare``: verdicts on a candidate against a base, for people and for gates."""

import argparse
import gc
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from suite import units
from suite.arguments import Parser, names, one_of, path
from suite.errors import EXIT_OK, EXIT_REGRESSION, BadInput, did_you_mean
from suite.results import calibration, compare, stats
from suite.results.collection import NOISE
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.store import Collection, read
from suite.signals import Signals
from suite.verbs import tables
from suite.verbs.publish import RESULTS

HEADER = ("case", "quantity", "base", "candidate", "ratio", "interval", "launches", "verdict")
#: From so many records on, a second process is worth its start.
MANY = 2000
_NAME = re.compile("[a-z0-9-]+")
RIGHT = "base candidate ratio interval launches"


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "compare",
        "Compare a candidate with a base, case by case. Replicates are launches: five a\n"
        "side for a gate (./tunebench run --launches 5), three or more for an interval.\n"
        f"SLOWER, FASTER: by over {units.percent(stats.MARGIN)}; for all cases together,"
        f" {units.percent(stats.SLOWER_ALPHA)} false at most.\n"
        f"SAME: within {units.percent(stats.MARGIN)}. Else INCONCLUSIVE.",
        [
            ("./tunebench compare runs/old runs/new", "what changed"),
            ("./tunebench compare runs/old runs/new --gate", "exit code 5 on a regression"),
        ],
    )
    made.add_argument("base", type=path, metavar="BASE", help="run, folder or file: before")
    made.add_argument("candidate", type=path, metavar="CANDIDATE", help="the same: after")
    made.add_argument("--gate", action="store_true", help="exit with 5 on a regression")
    made.add_argument("--strict", action="store_true", help="--gate fails on INCONCLUSIVE too")
    made.add_argument(
        "--allow",
        type=names,
        metavar="WHAT",
        default=[],
        help=f"compare although this differs: {', '.join(compare.ALLOWED)}",
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
        if name not in compare.ALLOWED:
            hint = did_you_mean(name, compare.ALLOWED)
            raise BadInput(f"--allow: cannot be {name!r}", hint=hint)
    with _uncollected():
        base, candidate = _side(args.base), _side(args.candidate)
        profiles = {record.profile for record in base.records}
        spreads = calibration.spreads(args.noise or published_noise(profiles))
        if len(base.records) + len(candidate.records) >= MANY:
            _compute(base.records, candidate.records)
        found = compare.compare(base, candidate, allow=args.allow, spreads=spreads)
    gates = args.gate or args.strict
    if gates and (why := compare.too_few(found)):
        raise BadInput(
            f"cannot gate: {why}",
            hint=f"Measure both with ./tunebench run --launches {stats.GATE_LAUNCHES}.",
        )
    failures = list(found.failures)
    if args.strict:
        failures += [f"{case_id}: not settled" for case_id in found.open]
    if args.format == "json":
        document = {**msgspec.to_builtins(found), "failures": failures}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    elif args.format == "markdown":
        _markdown(found, failures)
    elif args.format == "html":
        from reports.verdict_page import verdict_page

        # The page says first what the last sentence says.
        said = _sentences(found, failures)[:-1]
        print(verdict_page(HEADER, _rows(found), said, failures))
    else:
        show(found, failures)
    return EXIT_REGRESSION if gates and failures else EXIT_OK


def published_noise(profiles: Iterable[str]) -> list[Path]:
    """Return the calibrations that were published with this checkout, for these profiles."""
    files = [RESULTS / profile / NOISE for profile in sorted(profiles) if _NAME.fullmatch(profile)]
    return [file for file in files if file.is_file()]


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
    from reports.fork import beside

    with tempfile.TemporaryFile() as file:

        def work() -> None:
            compare.compute(theirs)
            found = [{tag: r.computed.get(tag) for tag in compare.COMPUTED} for r in theirs]
            os.pwrite(file.fileno(), msgspec.msgpack.encode(found), 0)

        with beside(work):
            compare.compute(ours)
        computed = msgspec.msgpack.decode(file.read(), type=list[dict[str, float | None]])
    for record, values in zip(theirs, computed, strict=True):
        if record.outcome == "ok":
            record.computed.update(values)


def _side(given: Path) -> Collection:
    found = read([given])
    tables.warn(found.problems)
    return found


def show(found: compare.Comparison, failures: list[str]) -> None:
    """Print a comparison for people, and why a gate fails by it."""
    if found.lines:
        tables.show(HEADER, _rows(found), right=RIGHT)
        print()
    for sentence in _sentences(found, failures):
        tables.say(sentence)


def _markdown(found: compare.Comparison, failures: list[str]) -> None:
    from reports import markup

    if found.lines:
        print(markup.table(HEADER, _rows(found), words=2))
        print()
    for sentence in _sentences(found, failures):
        print(f"- {markup.text(sentence)}")


def _rows(found: compare.Comparison) -> list[list[str]]:
    lost = Counter[tuple[str, str, str]](
        (each.profile, each.case_id, each.side) for each in found.failed
    )
    return [_row(line, lost) for line in found.lines]


def _row(line: compare.Line, lost: Mapping[tuple[str, str, str], int]) -> list[str]:
    bounds = (line.low, line.high)
    interval = " to ".join(_signed(bound - 1) for bound in bounds if bound is not None)
    counts = (("base", line.base_launches), ("candidate", line.candidate_launches))
    launches = []
    for side, good in counts:
        failed = lost.get((line.profile, line.case_id, side), 0)
        launches.append(f"{good} of {good + failed}" if failed else str(good))
    return [
        line.case_id,
        line.metric,
        _value(line.metric, line.base),
        _value(line.metric, line.candidate),
        "" if line.ratio is None else _signed(line.ratio - 1),
        interval,
        ", ".join(launches),
        line.verdict,
    ]


def _sentences(found: compare.Comparison, failures: list[str]) -> list[str]:
    said = [f"{each.case_id}: {each.kind}. {each.note}".rstrip(". ") for each in found.changes]
    said += [
        f"{each.case_id}: launch {each.launch} of the {each.side} (run {each.run_id}) has no"
        f" numbers: {each.reason}"
        for each in found.failed
    ]
    for line in found.lines:
        if line.metric == "loss" and line.verdict != stats.Verdict.SAME:
            said.append(f"{line.case_id}: {line.note}")
        if line.metric == compare.GATED and line.note:
            said.append(f"{line.case_id}: {line.note}")
        if line.metric == compare.GATED and (line.margin or 0.0) > stats.MARGIN:
            said.append(
                f"{line.case_id}: a change counts from {units.percent(line.margin or 0.0)} on,"
                " since its launches scatter by calibration"
            )
        if line.metric == compare.GATED and line.verdict == stats.Verdict.INCONCLUSIVE:
            said.append(f"{line.case_id}: {_inconclusive(line)}")
    if found.pooled is not None and found.pooled_ratio is not None:
        change = _signed(found.pooled_ratio - 1)
        said.append(f"All cases together: {change} step time, p = {found.pooled:.2g} for slower")
    for each in found.packages:
        said.append(f"Package {each.setting}: {each.base} → {each.candidate}")
    for each in found.settings:
        cases = ", ".join(each.case_ids)
        said.append(
            f"Effective setting {each.setting}: {each.base} → {each.candidate}, in {cases}"
        )
    said += [f"Note: {note}" for note in found.notes]
    if failures:
        return [*said, f"A gate fails: {'; '.join(failures)}."]
    return [*said, "A gate passes."]


def _inconclusive(line: compare.Line) -> str:
    needed = "more launches than anybody would take"
    if line.needed is not None:
        needed = f"about {line.needed} launches a side"
    smallest = "" if line.smallest is None else units.percent(line.smallest)
    return f"a slowdown of {smallest} would have been found; to settle this, {needed}"


def _value(tag: str, value: float | None) -> str:
    if value is None:
        return ""
    metric = all_metrics().get(tag)
    if metric is None:
        return f"{value:.4f}"
    if metric.unit == "seconds":
        return units.seconds(value)
    if metric.unit == "bytes":
        return units.bytes_(value)
    if metric.unit == "tokens/second":
        return f"{value:,.0f} token/s"
    if metric.unit == "joules/token":
        return units.scaled(value, "J/token")
    return units.count(value)


def _signed(share: float) -> str:
    return f"{'−' if share < 0 else '+'}{abs(share):.1%}".replace("%", " %")
