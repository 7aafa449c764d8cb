"""The journal: one record a line, on disk before the next case starts."""

import errno
from pathlib import Path

from suite import units
from suite.errors import BadInput, SuiteError, WrongMachine
from suite.results.record import Record, encode
from suite.results.storage import decode
from suite.results.storage.folder import Folder

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def append(folder: Folder, name: str, record: Record, *, safe: int) -> None:
    """Append one record as a line, flushed to the disk; ``safe`` says how many came before.

    Raises WrongMachine when the disk is full or fails; the journal is then as it was before.
    """
    try:
        folder.append(name, encode(record) + b"\n")
    except BadInput as error:  # somebody changed the folder since it was opened
        raise WrongMachine(error.message, hint=error.hint) from error
    except OSError as error:
        raise _cannot_write(folder.path / name, error, safe) from error


def repair(folder: Folder, name: str) -> str | None:
    """Make the journal end with a whole line; return what was done, or None.

    A kill can leave half a line. A last line that is a record but lacks its newline gets one;
    any other unusable last line is moved to ``journal.jsonl.damaged`` beside it.
    """
    content = folder.read(name)
    if not content:
        return None
    start = content.rfind(b"\n", 0, len(content) - 1) + 1
    last = content[start:]
    try:
        decode.document(last, Record)
    except decode.Unusable as why:
        damaged = f"{name}.damaged"
        folder.append(damaged, last if last.endswith(b"\n") else last + b"\n")
        folder.cut(name, start)
        return f"the last line was cut off ({why}); its bytes are kept in {damaged}"
    if not last.endswith(b"\n"):
        folder.append(name, b"\n")
        return "the last line lacked its newline, which was added"
    return None


def _cannot_write(path: Path, error: OSError, safe: int) -> SuiteError:
    what = "disk full" if error.errno in FULL else f"cannot write {path}: {error.strerror}"
    todo = "Free space" if error.errno in FULL else "Make it writable"
    kept = f"{units.counted(safe, 'result')} {'is' if safe == 1 else 'are'}"
    return WrongMachine(
        f"{what}: {kept} safe in {path}",
        hint=f"{todo} and go on with: ./tunebench run --resume {path.parent}",
    )
