"""Do two things at a time: one in a copy of this process, for work that only writes files."""

import ctypes
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_QUEUE = 2_000  #: two bytes each lie in a pipe, of which 4 KiB are sure to fit
PR_SET_PDEATHSIG = 1  #: linux/prctl.h
OTHER = 255  #: a child's exit code for what is no error of the system


class WorkQueue:
    """The numbers from 0 to ``count``, each handed out once to whichever process asks next.

    For processes forked after it was made: they end up with as much work as they can do.
    """

    def __init__(self, count: int) -> None:
        if count > LONGEST_QUEUE:
            raise ValueError(f"{count} tickets, over {LONGEST_QUEUE}")
        self._read, write = os.pipe()
        os.write(write, b"".join(n.to_bytes(2, "big") for n in range(count)))
        os.close(write)

    def __iter__(self) -> Iterator[int]:
        while ticket := os.read(self._read, 2):
            yield int.from_bytes(ticket, "big")

    def close(self) -> None:
        """Let go of them; those that were not handed out are lost."""
        os.close(self._read)


@contextmanager
def run_in_child(work: Callable[[], None]) -> Iterator[None]:
    """Run ``work`` in a forked process while the block runs; wait for it at the end.

    Raises the OSError that ``work`` ended with, RuntimeError for another end (its traceback stands
    on standard error). When the block raises, the work is stopped; on Linux also when this process
    is killed, else what was left could not be removed yet. The copy shares the memory of this
    process; it may have no other threads.
    """
    gc.freeze()  # else each collection writes to all of the shared memory, which copies it
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _end_with(parent)
        os._exit(_code(work))
    try:
        yield
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        gc.unfreeze()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if 0 < code < OTHER:
        raise OSError(code, os.strerror(code))
    if code:
        raise RuntimeError(f"the process beside this one ended with {code}")


def _end_with(parent: int) -> None:
    """Leave it to the other process to end this one: Ctrl-C reaches both, and one answers it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before we said so
            os._exit(OTHER)


def _code(work: Callable[[], None]) -> int:
    try:
        work()
    except OSError as error:
        return error.errno or OTHER
    except BaseException:  # this copy must never return into its caller
        traceback.print_exc()
        return OTHER
    return 0
