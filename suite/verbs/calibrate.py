"""``tunebench calibrate``: how far launches of the same thing lie apart on this machine."""

import argparse

from suite import units
from suite.arguments import Parser, names, path, positive
from suite.console import tables
from suite.errors import EXIT_OK, BadInput
from suite.results.replicates import group
from suite.results.scatter import calibration, noise
from suite.results.storage.folder import writing
from suite.results.storage.reader import NOISE
from suite.results.storage.run_folder import create, open_run
from suite.signals import Signals

METHODS = ("lora", "unsloth-qlora")
HEADER = ("case", "repeats", "step", "spread", "of the 10 % quantile", "range", "gates")


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "calibrate",
        "Measure how far repeats of the same case differ on this machine, where nothing\n"
        "changed between them (A/A). compare counts it beside what the two sides show,\n"
        "so that five repeats a side tell more. Give it every case that a gate looks at.",
        [
            ("./tunebench calibrate", "five repeats"),
            ("./tunebench calibrate --launches 10 --out runs/aa", "more"),
            ("./tunebench compare runs/old runs/new --noise runs/aa", "use it"),
        ],
    )
    made.add_argument("--profile", default="auto", metavar="NAME", help="hardware profile")
    made.add_argument("--tier", metavar="NAME", help="how much to run (default: the profile's)")
    made.add_argument("--models", type=names, default=(), metavar="A,B", help="only these")
    made.add_argument(
        "--methods",
        type=names,
        default=METHODS,
        metavar="X,Y",
        help=f"(default: {','.join(METHODS)})",
    )
    made.add_argument(
        "--launches",
        type=positive,
        default=noise.GATE_LAUNCHES,
        metavar="N",
        help=f"repeats of each case, at least {noise.GATE_LAUNCHES} (default)",
    )
    made.add_argument(
        "--out", type=path, metavar="DIR", help="session folder; goes on if it is one"
    )
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Measure, write ``noise.json`` beside the journal, and say what is in it."""
    from suite.console.measure import measure
    from suite.run import planning
    from suite.run.machine.environment import resolve_profile

    if args.launches < noise.GATE_LAUNCHES:
        raise BadInput(f"--launches: at least {noise.GATE_LAUNCHES}, or a gate cannot use it")
    if args.out is not None and (args.out / "run.json").is_file():
        opened = open_run(args.out)
    else:
        plan = planning.make(
            resolve_profile(args.profile),
            tier=args.tier,
            models=args.models,
            methods=args.methods,
            launches=args.launches,
            argv=("calibrate",),
        )
        opened = create(args.out or planning.RUNS / plan.run_id, plan)
    with opened:
        code = measure(opened, signals, json=False)
        content = noise.file_content(opened.records)
        if code != EXIT_OK or content is None:
            return code
        with writing(opened.folder / NOISE):
            opened.place.write(NOISE, content)
        tables.show(HEADER, [_row(each) for each in noise.of_records(opened.records)])
        for each in group(opened.records):
            if said := calibration.drift(each.ok):
                tables.say(f"{each.case.case_id}: {said}")
        tables.say(f"{opened.folder / NOISE}: give it to ./tunebench compare --noise")
    return code


def _row(each: noise.Noise) -> tuple[str, ...]:
    mean, spread, span = each.step_seconds_geometric_mean, each.spread, each.range
    low = each.spread_low
    return (
        each.case_id,
        str(each.launches),
        "" if mean is None else units.seconds(mean),
        "" if spread is None else units.percent(spread),
        "" if low is None else units.percent(low),
        "" if span is None else units.percent(span),
        "yes" if each.gate else "no",
    )
