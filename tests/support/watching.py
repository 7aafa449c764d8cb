"""Watch what a verb does to the file system, and how long it takes."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class TooSlow(BaseException):
    """No ``except Exception`` on the way may take it for something else."""


_WRITES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link"}
_WRITES |= {"os.truncate", "os.chmod", "shutil.rmtree", "shutil.move"}
_watching: list[Callable[[str, tuple[Any, ...]], None]] = []
_hooked = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    for watch in _watching:
        watch(event, arguments)


@contextmanager
def writes_only(allowed: tuple[Path, ...]) -> Iterator[list[str]]:
    """Collect every absolute path that is opened for writing, made or removed elsewhere."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_audit)  # for good: the interpreter has no way to take one away
        _hooked = True
    found: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
            paths = [path]
        elif event in _WRITES:
            paths = [each for each in arguments[:2] if isinstance(each, str | bytes | os.PathLike)]
        else:
            return
        for path in paths:
            if isinstance(path, int) or not (named := Path(os.fsdecode(path))).is_absolute():
                continue  # a relative one shows in the folders, which are compared
            real = Path(os.path.realpath(named))
            if real != Path(os.devnull) and not any(map(real.is_relative_to, allowed)):
                found.append(f"{event} {real}")

    _watching.append(watch)
    # A module that is first imported here would leave its bytecode beside itself.
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield found
    finally:
        _watching.remove(watch)
        sys.dont_write_bytecode = bytecode


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return all there is below a folder, with its content."""
    return {
        str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }
