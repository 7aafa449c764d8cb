"""The journal: one record a line, on disk before the next case starts."""

import errno
import os
from pathlib import Path

from suite import units
from suite.errors import SuiteError, WrongMachine
from suite.results import decode
from suite.results.record import Record, encode

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def append(path: Path, record: Record, *, safe: int) -> None:
    """Append one record as a line, flushed to the disk; ``safe`` says how many came before.

    Raises WrongMachine when the disk is full or fails; the journal is then as it was before.
    """
    line = encode(record) + b"\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise _cannot_write(path, error, safe) from error
    try:
        before = os.fstat(descriptor).st_size
        try:
            _write_all(descriptor, line)
            os.fsync(descriptor)
        except OSError as error:
            os.ftruncate(descriptor, before)
            raise _cannot_write(path, error, safe) from error
    finally:
        os.close(descriptor)


def repair(path: Path) -> str | None:
    """Make the journal end with a whole line; return what was done, or None.

    A kill can leave half a line. A last line that is a record but lacks its newline gets one;
    any other unusable last line is moved to ``journal.jsonl.damaged`` beside it.
    """
    content = path.read_bytes()
    if not content:
        return None
    start = content.rfind(b"\n", 0, len(content) - 1) + 1
    last = content[start:]
    try:
        decode.document(last, Record)
    except decode.Unusable as why:
        damaged = path.with_name(path.name + ".damaged")
        with damaged.open("ab") as kept:
            kept.write(last if last.endswith(b"\n") else last + b"\n")
            kept.flush()
            os.fsync(kept.fileno())
        os.truncate(path, start)
        return f"the last line was cut off ({why}); its bytes are kept in {damaged.name}"
    if not last.endswith(b"\n"):
        with path.open("ab") as journal:
            journal.write(b"\n")
        return "the last line lacked its newline, which was added"
    return None


def _write_all(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _cannot_write(path: Path, error: OSError, safe: int) -> SuiteError:
    what = "disk full" if error.errno in FULL else f"cannot write {path}: {error.strerror}"
    todo = "Free space" if error.errno in FULL else "Make it writable"
    records = f"{units.counted(safe, 'record')} {'is' if safe == 1 else 'are'}"
    return WrongMachine(
        f"{what}: {records} safe in {path}",
        hint=f"{todo} and go on with: ./tunebench run --resume {path.parent}",
    )
