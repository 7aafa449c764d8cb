"""``tunebench upgrade-check``: other package versions against these, measured in turns."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec

from suite import units
from suite.arguments import Parser, names, one_of, path, positive
from suite.catalog import lowest
from suite.catalog.profile import Profile
from suite.console import comparison, tables
from suite.errors import EXIT_REGRESSION, BadInput
from suite.results.comparison import compare, decide
from suite.results.record import Runner
from suite.results.scatter import calibration
from suite.results.stats import significance
from suite.results.storage.folder import Folder, open_folder, writing
from suite.results.storage.run_folder import PLAN, Plan, create, open_run, read, read_plan
from suite.results.validity.comparable import differing
from suite.signals import Signals

if TYPE_CHECKING:
    from suite.run.upgrade.target_environment import TargetEnvironment

ASKED = "upgrade-check.json"  #: what was asked, in the folder: a later call goes on with it
VERDICT = "verdict.html"
EXIT_CODES = """
exit codes:
  0  no regression
  4  nothing was compared, or too few repeats went well for an answer
  5  a regression, or a candidate that cannot be installed or does not start
  2, 3  wrong arguments, or a machine, network or engine that cannot do it"""
SIDES = ("base", "candidate")


class UpgradeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder is about: the packages that are laid over each side, and over what.

    ``images`` are ids, base and candidate, with ``runner`` "docker".
    """

    base: dict[str, str]
    candidate: dict[str, str]
    runner: Runner = "local"
    images: tuple[str, ...] = ()


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "upgrade-check",
        "Measure other versions of packages beside those of this environment. Repeats of\n"
        "the two take turns (ABBA), then ./tunebench compare judges them. A page shows\n"
        "versions, settings that changed by themselves, and numbers.",
        [
            ('./tunebench upgrade-check --candidate "peft==0.21.2"', "one package"),
            ("./tunebench upgrade-check --candidate new/train.txt", "a whole lock"),
            ('./tunebench upgrade-check --base "trl==1.14.0" --bisect', "the culprit"),
            ("./tunebench upgrade-check --candidate new.txt --runner docker", "in images"),
        ],
    )
    made.epilog = f"{made.epilog}\n{EXIT_CODES}"
    made.add_argument(
        "--candidate",
        action="append",
        default=[],
        metavar="WHAT",
        help="requirement or lock; may be repeated (default: what is there)",
    )
    made.add_argument(
        "--base", action="append", default=[], metavar="WHAT", help="the same, of the other side"
    )
    made.add_argument("--bisect", action="store_true", help="on a regression, find what it is")
    made.add_argument(
        "--runner",
        type=one_of(*get_args(Runner)),
        default="local",
        metavar="R",
        help="local (default: this Python's packages), or docker (those of the profile's image)",
    )
    for side in SIDES:
        made.add_argument(
            f"--{side}-image",
            metavar="NAME",
            help=f"image of the {side} side, with --runner docker",
        )
    made.add_argument("--profile", default="auto", metavar="NAME", help="hardware profile")
    made.add_argument("--tier", metavar="NAME", help="how much to run (default: the profile's)")
    made.add_argument("--models", type=names, default=(), metavar="A,B", help="only these")
    made.add_argument("--methods", type=names, default=(), metavar="X,Y", help="only these")
    made.add_argument("--cases", type=names, default=(), metavar="ID,ID", help="only these")
    made.add_argument(
        "--launches",
        type=positive,
        default=significance.GATE_LAUNCHES,
        metavar="N",
        help=f"repeats of each side (default: {significance.GATE_LAUNCHES})",
    )
    made.add_argument("--strict", action="store_true", help="fail on INCONCLUSIVE too")
    made.add_argument(
        "--allow", type=names, default=(), metavar="WHAT", help="as of ./tunebench compare"
    )
    made.add_argument(
        "--out", type=path, metavar="DIR", help="results (default: runs/upgrade-TIME); goes on"
    )
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Measure both sides, compare, say; the exit code is the verdict."""
    from suite.run.machine.environment import resolve_profile
    from suite.run.runner import known_machine
    from suite.run.upgrade.alternate import interleave
    from suite.run.upgrade.left_out import sentences
    from suite.run.upgrade.open_environments import target_environments
    from suite.run.upgrade.package_index import NotInstallable, resolve
    from suite.setup.packages import ensure_charts

    _refuse(args)
    comparison.allowed(args.allow)
    profile = resolve_profile(args.profile)
    _plan(args, profile, {})  # a mistake is said first
    if args.runner == "docker":
        known_machine(args.profile)
    images = tuple(getattr(args, f"{side}_image") for side in SIDES)
    ensure_charts()  # for the page at the end
    try:
        with target_environments(args.runner, profile, images) as under:
            with _base():
                ours = resolve(args.base, under[0].target)
            theirs = resolve(args.candidate, under[1].target)
            base, candidate = ours.packages, theirs.packages
            for side, environment, packages in zip(SIDES, under, (base, candidate), strict=True):
                there = {**environment.target.packages, **packages}
                lowest.refuse({"python": environment.target.version, **there}, f"the {side}")
            left_out = sentences(dict.fromkeys([*ours.left_out, *theirs.left_out]))
            asked = UpgradeRequest(
                base=base,
                candidate=candidate,
                runner=args.runner,
                images=tuple(
                    environment.image_id for environment in under if environment.image_id
                ),
            )
            if base == candidate and under[0].image_id == under[1].image_id:
                raise BadInput(
                    "the two sides are the same: no version differs", hint=" ".join(left_out)
                )
            for sentence in left_out:
                tables.say(sentence)
            _show({**under[0].target.packages, **base}, {**under[1].target.packages, **candidate})
            with _base():
                variants = [under[0].make(base)]
            variants.append(under[1].make(candidate))
            folder = _folder(args, profile, asked)
            runs = [open_run(folder / side) for side in SIDES]
            try:
                interleave(runs, variants, signals)
            finally:
                for each in runs:
                    each.close()
            return _verdict(args, asked, folder, under[0], signals)
    except NotInstallable as refusal:
        tables.say(f"Cannot be installed: {refusal.message}")
        return EXIT_REGRESSION


@contextmanager
def _base() -> Iterator[None]:
    """Without a base there is no answer: only a candidate may be one that cannot be had."""
    from suite.run.upgrade.package_index import NotInstallable

    try:
        yield
    except NotInstallable as error:
        raise BadInput(f"the base cannot be installed: {error.message}") from error


def _refuse(args: argparse.Namespace) -> None:
    images = [getattr(args, f"{side}_image") for side in SIDES]
    if not args.base and not args.candidate and images[0] == images[1]:
        raise BadInput(
            "nothing to compare with this environment",
            hint='Give --candidate "NAME==VERSION" or a lock, or --base likewise.',
        )
    if any(images) and args.runner != "docker":
        raise BadInput("an image is for containers", hint="Add --runner docker.")
    if args.bisect and images[0] != images[1]:
        raise BadInput(
            "--bisect needs sides that differ by packages alone; two images differ by more",
            hint="Give the candidate's packages: --candidate LOCK.",
        )
    if args.launches < significance.LEAST_LAUNCHES:
        raise BadInput(
            f"--launches: at least {significance.LEAST_LAUNCHES} a side, for an interval"
        )


def _plan(args: argparse.Namespace, profile: Profile, packages: Mapping[str, str]) -> Plan:
    from suite.run import planning
    from suite.run.upgrade.package_index import pins

    return planning.make(
        profile,
        tier=args.tier,
        models=args.models,
        methods=args.methods,
        case_ids=args.cases,
        launches=args.launches,
        runner=args.runner,
        argv=("upgrade-check", *pins(packages)),
    )


def _folder(args: argparse.Namespace, profile: Profile, asked: UpgradeRequest) -> Path:
    """Return the folder with both runs, made unless it is there and about the same."""
    from suite.run import planning

    plans = [_plan(args, profile, packages) for packages in (asked.base, asked.candidate)]
    stamp = plans[0].run_id.partition("-")[0]
    folder: Path = args.out or planning.RUNS / f"upgrade-{stamp}"
    with writing(folder / ASKED), open_folder(folder, make=True) as opened:
        if opened.kind(ASKED) is not None:
            opened.refuse_strangers()
            same = _asked(opened) == asked
        elif same := not any(opened.kind(side) for side in SIDES):
            # First of all: a call that ends after this one side too few can be gone on with.
            opened.write(ASKED, msgspec.json.format(msgspec.json.encode(asked)) + b"\n")
    for side, plan in zip(SIDES, plans, strict=True):
        if same and not (folder / side / PLAN).is_file():
            create(folder / side, plan).close()
        elif same:
            before = read_plan(folder / side)
            same = (before.cases, before.launches) == (plan.cases, plan.launches)
    if not same:
        raise BadInput(f"{folder}: has another comparison", hint="Give another --out.")
    return folder


def _asked(folder: Folder) -> UpgradeRequest:
    try:
        return msgspec.json.decode(folder.read(ASKED), type=UpgradeRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{folder.path / ASKED}: cannot be used: {error}") from error


def _verdict(
    args: argparse.Namespace,
    asked: UpgradeRequest,
    folder: Path,
    environment: "TargetEnvironment",
    signals: Signals,
) -> int:
    from reports.site.build import build
    from suite.results.published import published_noise

    base, candidate = (read([folder / side]) for side in SIDES)
    spreads = calibration.spreads(published_noise({record.profile for record in base.records}))
    found = compare(base, candidate, allow=comparison.allowed(args.allow), spreads=spreads)
    decision = decide(found, strict=args.strict)
    print()
    said, answer = comparison.sentences(found), decision.sentence
    comparison.show(found, [*said, answer])
    page = folder / VERDICT
    text = comparison.page(found, said, answer, good=decision.answer == "passes")
    with writing(page), open_folder(folder) as opened:
        opened.write(VERDICT, text.encode())
    index = build(read([folder / side for side in SIDES]), folder / "site")
    tables.say(f"As a page: {page.resolve().as_uri()}")
    tables.say(f"Both side by side: {index.resolve().as_uri()}")
    if decision.failures and args.bisect:
        from suite.run.upgrade.bisect import bisect

        for line in bisect(folder, environment, asked.base, asked.candidate, found, signals):
            tables.say(line)
    return decision.exit_code


def _show(base: Mapping[str, str], candidate: Mapping[str, str]) -> None:
    found = sorted(differing(base, candidate), key=lambda each: each.setting)
    if found:
        rows = [(each.setting, each.ours, each.theirs) for each in found]
        tables.show(("package", *SIDES), rows, right="")
        print()
    total = units.counted(len({*base, *candidate}), "package")
    print(f"{total}, of which {len(found)} differ.")
