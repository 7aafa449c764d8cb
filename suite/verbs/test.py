"""``tunebench test``: this project's own tests, through tox."""

import argparse
import subprocess
import sys

from suite.arguments import Parser
from suite.paths import ROOT
from suite.signals import Signals


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "test",
        "Run this project's own tests through tox: lint, types and tests.",
        [
            ("./tunebench test", "everything"),
            ("./tunebench test -e lint,types", "some of tox's environments"),
        ],
    )
    made.add_argument("-e", metavar="ENVS", help="tox environments (default: tox.ini's own list)")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Return tox's own exit code."""
    from suite.setup.packages import ensure_testing

    ensure_testing()
    command = [sys.executable, "-m", "tox", *(("-e", args.e) if args.e else ())]
    return subprocess.run(command, cwd=ROOT, check=False).returncode
