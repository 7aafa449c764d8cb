"""``tunebench upgrade-check``: other package versions against these, measured in turns."""

import argparse
from pathlib import Path

import msgspec

from suite import units
from suite.arguments import Parser, names, path, positive
from suite.errors import EXIT_OK, EXIT_REGRESSION, BadInput
from suite.results import calibration, compare, stats
from suite.results.store import create, open_run, read
from suite.signals import Signals
from suite.verbs import tables

ASKED = "upgrade-check.json"  #: what was asked, in the folder: a later call goes on with it
SIDES = ("base", "candidate")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder is about: the packages that differ from this environment, a side."""

    base: dict[str, str]
    candidate: dict[str, str]


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "upgrade-check",
        "Measure other versions of packages against those of this environment. Launches\n"
        "of the two are taken in turns, ABBA, then compared as ./tunebench compare does;\n"
        "a page shows versions, settings that changed by themselves, and numbers. Runs\n"
        "here, not in containers.",
        [
            ('./tunebench upgrade-check --candidate "peft==0.21.2"', "one package"),
            ("./tunebench upgrade-check --candidate new/train.txt", "a whole lock"),
            ('./tunebench upgrade-check --base "trl==1.14.0" --bisect', "the culprit"),
        ],
    )
    made.add_argument(
        "--candidate",
        action="append",
        default=[],
        metavar="WHAT",
        help="requirement or lock; may be repeated (default: this environment)",
    )
    made.add_argument(
        "--base", action="append", default=[], metavar="WHAT", help="the same, of the other side"
    )
    made.add_argument("--bisect", action="store_true", help="on a regression, find what it is")
    made.add_argument("--profile", default="auto", metavar="NAME", help="hardware profile")
    made.add_argument("--tier", metavar="NAME", help="how much to run (default: the profile's)")
    made.add_argument("--models", type=names, default=(), metavar="A,B", help="only these")
    made.add_argument("--methods", type=names, default=(), metavar="X,Y", help="only these")
    made.add_argument(
        "--launches",
        type=positive,
        default=stats.GATE_LAUNCHES,
        metavar="N",
        help=f"of each side (default: {stats.GATE_LAUNCHES})",
    )
    made.add_argument("--strict", action="store_true", help="fail on INCONCLUSIVE too")
    made.add_argument(
        "--out", type=path, metavar="DIR", help="results (default: runs/upgrade-TIME); goes on"
    )
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Measure both sides, compare, say; the exit code is the verdict."""
    from suite.run import overlay
    from suite.run.interleave import interleave
    from suite.run.packages import ensure_charts, ensure_training

    if not args.base and not args.candidate:
        raise BadInput(
            "nothing to compare with this environment",
            hint='Give --candidate "NAME==VERSION" or a lock, or --base likewise.',
        )
    if args.launches < stats.LEAST_LAUNCHES:
        raise BadInput(f"--launches: at least {stats.LEAST_LAUNCHES} a side, for an interval")
    ensure_training()
    ensure_charts()  # for the page at the end
    try:
        asked = Asked(base=overlay.resolve(args.base), candidate=overlay.resolve(args.candidate))
        if asked.base == asked.candidate:
            raise BadInput("the two sides are the same: no version differs")
        _show(asked, overlay.installed())
        overlays = [overlay.make(asked.base), overlay.make(asked.candidate)]
    except overlay.NotInstallable as refusal:
        tables.say(f"Cannot be installed: {refusal.message}")
        return EXIT_REGRESSION
    folder = _folder(args, asked)
    runs = [open_run(folder / side) for side in SIDES]
    try:
        interleave(runs, overlays, signals)
    finally:
        for each in runs:
            each.close()
    return _verdict(args, asked, folder, signals)


def _folder(args: argparse.Namespace, asked: Asked) -> Path:
    """Return the folder with both runs, made unless it is there and about the same."""
    from suite.run import overlay, planning
    from suite.run.environment import resolve_profile

    profile = resolve_profile(args.profile)
    plans = [
        planning.make(
            profile,
            tier=args.tier,
            models=args.models,
            methods=args.methods,
            launches=args.launches,
            argv=("upgrade-check", *overlay.pins(packages)),
        )
        for packages in (asked.base, asked.candidate)
    ]
    stamp = plans[0].run_id.partition("-")[0]
    folder: Path = args.out or planning.RUNS / f"upgrade-{stamp}"
    if (folder / ASKED).is_file():
        if msgspec.json.decode((folder / ASKED).read_bytes(), type=Asked) != asked:
            raise BadInput(f"{folder}: holds another comparison", hint="Give another --out.")
        return folder
    for side, plan in zip(SIDES, plans, strict=True):
        create(folder / side, plan).close()
    (folder / ASKED).write_bytes(msgspec.json.format(msgspec.json.encode(asked)) + b"\n")
    return folder


def _verdict(args: argparse.Namespace, asked: Asked, folder: Path, signals: Signals) -> int:
    from suite.verbs.compare import published_noise, show
    from suite.verbs.report import build

    base, candidate = (read([folder / side]) for side in SIDES)
    spreads = calibration.spreads(published_noise({record.profile for record in base.records}))
    found = compare.compare(base, candidate, spreads=spreads)
    failures = list(found.failures)
    if args.strict:
        failures += [f"{case_id}: not settled" for case_id in found.open]
    print()
    show(found, failures)
    index = build(read([folder / side for side in SIDES]), folder / "site")
    tables.say(f"Both side by side: {index.resolve().as_uri()}")
    if failures and args.bisect:
        from suite.run.bisect import bisect

        for line in bisect(folder, asked.base, asked.candidate, found, signals):
            tables.say(line)
    return EXIT_REGRESSION if failures else EXIT_OK


def _show(asked: Asked, here: dict[str, str]) -> None:
    rows = [
        (name, *(side.get(name, here.get(name, "none")) for side in (asked.base, asked.candidate)))
        for name in sorted({*asked.base, *asked.candidate})
    ]
    tables.show(("package", *SIDES), rows, right="")
    print(f"\n{units.counted(len(rows), 'package')} differ; everything else is the same.")
