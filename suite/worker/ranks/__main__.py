"""``python -m suite.worker.ranks FD``: start the ranks of one case, and pass on what they say.

PyTorch's own launcher, ``torch.distributed.run``, starts them, gives them a rendezvous on a free
port of this machine, and ends the others when one dies. This process trains nothing.
"""

import os
import secrets
import socket
import sys

from suite.wire import BadFrame, Connection, RankLeft, Start, ToRanks
from suite.worker import guard
from suite.worker.ranks.relay import Relay

#: As the session starts a worker of its own.
RANK = ("-P", "-X", "faulthandler", "-m", "suite.worker")
WATCH_SECONDS = 0.1  #: between two looks at the ranks


def main(arguments: list[str], rank: tuple[str, ...] = RANK) -> int:
    """Run until all ranks have ended; 0 when all of them said how."""
    guard.quiet_stdout()
    end = socket.socket(fileno=int(arguments[0]))
    end.set_inheritable(False)
    guard.die_with_session(end.fileno())
    connection = Connection(end, ToRanks)
    try:
        start = connection.receive()
    except BadFrame as error:
        print(f"suite.worker.ranks: {error}", file=sys.stderr)
        return 2
    if not isinstance(start, Start):
        print(f"suite.worker.ranks: expected a start frame, got {start!r}", file=sys.stderr)
        return 2
    # A name without a file, so that nothing is left behind, however this ends (unix(7)).
    address = f"tunebench-{secrets.token_hex(16)}"
    relay = Relay(connection, start, address)
    return launch(start.case.ranks, (*rank, f"@{address}"), relay)


def launch(count: int, command: tuple[str, ...], relay: Relay) -> int:
    """Start ``count`` ranks of a Python ``command`` and wait for their end."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the launcher's own choice, which it warns of
    options = run.parse_args(
        [
            "--nnodes=1",
            f"--nproc-per-node={count}",
            "--max-restarts=0",
            f"--monitor-interval={WATCH_SECONDS}",
            "--rdzv-backend=c10d",
            "--rdzv-endpoint=127.0.0.1:0",  # whichever port is free
            "--local-addr=127.0.0.1",  # asks no name server who this machine is
            f"--log-dir={os.devnull}",  # ranks write where this process does
            "--no-python",
            sys.executable,
            *command,
        ]
    )
    try:
        run.run(options)
    except ChildFailedError as error:
        for rank, failure in error.failures.items():
            relay.send(RankLeft(rank=rank, exit_code=failure.exitcode))
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
