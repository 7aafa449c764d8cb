"""``python -m suite.worker FD``: one case, told over the socket that ``FD`` is one end of.

With ``@ADDRESS`` it is one rank of several, and joins the process that started them
(``suite.worker.ranks``).
"""

import os
import socket
import sys
import traceback
from functools import partial

from suite.wire import BadFrame, Connection, Failed, Start, ToWorker
from suite.worker import guard
from suite.worker.failures import failure
from suite.worker.phases import Phases
from suite.worker.python_stack import with_room
from suite.worker.ranks.member import join
from suite.worker.run_case import run_case
from suite.worker.training.step_gate import SessionGone


def main(arguments: list[str]) -> int:
    """Run one case; 0 when the session was told how it ended, 1 when it is gone."""
    told = arguments[0] if len(arguments) == 1 else ""
    if not told.isdigit() and not told.startswith("@"):
        print("usage: python -m suite.worker FD (started by the session)", file=sys.stderr)
        return 2
    guard.quiet_stdout()
    if told.startswith("@"):
        connection, end = join(told[1:])
    else:
        end = socket.socket(fileno=int(told))
        end.set_inheritable(False)
        connection = Connection(end, ToWorker)
    guard.die_with_session(end.fileno())
    try:
        start = connection.receive()
    except BadFrame as error:
        print(f"suite.worker: {error}", file=sys.stderr)
        return 2
    if not isinstance(start, Start):
        print(f"suite.worker: expected a start frame, got {start!r}", file=sys.stderr)
        return 2
    phases = Phases(connection, start.device)
    try:
        with_room(partial(run_case, start, connection, phases))
    except (SessionGone, BrokenPipeError):
        return 1
    except Exception as error:
        # The one place that catches everything: whatever a library raises, in whatever phase, has
        # to become the case's record. Nothing is hidden, the traceback goes where output goes.
        traceback.print_exc()
        connection.send(Failed(failure=failure(error, phases.current, phases.step)))
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to say: skip the interpreter's teardown, which costs seconds with libraries
    # like these and can hang in their threads.
    os._exit(code)
