"""``tunebench collect``: what came back of a submission, and what is missing."""

import argparse
import shlex

import msgspec

from suite import screen, units
from suite.arguments import Parser, path
from suite.console import tables
from suite.errors import EXIT_CASES, EXIT_OK
from suite.signals import Signals
from suite.submit import schedulers
from suite.submit.collect import Collected, collect
from suite.submit.submission import TASKS, Submission, load

MOST_LINES = 20  #: of tasks that are whole: the others are all listed


def parser() -> Parser:
    """Return the arguments of this verb."""
    made = Parser(
        "collect",
        "Say which tasks of a submission are whole, and how the others are submitted\n"
        "again. Reads what is there, as often as you like; writes nothing.",
        [
            ("./tunebench collect submissions/a", "what 'submit' wrote"),
            ("./tunebench collect submissions/a downloads", "with results elsewhere"),
        ],
    )
    made.epilog = (
        f"{made.epilog}\n\nexit codes:\n  0  every task is whole\n"
        "  4  a task has not all of its results yet, or a case failed"
    )
    made.add_argument("folder", type=path, metavar="DIR", help="the submission's folder")
    made.add_argument("others", nargs="*", type=path, metavar="PATH", help="more results of it")
    made.add_argument("--json", action="store_true", help="as JSON")
    return made


def run(args: argparse.Namespace, signals: Signals) -> int:
    """Print the state of each task."""
    del signals
    submission = load(args.folder)
    found = collect(args.folder, submission, args.others)
    good = all(each.state == "whole" for each in found.tasks)
    if args.json:
        print(screen.json(msgspec.json.encode(found).decode()))
        return EXIT_OK if good else EXIT_CASES
    tables.warn(found.problems)
    tables.warn(f"left out: {stranger}" for stranger in found.strangers)
    _show(found)
    _next(args, submission, found)
    return EXIT_OK if good else EXIT_CASES


def _show(found: Collected) -> None:
    whole = [each for each in found.tasks if each.state == "whole"]
    shown = [each for each in found.tasks if each.state != "whole" or len(whole) <= MOST_LINES]
    rows = [
        (
            str(each.task),
            str(each.repeat),
            f"{each.results} of {each.cases}",
            "; ".join((each.state, *each.failures)),
        )
        for each in shown
    ]
    if rows:
        tables.show(("task", "repeat", "results", "state"), rows, right="task repeat results")
    twice = [each for each in found.tasks if len(each.sessions) > 1]
    if twice:
        several = units.counted(len(twice), "task")
        tables.say(f"{several} ran more than once; all sessions are kept, the fullest counts.")


def _next(args: argparse.Namespace, submission: Submission, found: Collected) -> None:
    """Say in the last lines what to do."""
    whole = sum(each.state == "whole" for each in found.tasks)
    tables.say(f"{whole} of {units.counted(len(found.tasks), 'task')} whole.")
    if found.missing:
        scheduler = schedulers.SCHEDULERS[submission.scheduler]
        typed = schedulers.again(submission.scheduler, args.folder.absolute(), found.missing)
        print(f"What {scheduler.title} still has needs nothing: {scheduler.look}")
        print(f"Submit the others again: {typed}")
    if any(each.results for each in found.tasks):
        places = shlex.join(str(place) for place in (args.folder / TASKS, *args.others))
        print(f"Compare them on a page: ./tunebench report {places} --out site")
