"""Keeps a worker tidy: nothing of the libraries on stdout, and no life after its session's."""

import ctypes
import os
import select
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def quiet_stdout() -> None:
    """Send everything that is printed to stderr, child processes' output included."""
    sys.stdout.flush()
    os.dup2(2, 1)


def die_with_session(descriptor: int) -> None:
    """End this process, and its process group where it leads one, when the session goes away.

    ``descriptor`` is the worker's end of the socket pair: the kernel closes the other end however
    the session dies. On Linux the kernel is also asked to kill this process with the thread that
    started it, which works even while a library holds the interpreter lock.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(descriptor,), name="session-watch", daemon=True).start()


def _watch(descriptor: int) -> None:
    poll = select.poll()
    # No POLLIN: frames for the training thread must not wake this one. poll() waits without the
    # interpreter lock, so an undisturbed run never gives this thread a turn.
    poll.register(descriptor, getattr(select, "POLLRDHUP", 0) | select.POLLHUP)
    poll.poll()
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
