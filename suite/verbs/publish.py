"""``tunebench publish``: file a finished run among the published results."""

import argparse
from pathlib import Path

from suite.arguments import Parser, path
from suite.errors import EXIT_OK
from suite.results.publish import publish
from suite.signals import Signals

RESULTS = Path(__file__).parents[2] / "reports" / "results"


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "publish",
        "Check a finished run, take this machine's paths and names out, and file it\n"
        "under reports/results/PROFILE/RUN. Nothing measured is changed or left out.",
        [
            ("./tunebench publish runs/a", "into this checkout"),
            ("./tunebench publish runs/a --into /srv/results", "somewhere else"),
        ],
    )
    made.add_argument("run", type=path, metavar="RUN", help="the folder of a finished run")
    made.add_argument("--into", type=path, metavar="DIR", default=RESULTS, help="where to file it")
    made.add_argument(
        "--partial", action="store_true", help="although some planned cases have no record"
    )
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Publish, and say where."""
    print(publish(args.run, args.into, partial=args.partial))
    return EXIT_OK
