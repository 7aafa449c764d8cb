"""Real ranks that train nothing, started as real ones are: by PyTorch's launcher, with a relay.

Run as ``python scripted_ranks.py BEHAVIOUR FD`` it starts them; with ``@ADDRESS`` it
is one of them. The first rank does its work, the last one behaves as told.
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))


from suite.wire import Failed, Ready, Versions
from suite.wire.ranks import RankReady
from suite.worker import guard
from suite.worker.failures import failure
from suite.worker.ranks import __main__ as launcher
from suite.worker.ranks.member import join, rank
from support.scripted_worker import EFFECTIVE, Script

SCRIPT = str(Path(__file__))


class RankScript(Script):
    """One rank's life; its rows are its own."""

    def __init__(self, address: str) -> None:
        self.connection, self.end = join(address)
        guard.die_with_session(self.end.fileno())
        self.step_seconds = 0.001
        self.index = 0
        self.start = self.connection.receive()

    def until_ready(self):
        for name in ("import", "load", "prepare"):
            self.phase(name)
        told = RankReady(
            rank=rank(),
            device="cpu",
            trainable_parameters=EFFECTIVE.trainable_parameters,
            weights_bytes=100,
            whole_bytes=100,
            first_rows=(f"row of {rank()}",),
            data="the same",
        )
        self.connection.send(
            Ready(
                effective=self.effective(),
                versions=Versions(python="3.11", packages={}),
                weights="dummy seed 17",
                rank=told,
            )
        )


def well(script):
    script.whole()


def is_killed(script):
    """Die in a step, as the kernel's OOM killer or somebody ends a process."""
    script.until_ready()
    script.connection.receive()
    script.one_step("first")
    os.kill(os.getpid(), signal.SIGKILL)


def exits_with_seven(script):
    script.phase("import")
    sys.exit(7)


def runs_out_of_memory(script):
    """Ask for more than there is, and say so as a worker does."""
    script.phase("import")
    try:
        bytearray(1 << 62)
    except MemoryError as error:
        script.connection.send(Failed(failure=failure(error, "load", None)))


def hangs(script):
    """Stop in the middle of its steps, where the first rank has gone on."""
    script.until_ready()
    script.connection.receive()
    script.one_step("first")
    stand_still()


def stand_still():
    threading.Event().wait()


def lingers(script):
    """Say who one is and train for longer than any test waits."""
    script.step_seconds = 0.3
    Path(script.start.cache, f"rank-{rank()}").write_text(str(os.getpid()))
    script.whole()


if __name__ == "__main__":
    behaviour, where = sys.argv[1:]
    if where.startswith("@"):
        last = rank() == int(os.environ["WORLD_SIZE"]) - 1
        play = globals()[behaviour] if last or behaviour == "lingers" else well
        play(RankScript(where[1:]))
    else:
        sys.exit(launcher.main([where], rank=(SCRIPT, behaviour)))
