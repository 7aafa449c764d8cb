"""What a terminal is shown: no character of a stranger's text can command it.

Escape sequences move the cursor, set titles and paste; marks of direction and of no width make a
line read as another. Standard output and error are replaced by streams that let none of them
through (``guarded``), so that no verb and no error message can forget it. What draws on a
terminal by itself (rich, a line that is overwritten) takes the stream below (``raw``) and cleans
its words with ``line``. JSON is escaped (``json``), since there every character counts.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from suite import units

#: Line ends and tabs pass: they are what lines and columns are made of.
_SUSPECT = re.compile(r"[^\n\t\x20-\x7e]")


def line(text: str) -> str:
    """Return one line that cannot command a terminal."""
    return units.printable(text)


def lines(text: str) -> str:
    """Return text of several lines that cannot command a terminal; tabs stay."""
    return _SUSPECT.sub(lambda found: found[0] if found[0].isprintable() else " ", text)


def json(document: str) -> str:
    """Return a JSON document that cannot command a terminal and says the same.

    In JSON such a character stands in strings only, where it may be written by its number.
    """
    return re.sub(r"[^\n\x20-\x7e]", _escaped, document)


def _escaped(found: re.Match[str]) -> str:
    letter = found[0]
    if letter.isprintable():
        return letter
    units_16 = letter.encode("utf-16-be", errors="surrogatepass")
    pairs = (units_16[at : at + 2] for at in range(0, len(units_16), 2))
    return "".join(f"\\u{int.from_bytes(pair, 'big'):04x}" for pair in pairs)


class Guarded:
    """A text stream whose ``write`` cleans; all else is that of the stream below."""

    def __init__(self, below: TextIO) -> None:
        self.below = below

    def write(self, text: str) -> int:
        """Write text without what commands a terminal."""
        self.below.write(lines(text))
        return len(text)

    def writelines(self, texts: Iterator[str]) -> None:
        """Write texts one after the other."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)


def raw(stream: TextIO) -> TextIO:
    """Return the stream below: for escape sequences of our own, never for a stranger's text."""
    return stream.below if isinstance(stream, Guarded) else stream


def stand_in() -> None:
    """Put the null device where standard input, output or error is closed.

    Else the next file that is opened, such as a journal, would be what C code prints into.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(number, True)
            stream = open(number, "r" if number == 0 else "w", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def let_go() -> None:
    """Put the null device where standard error is full, or what waits for it spoils the exit code.

    Python tries to write that once more as it ends, and failing makes any exit code 120.
    """
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@contextmanager
def guarded() -> Iterator[None]:
    """Clean what is written to standard output and error, until the block ends."""
    before = sys.stdout, sys.stderr
    ours = [cast(TextIO, Guarded(raw(stream))) for stream in before]
    sys.stdout, sys.stderr = ours
    try:
        yield
    finally:
        for stream, old, mine in zip(("stdout", "stderr"), before, ours, strict=True):
            if getattr(sys, stream) is mine:
                setattr(sys, stream, old)
