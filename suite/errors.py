"""What can go wrong before or around a measurement, each with its exit code.

A failure *of a measured case* is not an exception: it is a record with an outcome (see
``suite.results.record``). These errors are for everything else, and only ``suite.cli`` turns
them into one line on stderr and an exit code.
"""

import difflib
import sys
from collections.abc import Iterable

EXIT_OK = 0
EXIT_USAGE = 2  #: wrong arguments or bad input
EXIT_MACHINE = 3  #: this machine cannot run what was asked
EXIT_CASES = 4  #: some case failed
EXIT_REGRESSION = 5
EXIT_INTERRUPTED = 130  #: SIGINT, as shells count it


class SuiteError(Exception):
    """Say what is wrong, where, and what to do next.

    ``hint`` is a whole sentence that names the next step, or empty when the message says it all.
    """

    exit_code = EXIT_USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class BadInput(SuiteError):
    """A file, name or value from outside is not acceptable."""


class WrongMachine(SuiteError):
    """This machine, its disk, driver or packages cannot do what was asked."""

    exit_code = EXIT_MACHINE


_left_out: set[str] = set()


def left_out(error: SuiteError) -> None:
    """Name a bad file that what was asked for does not need, on standard error and once."""
    words = ". ".join(filter(None, (error.message, error.hint)))
    if words not in _left_out:
        _left_out.add(words)
        safe = "".join(letter if letter.isprintable() else " " for letter in words)
        print(f"tunebench: warning: left out: {safe}", file=sys.stderr)


def begin() -> None:
    """Forget what was named: another command begins."""
    _left_out.clear()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that helps with an unknown name: the nearest ones, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    return f"Known: {', '.join(names)}."
