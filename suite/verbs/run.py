"""``tunebench run``: measure every case of a plan on this machine."""

import argparse
import shlex
import sys
from pathlib import Path

import msgspec

from suite import screen, units
from suite.arguments import Parser, name, names, natural, one_of, path, positive
from suite.catalog import parallel
from suite.catalog import profile as profiles
from suite.catalog.loops import LOOPS
from suite.catalog.profile import Profile
from suite.errors import EXIT_CASES, EXIT_OK, BadInput, WrongMachine
from suite.results.storage.run_folder import (
    Plan,
    Run,
    create,
    open_run,
    own_weights,
    read,
    read_plan,
)
from suite.run.runner import ASKED, choose, known_machine
from suite.signals import Signals

DESCRIPTION = """\
Measure every model and method of a tier on this machine. Each case runs in a
process of its own, and its result is on disk before the next one starts: stop
whenever you like and go on with --resume. Nothing is ever overwritten."""

EXIT_CODES = """
exit codes:
  0         every case has an answer; out of memory and unsupported are answers
  4         a case failed: error, timeout, killed, invalid, or its losses differ
            from those of its reference method
  130, 143  interrupted (Ctrl-C, SIGTERM): what was measured is safe"""

#: Options that a plan fixes, by their attribute: they contradict --resume.
FIXED = (
    *("profile", "tier", "models", "methods", "cases"),
    *("launches", "loop", "seed", "weights", "runner"),
    *("gpus", "parallel", "task"),
)


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "run",
        DESCRIPTION,
        [
            ("./tunebench run", "this machine's profile, its tier"),
            ("./tunebench run --methods lora,qlora", "two methods"),
            ("./tunebench run --launches 5 --out runs/a", "five repeats: error bars"),
            ("./tunebench run --resume runs/a", "go on where it stopped"),
            ("./tunebench run --tier sweep --dry-run", "only say what would run"),
        ],
    )
    made.epilog = f"{made.epilog}\n{EXIT_CODES}"
    add = made.add_argument
    add("--profile", metavar="NAME", help="hardware profile (default: auto, by the GPU's name)")
    add("--tier", metavar="NAME", help="how much to run (default: the profile's)")
    add("--models", type=names, metavar="A,B", help="models instead of the tier's")
    add("--methods", type=names, metavar="X,Y", help="methods instead of the tier's")
    add("--cases", type=names, metavar="ID,ID", help="only these of them")
    add(
        "--launches",
        type=positive,
        metavar="N",
        help="repeats of each case, each afresh (default: 1)",
    )
    add("--loop", type=one_of(*LOOPS), metavar="LOOP", help=LOOP_HELP)
    add("--seed", type=natural, metavar="N", help="seed of weights, adapters and data")
    add(
        "--weights",
        metavar="W",
        help="dummy (default: random weights from the seed), hub, or PATH",
    )
    add(
        "--gpus",
        type=positive,
        metavar="N",
        help="GPUs that train each case together, with --parallel (default: the tier's)",
    )
    add("--parallel", type=one_of(*parallel.WORDS), metavar="HOW", help=PARALLEL_HELP)
    add("--runner", type=one_of(*ASKED), metavar="R", help=RUNNER_HELP)
    add("--task", type=name, metavar="NAME", help="its name in a submission: written by submit")
    add("--out", type=path, metavar="DIR", help="where results go (default: runs/<time>)")
    add(
        "--resume",
        nargs="?",
        type=path,
        const=Path(),
        metavar="DIR",
        help="go on with a session (default: the newest in runs/)",
    )
    add("--dry-run", action="store_true", help="say what would run, and write nothing")
    add("--json", action="store_true", help="events as JSON lines on standard output")
    return made


