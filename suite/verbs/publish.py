"""``tunebench publish``: file a finished run among the published results."""

import argparse
import shlex
import sys
from pathlib import Path

import msgspec

from suite import screen, units
from suite.arguments import Parser, path
from suite.errors import EXIT_OK, BadInput
from suite.paths import RESULTS
from suite.results.publish import Draft, publish
from suite.results.record import LONGEST_MACHINE, LONGEST_NAME, Origin
from suite.signals import Signals

#: Lines of workers' own words that are shown; nobody reads more.
MOST_LINES = 40


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "publish",
        "Check a finished session, take out what identifies this machine or its users,\n"
        "show what that was, and file it under reports/results/PROFILE/RUN. Nothing\n"
        "measured is changed or left out.",
        [
            ("./tunebench publish runs/a", "into this checkout"),
            ("./tunebench publish runs/a --by ada", "a result that you give"),
            ("./tunebench publish runs/a --into /srv/results", "somewhere else"),
            ("./tunebench publish runs/a --yes", "without asking: for scripts"),
        ],
    )
    made.add_argument("run", type=path, metavar="RUN", help="the folder of a finished session")
    made.add_argument("--into", type=path, metavar="DIR", default=RESULTS, help="where to file it")
    made.add_argument(
        "--by", metavar="NAME", help="whose results these are: a name or handle, shown beside them"
    )
    made.add_argument(
        "--machine", metavar="TEXT", help="of --by: what to say of the machine, in one line"
    )
    made.add_argument(
        "--partial", action="store_true", help="although some planned cases have no record"
    )
    made.add_argument(
        "--yes", action="store_true", help="do not ask to look at what would be published"
    )
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Show what was taken out, ask, publish, and say where."""

    def look(draft: Draft) -> None:
        _show(draft)
        if not args.yes:
            _ask(draft)

    origin = _origin(args.by, args.machine)
    folder = publish(args.run, args.into, partial=args.partial, origin=origin, look=look)
    print(folder)
    print(f"Next:\n{_next(folder, origin)}", file=sys.stderr)
    return EXIT_OK


def _origin(name: str | None, machine: str | None) -> Origin | None:
    """Return whose results these are; raises BadInput for what is no name, or too long."""
    if name is None:
        if machine is not None:
            raise BadInput("--machine says more of --by, which is missing")
        return None
    try:
        return msgspec.convert({"name": name, "machine": machine}, Origin)
    except msgspec.ValidationError as error:
        option = "--machine" if "machine" in str(error) else "--by"
        longest = LONGEST_MACHINE if option == "--machine" else LONGEST_NAME
        raise BadInput(
            f"{option}: not one line of 1 to {longest} letters without spaces around it"
        ) from error


def _next(folder: Path, origin: Origin | None) -> str:
    """Return the commands that come after publishing, a line each."""
    profile, run_id = folder.parts[-2:]
    strict = "validate --strict" if origin else "validate --strict --own"
    lines = [f"./tunebench {strict} {shlex.quote(_shown(folder))}"]
    if folder.resolve().is_relative_to(RESULTS):
        branch = f"results-{profile}-{run_id.rpartition('-')[2]}"
        words = f"Results of {profile}{f' by {origin.name}' if origin else ''}"
        commit = f"git switch -c {branch} && git add --all && git commit -m {shlex.quote(words)}"
        lines += [
            f"./tunebench test -e readme && {commit}",
            "git push -u origin HEAD, then open a pull request (docs/adding-a-gpu.md)",
        ]
    return "\n".join(f"  {line}" for line in lines)


def _shown(folder: Path) -> str:
    """Return a path as it is written from where we are, if that is above it."""
    whole, here = folder.resolve(), Path.cwd()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


def _show(draft: Draft) -> None:
    """Say on standard error what was taken out, and what of workers' own words is left."""
    told = sys.stderr
    if draft.taken:
        print("Taken out:", file=told)
    for each in draft.taken:
        print(f"  {each.count:>6,}  {each.kind}, in {screen.line(each.where)}", file=told)
    if not draft.taken:
        print("Taken out: nothing was found.", file=told)
    words = [
        line
        for record in draft.records
        for line in (record.reason, *record.notes, *record.output_tail)
        if line
    ]
    print(f"Left of workers' own words: {units.counted(len(words), 'line')}", file=told)
    for line in words[:MOST_LINES]:
        print(f"  {screen.line(line)}", file=told)
    if len(words) > MOST_LINES:
        print(f"  and {len(words) - MOST_LINES:,} more", file=told)


def _ask(draft: Draft) -> None:
    """Ask whether to publish; raises BadInput where nobody can answer, or the answer is no."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise BadInput(
            "not published: somebody has to look at it first, and here is no terminal to ask at",
            hint="Look at the list above, then say --yes.",
        )
    records = units.counted(len(draft.records), "record")
    print(f"Publish {records} as {draft.folder}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BadInput("not published", hint="Nothing was written.")
