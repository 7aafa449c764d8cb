"""``tunebench quickstart``: from a fresh clone to a page that compares methods."""

import argparse
import shlex

from suite.arguments import Parser, path
from suite.errors import EXIT_CASES, EXIT_OK
from suite.results.storage.run_folder import create, read
from suite.signals import Signals

DESCRIPTION = """\
Train tiny Qwen3 and gpt-oss models with every method (LoRA, QLoRA, Unsloth,
full fine-tuning), really and with the real libraries, then write a page that
compares them. Takes minutes on a CPU; the first time also installs the
training packages."""


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "quickstart",
        DESCRIPTION,
        [
            ("./tunebench quickstart", "into runs/<time>-quickstart"),
            ("./tunebench quickstart --out /tmp/try", "somewhere else"),
        ],
    )
    made.add_argument("--out", type=path, metavar="DIR", help="where results and page go")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Measure the smoke tier, build the report, print its address."""
    from suite.console.measure import kept, measure
    from suite.run import planning, utc
    from suite.run.machine.environment import resolve_profile
    from suite.setup.packages import ensure_charts

    ensure_charts()  # before anything is measured: the page comes last
    folder = args.out or planning.RUNS / f"{utc.stamp(utc.now())}-quickstart"
    plan = planning.make(resolve_profile("auto"), tier="smoke", argv=("quickstart",))
    with create(folder, plan) as opened:
        code = measure(opened, signals, json=False)
        if code not in (EXIT_OK, EXIT_CASES):
            site = shlex.quote(str(folder / "site"))
            print(f"Then: ./tunebench report {shlex.quote(str(folder))} --out {site}")
            return code
        from reports.site.build import build

        index = build(read([folder]), folder / "site")
        print(f"{kept(opened)} → {folder}")
        print(f"Open this page: {index.resolve().as_uri()}")
    return code
