"""``tunebench check``: is this machine fit to be measured on?"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from suite import screen
from suite.arguments import Parser, path
from suite.errors import EXIT_MACHINE, EXIT_OK, WrongMachine
from suite.signals import Signals

if TYPE_CHECKING:
    from suite.catalog.profile import Profile
    from suite.results.record import Finding


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "check",
        "Look at this machine before measuring on it: is it the profile's GPU, is the\n"
        "GPU free and in its default state, is there room. Changes nothing. Exit code\n"
        "3 if something forbids a measurement.",
        [
            ("./tunebench check", "this machine's own profile"),
            ("./tunebench check --profile h200-sxm", "is it this one?"),
        ],
    )
    made.add_argument("--profile", metavar="NAME", default="auto", help="default: auto")
    made.add_argument(
        "--out", type=path, metavar="DIR", default=Path("runs"), help="where results would go"
    )
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print every finding."""
    from suite.console import tables
    from suite.run.machine.environment import resolve_profile

    profile: Profile | None = None
    try:
        profile = resolve_profile(args.profile)
    except WrongMachine as error:
        findings = _without_profile(error, args.out)
    else:
        findings = _looked(profile, args.out)
    if args.json:
        name = None if profile is None else profile.name
        found = msgspec.json.encode({"profile": name, "findings": findings})
        print(screen.json(found.decode()))
    else:
        tables.show(("look", "", "what"), [(f.name, f.status, f.detail) for f in findings])
        title = "no profile by itself" if profile is None else f"{profile.name}: {profile.title}"
        print(f"\n{title}" if profile is None else f"\nprofile {title}")
    return EXIT_MACHINE if any(f.status == "block" for f in findings) else EXIT_OK


def _without_profile(error: WrongMachine, out: Path) -> "tuple[Finding, ...]":
    """Return what there is to say of a machine whose GPU cannot be measured as it is."""
    from suite.results.record import Finding
    from suite.run.machine.preflight import host

    words = "; ".join(filter(None, [error.message, error.hint]))
    return (*host(out), Finding(name="gpu", status="block", detail=words))


def _looked(profile: "Profile", out: Path) -> "tuple[Finding, ...]":
    from suite.results.record import Finding
    from suite.run.machine import installed
    from suite.run.machine.gpu import Missing, open_gpu
    from suite.run.machine.preflight import preflight
    from suite.run.runner import choose

    runner, why, stops = "local", "", False
    if profile.has_gpu:
        try:
            runner, why = choose("auto", profile)
        except WrongMachine as error:
            runner, why, stops = "docker", f"{error.message}; {error.hint}", True
    gpu = open_gpu()
    try:
        findings = preflight(profile, gpu, out, in_image=runner == "docker")
        if runner == "local":
            findings += (installed.finding(),)
    finally:
        if not isinstance(gpu, Missing):
            gpu.close()
    if not why:
        return findings
    status: Literal["ok", "block"] = "block" if stops else "ok"
    return (*findings, Finding(name="runner", status=status, detail=f"{runner}: {why}"))
