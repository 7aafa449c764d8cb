"""``tunebench report``: a web page that compares sessions."""

import argparse
import json
from pathlib import Path

from suite import units
from suite.arguments import Parser, path
from suite.console import tables
from suite.errors import EXIT_OK, BadInput
from suite.results.storage.run_folder import Collection, read
from suite.signals import Signals

DESCRIPTION = """\
Write a web page that compares sessions: any number of session folders,
published folders and record files together, from one machine or many. The page
needs no server and loads nothing from elsewhere. --single-file makes one file
of it, to send or attach: all tables and numbers, and with --with-raw all steps
and JSON."""


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "report",
        DESCRIPTION,
        [
            ("./tunebench report runs/a", "one session, into site/"),
            ("./tunebench report runs/a runs/b --out site", "two GPUs side by side"),
            ("./tunebench report runs/a --single-file", "all pages in report.html"),
        ],
    )
    made.add_argument(
        "paths", nargs="+", type=path, metavar="DIR", help="sessions or record files"
    )
    made.add_argument(
        "--out",
        type=path,
        metavar="SITE",
        help="(default: site; with --single-file report.html)",
    )
    made.add_argument("--single-file", action="store_true", help="one HTML file, not a folder")
    made.add_argument(
        "--with-raw", action="store_true", help="with --single-file: steps and JSON as well"
    )
    made.add_argument("--json", action="store_true", help="what was written, as JSON")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Build the site and print its address."""
    from suite.setup.packages import ensure_charts

    if args.with_raw and not args.single_file:
        raise BadInput(
            "--with-raw is for --single-file", hint="A folder has all steps and JSON anyway."
        )
    found = read(args.paths)
    ensure_charts()
    tables.warn(found.problems)
    left_out = ""
    if args.single_file:
        from reports.site.build import build_file

        place = _as_html(args.out or Path("report.html"))
        index, left_out = build_file(found, place, with_raw=args.with_raw)
    else:
        index = build(found, args.out or Path("site"))
    if args.json:
        written = {"index": str(index.resolve()), "records": len(found.records)}
        written |= {"left_out": left_out} if args.single_file else {}
        print(json.dumps({**written, "problems": [str(problem) for problem in found.problems]}))
    else:
        print(f"{units.counted(len(found.records), 'result')} → {index.resolve().as_uri()}")
        if left_out:
            print(left_out)
    return EXIT_OK


def _as_html(place: Path) -> Path:
    """Return a file's place with the ending by which a browser knows it."""
    known = place.suffix.lower() in (".html", ".htm")
    return place if known else place.with_name(f"{place.name}.html")


def build(found: Collection, site: Path) -> Path:
    """Write the site and return its first page."""
    from reports.site.build import build as build_site

    return build_site(found, site)
