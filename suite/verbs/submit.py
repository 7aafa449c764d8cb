"""``tunebench submit``: hand a plan to a scheduler that exists."""

import argparse
import re
from pathlib import Path

from suite import screen, units
from suite.arguments import Parser, names, natural, one_of, path, positive
from suite.catalog import parallel
from suite.catalog import profile as profiles
from suite.catalog.loops import LOOPS
from suite.errors import EXIT_OK, BadInput
from suite.paths import ROOT
from suite.run import planning
from suite.run.machine import environment
from suite.signals import Signals
from suite.submit import jobs, schedulers
from suite.submit.submission import Submission, write

SUBMISSIONS = Path("submissions")

DESCRIPTION = """\
Measure a tier on machines of a cluster or a cloud. The plan becomes the
scheduler's own job files. A task is one repeat of all cases: methods are
compared on one machine. The scheduler queues tasks and starts lost ones again.
'./tunebench collect' says what came back."""


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "submit",
        DESCRIPTION,
        [
            ("./tunebench submit full --engine slurm --profile h200-sxm", "one task"),
            ("… --launches 5 --set partition=gpu", "five repeats"),
            ("… --split case", "a task a case"),
            ("… --dry-run", "print job files"),
        ],
    )
    add = made.add_argument
    add("tier", metavar="TIER", help="how much to run")
    add(
        "--engine",
        required=True,
        type=one_of(*schedulers.SCHEDULERS),
        metavar="E",
        help=ENGINE_HELP,
    )
    add("--profile", required=True, metavar="NAME", help="hardware profile of the machines")
    add("--models", type=names, metavar="A,B", help="models instead of the tier's")
    add("--methods", type=names, metavar="X,Y", help="methods instead of the tier's")
    add("--cases", type=names, metavar="ID,ID", help="only these of them")
    add("--launches", type=positive, metavar="N", help="repeats of each case (default: 1)")
    add("--loop", type=one_of(*LOOPS), metavar="LOOP", help="trainer (default: the profile's)")
    add("--seed", type=natural, metavar="N", help="seed of weights, adapters and data")
    add("--weights", metavar="W", help="dummy (default), hub, or PATH")
    add("--gpus", type=positive, metavar="N", help="GPUs that train each case, with --parallel")
    add("--parallel", type=one_of(*parallel.WORDS), metavar="HOW", help=PARALLEL_HELP)
    add(
        "--split",
        type=one_of("repeat", "case"),
        default="repeat",
        metavar="S",
        help="a task is a repeat of all cases (default: repeat), or one case of it: case",
    )
    add("--image", metavar="IMAGE", help="container image, NAME@sha256:DIGEST")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the scheduler",
    )
    add(
        "--out",
        type=path,
        metavar="DIR",
        help="folder that all machines share (default: submissions/<time>)",
    )
    add("--dry-run", action="store_true", help="print the job files, and write nothing")
    made.epilog = f"{made.epilog}\n\n{_settings()}"
    return made


def _nameable(place: Path) -> None:
    """Raise BadInput for a path that a shell, Slurm or YAML would read as something else."""
    if not re.fullmatch(r"[A-Za-z0-9_./+@=:,-]+", str(place)):
        raise BadInput(
            f"{screen.line(str(place))}: job files cannot name it",
            hint="Take a folder whose path has letters, digits and _./+@=:,- only.",
        )


PARALLEL_HELP = ", ".join(parallel.WORDS)
ENGINE_HELP = f"what carries it out: {', '.join(schedulers.SCHEDULERS)}"
#: What a plan takes, of the arguments.
PLANNED = ("tier", "models", "methods", "launches", "loop", "seed", "weights")


def _settings() -> str:
    lines = ["settings (--set KEY=VALUE):"]
    for name, scheduler in schedulers.SCHEDULERS.items():
        lines += [f"  {name}"]
        lines += [f"    {key:<14} {what}" for key, what in scheduler.settings.items()]
    return "\n".join(lines)


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Write the job files and submit them, or print them."""
    del signals  # nothing takes long here
    settings = schedulers.checked(args.engine, args.set, args.image)
    given = {key: getattr(args, key) for key in PLANNED if getattr(args, key) is not None}
    spread = parallel.asked(args.gpus, args.parallel)
    plan = planning.make(
        profiles.load(args.profile),
        case_ids=args.cases or (),
        parallel=spread,
        argv=("submit",),
        **given,
    )
    folder = (args.out or SUBMISSIONS / plan.run_id).absolute()
    for place in (folder, ROOT):
        _nameable(place)
    revision, dirty, _ = environment.git(ROOT)
    try:
        submission = Submission(
            scheduler=args.engine,
            split=args.split,
            image=args.image,
            settings=settings,
            parallel=spread,
            root=str(ROOT),
            revision=revision,
            plan=plan,
        )
    except ValueError as error:
        raise BadInput(f"{error}: split by repeat, or submit less at once") from error
    files = jobs.files(submission, folder)
    if args.dry_run:
        for name, text in files.items():
            print(screen.lines(f"# --- {folder / name}\n{text}"))
        return EXIT_OK
    write(folder, submission, files)
    numbers = [task.number for task in submission.tasks]
    tasks, results = units.counted(len(numbers), "task"), units.counted(plan.total, "result")
    print(f"{tasks}, {results} → {folder}")
    if dirty:
        print("The checkout has changes: results will say so, and strict checks refuse them.")
    for said in schedulers.submit(args.engine, folder, numbers):
        print(f"{schedulers.SCHEDULERS[args.engine].title}: {screen.line(said)}")
    print(f"See what came back: ./tunebench collect {folder}")
    return EXIT_OK
