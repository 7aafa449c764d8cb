"""One worker as the kernel sees it: a process group, its output, and how it ended."""

import collections
import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 60
LINE_CHARACTERS = 400
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

# Reads a process group, waits until whoever holds the other end of its stdin is gone, kills it.
GUARDIAN = ("/bin/sh", "-c", 'read -r group; read -r _; kill -s KILL -- "-$group"')

ABORT_SECONDS = 2.0  #: for the interpreter to write its stacks before the group is killed
DRAIN_SECONDS = 2.0  #: for the last output, should someone outside the group hold the pipe


class WorkerProcess:
    """A started worker in a session and process group of its own.

    The group is killed as soon as its leader is gone, however that came about: a child that
    survived it would keep the socket, the GPU's memory or a core. Two threads wait without
    polling, one for the output and one for the end. A small process beside it kills the group
    should this process be killed in a way that leaves it no time to.
    """

    def __init__(
        self,
        command: Sequence[str],
        worker_end: socket.socket,
        *,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Start ``command`` plus the socket's descriptor; raises OSError when that fails."""
        descriptor = worker_end.fileno()
        self._guardian = subprocess.Popen(
            GUARDIAN,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._process = subprocess.Popen(
                [*command, str(descriptor)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(descriptor,),
                start_new_session=True,
                cwd=folder,
                env=environment,
            )
        except OSError:
            self._dismiss_guardian()
            raise
        self.pid = self._process.pid
        self._guard(self.pid)
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._killed = False
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._drain = threading.Thread(target=self._read_output, name="worker-output", daemon=True)
        self._drain.start()
        threading.Thread(target=self._reap, name="worker-end", daemon=True).start()
        self._refuse_core_dumps()

    def kill(self) -> None:
        """Kill the group now and wait until its leader is reaped; does nothing a second time."""
        self._kill_group()
        self._gone.wait()

    def abort(self) -> None:
        """Kill a hung worker, giving its interpreter the time to print where it hangs.

        The worker runs with faulthandler, which answers SIGABRT with every thread's stack.
        """
        with self._lock:
            if not self._gone.is_set():
                self._killed = True
                os.kill(self.pid, signal.SIGABRT)
        self._gone.wait(ABORT_SECONDS)
        self.kill()

    def wait(self, seconds: float) -> bool:
        """Return whether the leader ended, and its group with it, within ``seconds``."""
        return self._gone.wait(seconds)

    @property
    def exit_code(self) -> int | None:
        """Return the leader's exit code, negative for a signal; None while it runs."""
        return self._process.returncode if self._gone.is_set() else None

    @property
    def killed_by_us(self) -> bool:
        """Return whether its end was our doing."""
        return self._killed

    def tail(self) -> tuple[str, ...]:
        """Return the last lines of output; whole once the process has ended."""
        if self._gone.is_set():
            self._drain.join(DRAIN_SECONDS)
        return tuple(self._lines)

    def _kill_group(self) -> None:
        with self._lock:
            if self._gone.is_set():
                return
            self._killed = True
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def _reap(self) -> None:
        if hasattr(os, "waitid"):
            # Not reaped yet, so that the group's number cannot belong to anyone else below.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        with self._lock:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._dismiss_guardian()
            self._process.wait()
            self._gone.set()

    def _guard(self, group: int) -> None:
        assert self._guardian.stdin is not None
        self._guardian.stdin.write(b"%d\n" % group)
        self._guardian.stdin.flush()

    def _dismiss_guardian(self) -> None:
        # First of all: later the number could belong to another group.
        self._guardian.kill()
        self._guardian.communicate()

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        with self._process.stdout as pipe:
            while chunk := os.read(pipe.fileno(), 1 << 16):
                *lines, rest = (rest + chunk).split(b"\n")
                self._lines.extend(printable(line) for line in lines)
                rest = rest[-(1 << 16) :]
        if rest:
            self._lines.append(printable(rest))

    def _refuse_core_dumps(self) -> None:
        # A crashed worker can hold a hundred gigabytes; its stacks are in its output.
        if hasattr(resource, "prlimit"):
            with contextlib.suppress(OSError):
                resource.prlimit(self.pid, resource.RLIMIT_CORE, (0, 0))


def printable(line: bytes) -> str:
    """Return a line as a terminal would show it in the end: no colours, the last redraw only."""
    text = ESCAPES.sub("", line.decode("utf-8", errors="replace")).rstrip()
    text = text.rpartition("\r")[2]
    return text if len(text) <= LINE_CHARACTERS else text[: LINE_CHARACTERS - 1] + "…"


def oom_kills() -> int | None:
    """Return how often the kernel's OOM killer has struck here; None where it does not say.

    Counts the control group where there is one (cgroup v2), otherwise the machine.
    """
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        try:
            text = path.read_text(encoding="ascii")
        except OSError:
            continue
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return None
