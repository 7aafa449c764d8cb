"""The command line: finds the verb, and turns errors into one line and an exit code.

Nothing but the verb that was asked for is imported.
"""

import importlib
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress

from suite import __version__, screen
from suite.errors import (
    EXIT_INTERRUPTED,
    EXIT_MACHINE,
    EXIT_OK,
    EXIT_USAGE,
    BadInput,
    SuiteError,
    WrongMachine,
    begin,
    did_you_mean,
)
from suite.signals import Interrupted, Signals

EXIT_BROKEN_PIPE = 141  # SIGPIPE, as shells count it

#: Verb to its line in the help. ``suite.verbs.VERB`` has ``parser()`` and
#: ``run(args, signals) -> exit code``.
VERBS = {
    "quickstart": "train tiny models with every method, then write a report: minutes, no GPU",
    "run": "measure: every model and method of a tier on this machine",
    "submit": "measure on a cluster: job files for Slurm, Kubernetes or SkyPilot",
    "collect": "what came back of a submission, and what is missing",
    "report": "write a web page that compares sessions",
    "list": "what can be run: models, methods, tiers, profiles, cases",
    "validate": "check result files and catalog files",
    "fit": "would it fit that GPU? An estimate by part, before anything runs",
    "probe": "find the longest rows, or the most, that train on this machine",
    "check": "is this machine fit to be measured on?",
    "publish": "file a finished session among the published results",
    "export": "results as a table: CSV, JSON, JSON lines or Markdown",
    "compare": "is the candidate slower than the base? Verdicts, and a gate for CI",
    "plan": "what a job takes on each GPU: time, energy, rent, measured or estimated",
    "calibrate": "how far repeats of the same case differ here",
    "upgrade-check": "measure other package versions against these, and name the culprit",
    "test": "run this project's own tests",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    begin()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without µ or × shows "?"
    with screen.guarded():
        return _main(arguments)


def _main(arguments: list[str]) -> int:
    try:
        with Signals() as signals:
            code = _dispatch(arguments, signals)
            sys.stdout.flush()
            return code
    except SuiteError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt as interruption:
        print("tunebench: interrupted", file=sys.stderr)
        if isinstance(interruption, Interrupted):
            return interruption.exit_code
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return EXIT_BROKEN_PIPE
    except OSError as error:
        _drop_output()
        _complain(WrongMachine(f"{error.filename or 'output'}: {error.strerror or error}"))
        return EXIT_MACHINE


def _dispatch(arguments: list[str], signals: Signals) -> int:
    if not arguments:
        sys.stdout.write(_help())
        return EXIT_USAGE
    verb, *rest = arguments
    if verb in ("-h", "--help") or (verb == "help" and not rest):
        sys.stdout.write(_help())
        return EXIT_OK
    if verb == "--version":
        print(f"tunebench {__version__}")
        return EXIT_OK
    if verb == "help":
        verb, rest = rest[0], ["--help"]
    if verb not in VERBS:
        what = "option" if verb.startswith("-") else "command"
        known = ["--help", "--version"] if what == "option" else VERBS
        raise BadInput(f"unknown {what} {verb!r}", hint=did_you_mean(verb, known))
    module = importlib.import_module(f"suite.verbs.{verb.replace('-', '_')}")
    try:
        args = module.parser().parsed(rest)
    except SystemExit as done:  # argparse has printed the help
        return EXIT_OK if done.code in (0, None) else EXIT_USAGE
    code: int = module.run(args, signals)
    return code


def _drop_output() -> None:
    # Whoever read our output is gone or full; what is still buffered must not complain at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(error: SuiteError) -> None:
    # A line that a name brings along must not pass for one of ours.
    said = [f"error: {error.message}", *([error.hint] if error.hint else [])]
    with suppress(OSError):  # of the error, or of the disk it goes to, the exit code is left
        for text in said:
            indented = re.sub(r"\n(?! )", "\n  ", text)
            print(f"tunebench: {indented}", file=sys.stderr, flush=True)


def _help() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {summary}" for verb, summary in VERBS.items())
    return f"""usage: tunebench COMMAND [options]

The same fine-tuning workload on different hardware, with different methods and library versions,
compared with evidence.

commands:
{verbs}

Start with:  ./tunebench quickstart
More on one: ./tunebench COMMAND --help     version: ./tunebench --version

exit codes: 0 done, 2 wrong arguments or bad input, 3 this machine cannot do it,
4 some case failed, 5 a gate found a regression, 130 interrupted
"""
