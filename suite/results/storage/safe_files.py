"""Open what strangers may have put into a folder: plain files inside it, and no more than fits."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from suite.results.storage import budget
from suite.results.storage.budget import Budget
from suite.results.storage.decode import MAX_DOCUMENT_BYTES, Unusable


def content(path: Path, root: Path, left: Budget) -> bytes:
    """Return a file of one document.

    ``root`` is the folder or file that was given, ``left`` what this call may still read.
    Raises Unusable for what ``lines`` does, and for more than ``MAX_DOCUMENT_BYTES``.
    """
    with _opened(path, root) as file:
        raw = _read(file, MAX_DOCUMENT_BYTES + 1)
    if not left.reads(len(raw)):
        raise Unusable(budget.READ_SPENT)
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise Unusable(f"too large: over {MAX_DOCUMENT_BYTES >> 20} MiB")
    return raw


def lines(path: Path, root: Path, left: Budget) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line); of a line that is too long only its beginning, still too long.

    Raises Unusable where this is no plain file, a link leads out of ``root``, reading fails, or
    ``left`` has nothing left.
    """
    limit = MAX_DOCUMENT_BYTES + 2
    with _opened(path, root) as file:
        number = 0
        while line := _read_line(file, limit):
            number += 1
            rest = line
            if not left.reads(len(rest)):
                raise Unusable(budget.READ_SPENT)
            while len(rest) == limit and not rest.endswith(b"\n"):
                rest = _read_line(file, limit)
                if not left.reads(len(rest)):
                    raise Unusable(budget.READ_SPENT)
            yield number, line


def leads_out(path: Path, root: Path) -> bool:
    """Return whether links on the way to ``path`` lead out of ``root``."""
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link in a circle
        return True


def _opened(path: Path, root: Path) -> BinaryIO:
    if leads_out(path, root):
        raise Unusable("a link to a place outside the folder; give what it links to by itself")
    try:
        # Without waiting: a pipe that nobody writes to would hold the reader for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(error) from error
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        raise Unusable("a folder" if stat.S_ISDIR(kind) else "no plain file")
    return os.fdopen(descriptor, "rb", buffering=1 << 20)  # a record is some 80 kB


def _read(file: BinaryIO, size: int) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise _unreadable(error) from error


def _read_line(file: BinaryIO, limit: int) -> bytes:
    try:
        return file.readline(limit)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> Unusable:
    return Unusable(f"cannot be read: {error.strerror}")
