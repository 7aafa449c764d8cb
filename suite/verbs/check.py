"""``tunebench check``: is this machine fit to be measured on?"""

import argparse
from pathlib import Path

import msgspec

from suite import screen
from suite.arguments import Parser, path
from suite.errors import EXIT_MACHINE, EXIT_OK
from suite.signals import Signals


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "check",
        "Look at this machine before measuring on it: is it the profile's card, is the\n"
        "card free and in its default state, is there room. Changes nothing. Exit code\n"
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
    from suite.run.environment import resolve_profile
    from suite.run.nvml import Missing, open_gpu
    from suite.run.preflight import preflight
    from suite.verbs import tables

    profile = resolve_profile(args.profile)
    gpu = open_gpu()
    try:
        findings = preflight(profile, gpu, args.out)
    finally:
        if not isinstance(gpu, Missing):
            gpu.close()
    if args.json:
        found = msgspec.json.encode({"profile": profile.name, "findings": findings})
        print(screen.json(found.decode()))
    else:
        tables.show(("look", "", "what"), [(f.name, f.status, f.detail) for f in findings])
        print(f"\nprofile {profile.name}: {profile.title}")
    return EXIT_MACHINE if any(f.status == "block" for f in findings) else EXIT_OK
