"""Command-line arguments: argparse, but a mistake is a SuiteError that helps."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from suite.catalog.bounds import MOST
from suite.catalog.names import Name
from suite.errors import BadInput, did_you_mean


class Parser(argparse.ArgumentParser):
    """Parser of one verb: no abbreviations, "did you mean" for an unknown option.

    ``examples`` are lines of (command, what it does), shown at the end of the help.
    """

    def __init__(self, verb: str, description: str, examples: Sequence[tuple[str, str]]) -> None:
        self._flags: list[str] = []
        self._verb = verb
        width = max(len(command) for command, _ in examples)
        lines = [f"  {command:<{width}}  {what}" for command, what in examples]
        super().__init__(
            prog=f"tunebench {verb}",
            description=description,
            epilog="\n".join(("examples:", *lines)),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def add_argument(self, *args: Any, **settings: Any) -> argparse.Action:
        """Add an argument, and remember its flags for suggestions."""
        self._flags += [flag for flag in args if flag.startswith("--")]
        return super().add_argument(*args, **settings)

    def parsed(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the arguments; raises BadInput for anything that is not understood."""
        for argument in arguments:
            if argument == "--":
                break
            flag = argument.partition("=")[0]
            if flag.startswith("--") and flag not in self._flags:
                raise BadInput(
                    f"unknown option {flag!r} of {self._verb!r}",
                    hint=did_you_mean(flag, self._flags),
                )
        return self.parse_args(arguments)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        hint = f"Type './tunebench {self._verb} --help' for its arguments."
        raise BadInput(f"{self._verb}: {message}", hint=hint)


def one_of(*known: str) -> Callable[[str], str]:
    """Return an argument type that takes one of these names."""

    def convert(text: str) -> str:
        if text not in known:
            near = did_you_mean(text, known)
            raise argparse.ArgumentTypeError(f"unknown value {text!r}. {near}")
        return text

    return convert


def names(text: str) -> tuple[str, ...]:
    """Read ``a,b`` as names, each once; refuses an empty list."""
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        raise argparse.ArgumentTypeError("give at least one name")
    return found


def name(text: str) -> str:
    """Read one name, as of a plan or a model: letters, digits and ``._+-``."""
    try:
        return msgspec.convert(text, Name)
    except msgspec.ValidationError:
        raise argparse.ArgumentTypeError(f"no name: {text!r}") from None


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = natural(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def natural(text: str) -> int:
    """Read a whole number from 0."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a whole number: {text!r}") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"must not be negative: {number}")
    if number > MOST:
        raise argparse.ArgumentTypeError(f"must be at most {MOST}, not {number}")
    return number


def path(text: str) -> Path:
    """Read a path; refuses an empty one, which would mean the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("an empty path")
    return Path(text)
