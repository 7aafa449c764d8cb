"""A rank's way to the process that started it, and what the launcher told it of its place."""

import faulthandler
import os
import signal
import socket

import msgspec

from suite.wire import Connection, ToWorker


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first word of a rank; with it comes a pipe, to read where its main thread is."""

    rank: int
    pid: int


def join(address: str) -> tuple[Connection, socket.socket]:
    """Return a connection to whoever started this rank, and its end of it.

    From then on SIGUSR1 makes the interpreter write the main thread's stack for the other side,
    also while it waits in a library for a rank that does not come.
    """
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.connect(f"\0{address}")
    theirs, ours = os.pipe()
    faulthandler.register(signal.SIGUSR1, file=ours, all_threads=False)
    hello = Hello(rank=rank(), pid=os.getpid())
    socket.send_fds(end, [msgspec.json.encode(hello)], [theirs])
    os.close(theirs)
    return Connection(end, ToWorker), end


def rank() -> int:
    """Return this process' number among the ranks; 0 where it is alone."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Return its number among those of this machine, which is that of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))
