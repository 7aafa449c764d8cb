"""Passes frames between the session and the ranks, in the process that starts these.

What the session says goes to every rank; what a rank says goes to the session with its number.
"""

import contextlib
import os
import re
import select
import signal
import socket
import struct
import threading
from typing import cast

import msgspec

from suite.wire import (
    BadFrame,
    Connection,
    Failed,
    Finished,
    FromRank,
    FromWorker,
    Go,
    OfRank,
    RankLeft,
    Standings,
    Start,
    Stop,
    Where,
)
from suite.wire.ranks import Standing
from suite.worker.ranks.member import Hello

#: From a rank's silent end until the launcher has said with which code; then nobody knows it.
SILENT_SECONDS = 5.0
ASKED_SECONDS = 1.0  #: for a rank to write where it is
QUIET_SECONDS = 0.05  #: without another piece of it: it is whole
_FRAME = re.compile(r'File "(.*)", line (\d+) in (.+)')


class _Member:
    """One rank that has joined: its connection, its process, and the pipe of its stacks."""

    def __init__(self, connection: Connection, hello: Hello, stacks: int) -> None:
        self.connection, self.rank, self.pid = connection, hello.rank, hello.pid
        self.stacks = stacks


class Relay:
    """Listens at ``address`` and gives every rank that joins the ``start`` frame.

    All work is done in threads that end with the process.
    """

    def __init__(self, session: Connection, start: Start, address: str) -> None:
        self._session, self._start = session, start
        self._lock = threading.Lock()
        self._members: dict[int, _Member] = {}
        self._silent: set[int] = set()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(f"\0{address}")
        listening.listen()
        for work in (lambda: self._accept(listening), self._pass_down):
            threading.Thread(target=work, daemon=True).start()

    def send(self, frame: FromWorker) -> None:
        """Tell the session; does nothing once it is gone."""
        with self._lock:
            if isinstance(frame, RankLeft):
                self._silent.discard(frame.rank)
            with contextlib.suppress(OSError):  # its end ends this process: suite.worker.guard
                self._session.send(frame)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            end, _ = listening.accept()
            if _owner(end) != os.getuid():
                end.close()
                continue
            message, stacks, _, _ = socket.recv_fds(end, 1 << 12, 1)
            member = _Member(
                Connection(end, FromRank), msgspec.json.decode(message, type=Hello), stacks[0]
            )
            self._members[member.rank] = member
            member.connection.send(self._start)
            threading.Thread(target=self._pass_up, args=(member,), daemon=True).start()

    def _pass_up(self, member: _Member) -> None:
        frame: object | None = None
        last = False
        while True:
            try:
                frame = member.connection.receive()
            except (BadFrame, OSError):
                frame = None
            if frame is None:
                break
            self.send(OfRank(rank=member.rank, frame=cast(FromRank, frame)))
            last = isinstance(frame, Failed | Finished)
        if not last:
            self._silent.add(member.rank)
            threading.Timer(SILENT_SECONDS, self._left, (member.rank,)).start()

    def _left(self, rank: int) -> None:
        if rank in self._silent:
            self.send(RankLeft(rank=rank, exit_code=0))

    def _pass_down(self) -> None:
        while True:
            frame = self._session.receive()
            if isinstance(frame, Where):
                self.send(Standings(ranks=tuple(self._standings())))
            elif isinstance(frame, Go | Stop):
                for member in list(self._members.values()):
                    with contextlib.suppress(OSError):  # its end tells what became of it
                        member.connection.send(frame)
            else:
                return  # gone, which ends this process

    def _standings(self) -> list[Standing]:
        """Ask every rank's interpreter where its main thread is; it answers in any state."""
        found = []
        for member in sorted(self._members.values(), key=lambda one: one.rank):
            try:
                os.kill(member.pid, signal.SIGUSR1)
            except ProcessLookupError:
                continue
            if text := _written(member.stacks):
                found.append(Standing(rank=member.rank, place=place(text)))
        return found


def _written(stacks: int) -> str:
    """Return the stack that an interpreter writes, in many pieces."""
    text, patience = b"", ASKED_SECONDS
    while select.select([stacks], [], [], patience)[0] and (piece := os.read(stacks, 1 << 16)):
        text, patience = text + piece, QUIET_SECONDS
    return text.decode(errors="replace")


def place(stack: str) -> str:
    """Return the innermost function of a stack that faulthandler wrote, and where it stands."""
    innermost = _FRAME.search(stack)
    if innermost is None:
        return "outside of Python"
    path, line, function = innermost.groups()
    return f"{function} ({'/'.join(path.split('/')[-2:])}:{line})"


def _owner(end: socket.socket) -> int:
    """Return the user of the process at the other end."""
    told = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", told)[1])
