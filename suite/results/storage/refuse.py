"""What is refused in a folder that is written to: links, other users' files, what is no file."""

import os
import pwd
import shlex
import stat
from pathlib import Path

from suite.errors import BadInput


def refuse_irregular(path: Path, kind: os.stat_result) -> None:
    """Raise BadInput where it is no plain file, or has another name elsewhere."""
    if stat.S_ISLNK(kind.st_mode):
        raise link(path)
    if not stat.S_ISREG(kind.st_mode):
        what = "a folder" if stat.S_ISDIR(kind.st_mode) else "no plain file"
        raise BadInput(f"{path}: {what}", hint="Take it away, or give another folder.")
    if kind.st_nlink > 1:
        raise BadInput(
            f"{path}: a hard link: the same file has another name elsewhere",
            hint=_copy(path.parent),
        )


def refuse_strange(path: Path, kind: os.stat_result, folder: Path) -> None:
    """Raise BadInput where an entry of ``folder`` is a link or another user's."""
    if not stat.S_ISDIR(kind.st_mode):
        refuse_irregular(path, kind)
    refuse_other_user(path, kind, folder)


def refuse_other_user(path: Path, kind: os.stat_result, folder: Path) -> None:
    """Raise BadInput where ``path``, in ``folder``, belongs to another user; say what to do."""
    if kind.st_uid == os.geteuid():
        return
    try:
        owner = pwd.getpwuid(kind.st_uid).pw_name
    except KeyError:
        owner = f"user {kind.st_uid}"
    raise BadInput(
        f"{path}: belongs to {owner}, not to you",
        hint=_copy(folder),
    )


def link(path: Path, hint: str = "") -> BadInput:
    """Return what is said of a link."""
    return BadInput(
        f"{path}: a link, through which nothing is written",
        hint=hint or "Take the link away: Tunebench never makes one.",
    )


def _copy(folder: Path) -> str:
    names = shlex.join([str(folder), f"{folder}-copy"])
    return f"Copy it, and go on with the copy: cp -r {names}"
