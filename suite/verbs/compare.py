"""``tunebench compare``: verdicts on a candidate against a base, for people and for gates."""

import argparse
import contextlib
import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from suite import screen, units
from suite.arguments import Parser, names, one_of, path
from suite.console import comparison, tables
from suite.errors import EXIT_OK, BadInput
from suite.results.comparison import ALLOWED, COMPUTED, compare, compute, decide
from suite.results.memoize import keep
from suite.results.metrics import all_metrics
from suite.results.published import published_noise
from suite.results.record import Record
from suite.results.scatter import calibration
from suite.results.stats import significance
from suite.results.storage.compact import Compact
from suite.results.storage.run_folder import Collection, read
from suite.results.validity.settled import Settled, settled
from suite.signals import Signals

#: From so much on, a second process is worth its start: some 500 records.
MANY_BYTES = 40 << 20


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "compare",
        "Compare a candidate with a base, case by case. Each side needs five repeats\n"
        "for a gate, best in turns (./tunebench upgrade-check), three for an interval.\n"
        f"SLOWER, FASTER: by over {units.percent(significance.MARGIN)}; a gate fails falsely"
        f" in {units.percent(significance.SLOWER_ALPHA)} at most.\n"
        f'SAME: within {units.percent(significance.MARGIN)}. Else INCONCLUSIVE. "smallest" is the'
        " slowdown\nthat would have been found four times of five.\n"
        "With --gate: 0 it passes, 5 it fails, 4 it refuses to answer.",
        [
            ("./tunebench compare runs/old runs/new", "what changed"),
            ("./tunebench compare runs/old runs/new --gate", "exit code 5 on a regression"),
        ],
    )
    made.add_argument("base", type=path, metavar="BASE", help="session, folder or file: before")
    made.add_argument("candidate", type=path, metavar="CANDIDATE", help="the same: after")
    made.add_argument(
        "--gate", action="store_true", help="exit with 5 on a regression, 4 without an answer"
    )
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
    allow = comparison.allowed(args.allow)
    with _uncollected():
        base, candidate = _sides(args.base, args.candidate)
        for side in (base, candidate):
            tables.warn(side.problems)
        profiles = {record.profile for record in base.records}
        spreads = calibration.spreads(args.noise or published_noise(profiles))
        found = compare(base, candidate, allow=allow, spreads=spreads)
    decision = decide(found, strict=args.strict)
    said = comparison.sentences(found)
    if args.format == "json":
        document = {
            **msgspec.to_builtins(found),
            "failures": decision.failures,
            "gate": msgspec.to_builtins(decision),
        }
        print(screen.json(msgspec.json.format(msgspec.json.encode(document)).decode()))
    elif args.format == "markdown":
        comparison.markdown(found, [*said, decision.sentence])
    elif args.format == "html":
        good = decision.answer == "passes"
        print(comparison.page(found, said, decision.sentence, good=good))
    else:
        comparison.show(found, [*said, decision.sentence])
    return decision.exit_code if args.gate or args.strict else EXIT_OK


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


def _sides(base: Path, candidate: Path) -> tuple[Collection, Collection]:
    """Read both sides; of much, one in a copy of this process, and without telemetry.

    A comparison needs of that only what can be computed as it comes. Where the candidate cannot be
    read, it is read once more here, to say why.
    """
    if _bytes(base) + _bytes(candidate) < MANY_BYTES:
        return read([base]), read([candidate])
    from reports.site.parallel import run_in_child

    with tempfile.TemporaryFile() as file:

        def work() -> None:
            with contextlib.suppress(BadInput):
                _hand_over(read([candidate], look=_look), file)

        with run_in_child(work):
            ours = read([base], look=_look)
        file.seek(0)
        theirs = _handed_over(file)
    return ours, theirs or read([candidate])


def _look(record: Record) -> None:
    """Have computed what is asked of a record later."""
    if record.outcome == "ok":
        compute([record])
        settled(record)


def _bytes(given: Path) -> int:
    """Return how much there is to read, roughly."""
    if not given.is_dir():
        return given.stat().st_size if given.is_file() else 0
    return sum(
        os.lstat(Path(here) / name).st_size
        for here, _, inside in os.walk(given)
        for name in inside
    )


def _hand_over(found: Collection, file: BinaryIO) -> None:
    """Write a collection, each record with what was computed of it."""
    metrics = [all_metrics()[tag] for tag in COMPUTED]
    bare = msgspec.structs.replace(found, records=())
    _write(file, msgspec.msgpack.encode(bare))
    for record in found.records:
        good = record.outcome == "ok"
        values = [metric.compute(record) for metric in metrics] if good else []
        whether = settled(record) if good else None
        _write(file, msgspec.msgpack.encode((record, values, whether)))


def _handed_over(file: BinaryIO) -> Collection | None:
    """Return the collection that was written, None where there was none."""
    if not (content := _read(file)):
        return None
    metrics = [all_metrics()[tag] for tag in COMPUTED]
    bare = msgspec.msgpack.decode(content, type=Collection)
    decoder = msgspec.msgpack.Decoder(tuple[Record, list[float | None], Settled | None])
    compact, records = Compact(), []
    while content := _read(file):
        bare_record, values, whether = decoder.decode(content)
        record, _ = compact.record(bare_record)
        for metric, value in zip(metrics, values, strict=bool(values)):
            keep(metric.compute, record, value)
        if whether is not None:
            keep(settled, record, whether)
        records.append(record)
    return msgspec.structs.replace(bare, records=tuple(records))


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(len(content).to_bytes(8, "big") + content)
    file.flush()


def _read(file: BinaryIO) -> bytes:
    return file.read(int.from_bytes(file.read(8), "big"))