RUNNER_HELP = (
    "docker (one container a repeat), local (this Python), or auto (default): docker where an "
    "engine answers and the profile names an image"
)
PARALLEL_HELP = f"how they do it: {parallel.WAYS}"
_LOOPS = ", ".join(f"{name} ({loop.words})" for name, loop in LOOPS.items())
LOOP_HELP = f"trainer: one of {_LOOPS}; default: the profile's"


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Measure, or say what would be measured."""
    if args.resume is not None:
        return _resume(args, signals)
    plan, profile = _plan(args)
    if args.dry_run:
        return _dry(plan, profile, frozenset(), args.json)
    from suite.run.planning import RUNS

    if plan.runner == "docker":
        from suite.run.containers.launches import prepare

        prepare()
    with create(args.out or RUNS / plan.run_id, plan) as opened:
        return _measure(opened, signals, args.json)


def _plan(args: argparse.Namespace) -> tuple[Plan, Profile]:
    from suite.run import planning
    from suite.run.machine import several_gpus
    from suite.run.machine.environment import resolve_profile
    from suite.run.machine.no_gpu import unused_gpu

    given = {name: getattr(args, name) for name in FIXED if getattr(args, name) is not None}
    asked = given.pop("runner", "auto")
    named = given.pop("profile", "auto")
    given["case_ids"] = given.pop("cases", ())
    given["parallel"] = parallel.asked(given.pop("gpus", None), given.pop("parallel", None))
    profile = resolve_profile(named)
    if not profile.has_gpu and named == "auto" and (sentence := unused_gpu()):
        print(f"tunebench: profile cpu: {sentence}", file=sys.stderr)
    plan = planning.make(profile, argv=_argv(args), **given)  # a mistake is said first
    try:
        runner, why = choose(asked, profile)
    except WrongMachine as error:
        if not args.dry_run:
            raise
        # What would run can be asked anywhere; what stops it here is said all the same.
        runner, why = "docker", error.message
    needed = several_gpus.most(plan.cases)
    if runner == "docker" and needed > 1:
        if asked == "docker":
            raise BadInput(
                f"--runner docker gives a container one GPU, and {needed} are asked for",
                hint="Use --runner local.",
            )
        runner, why = "local", f"a container is given one GPU, and {needed} are asked for"
    if runner == "docker":
        known_machine(named)
    try:
        several_gpus.require(profile, needed)
    except WrongMachine as error:
        if not args.dry_run:
            raise
        print(f"tunebench: {error.message}", file=sys.stderr)
    if why:
        print(f"tunebench: runner {runner}: {why}", file=sys.stderr)
    return msgspec.structs.replace(plan, runner=runner), profile


def _resume(args: argparse.Namespace, signals: Signals) -> int:
    given = [f"--{name}" for name in FIXED if getattr(args, name) is not None]
    given = [option for option in given if option != "--weights"]  # confirms the plan's
    if given:
        raise BadInput(
            f"--resume takes the plan from run.json; it contradicts {', '.join(given)}",
            hint="Leave those away, or start a new session without --resume.",
        )
    folder = args.resume
    if folder == Path():
        from suite.run.planning import newest

        folder = args.out or newest()
    elif args.out is not None:
        raise BadInput("--out contradicts --resume DIR: both name the session's folder")
    if args.weights is not None:
        _same_weights(read_plan(folder), args.weights)
    if args.dry_run:
        found = read([folder])
        if len(found.plans) != 1:
            raise BadInput(f"{folder}: {len(found.plans)} sessions; give the folder of one")
        done = frozenset((record.launch, record.case_id) for record in found.records)
        plan = found.plans[0]
        return _dry(plan, profiles.known(plan.profile), done, args.json)
    if read_plan(folder).runner == "docker":
        from suite.run.containers.launches import prepare

        prepare()
    with open_run(folder, weights=args.weights) as opened:
        return _measure(opened, signals, args.json)


def _same_weights(plan: Plan, weights: str) -> None:
    asked = str(Path(weights).resolve()) if own_weights(plan) else weights
    if asked != plan.weights:
        raise BadInput(
            f"--weights {weights} contradicts the plan, which has {plan.weights}",
            hint="Leave it away, or start a new session without --resume.",
        )


def _measure(opened: Run, signals: Signals, json: bool) -> int:
    from suite.console.measure import kept, measure

    code = measure(opened, signals, json=json)
    if not json and code in (EXIT_OK, EXIT_CASES):
        folder = shlex.quote(str(opened.folder))
        print(f"{kept(opened)} → {opened.folder}")
        print(f"Compare them on a page: ./tunebench report {folder} --out site")
    return code


def _dry(plan: Plan, profile: Profile | None, done: frozenset[tuple[int, str]], json: bool) -> int:
    if json:
        print(screen.json(msgspec.json.encode(plan).decode()))
        return EXIT_OK
    from suite.catalog.case import unsupported_reason
    from suite.console import tables

    rows = []
    for launch in range(1, plan.launches + 1):
        for case in plan.cases:
            reason = unsupported_reason(case, profile)
            state = "done" if (launch, case.case_id) in done else "to run"
            if reason is not None and state != "done":
                state = f"unsupported: {reason}"
            rows.append((case.case_id, str(launch), state))
    tables.show(("case", "repeat", "state"), rows, right="repeat")
    total = units.counted(plan.total, "result")
    weights = "random weights" if plan.weights == "dummy" else f"weights {plan.weights}"
    what = screen.line(f"{total} on {plan.profile}, {LOOPS[plan.loop].words}, {weights}")
    print(f"\n{what}")
    return EXIT_OK


def _argv(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the command as it could be typed again, without where its results went."""
    found = ["run"]
    for option in FIXED:
        value = getattr(args, option)
        if value is not None:
            found += [f"--{option}", ",".join(value) if isinstance(value, tuple) else str(value)]
    return tuple(found)
