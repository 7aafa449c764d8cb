"""``python -m suite.run.containers.entrypoint FOLDER LAUNCH``: one launch, alone in its container.

Started by ``launches``, never by hand. Standard output is for events alone; standard input carries
nothing, and its end means that whoever started us is gone: then we end in order, as for a signal,
instead of keeping a GPU for nobody.
"""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from suite.errors import EXIT_INTERRUPTED, EXIT_MACHINE, EXIT_OK, SuiteError
from suite.run.progress.choose import own_stream
from suite.run.progress.events import Begun, Channel, Stopped
from suite.signals import Interrupted, Signals


def main(arguments: Sequence[str]) -> int:
    """Carry out the launch and return the exit code."""
    channel = Channel(own_stream(sys.stdout))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what else prints must not get between
    with Signals() as signals:
        try:
            channel.say(Begun())
            threading.Thread(target=_end_with_stdin, name="owner", daemon=True).start()
            _launch(Path(arguments[0]), int(arguments[1]), channel)
            signals.check()
        except KeyboardInterrupt as interruption:
            if isinstance(interruption, Interrupted):
                return interruption.exit_code
            return EXIT_INTERRUPTED
        except SuiteError as error:
            channel.say(Stopped(message=error.message, hint=error.hint, exit_code=error.exit_code))
            return error.exit_code
        except OSError as error:
            what = f"{error.filename or 'output'}: {error.strerror or error}"
            channel.say(Stopped(message=what, hint="", exit_code=EXIT_MACHINE))
            return EXIT_MACHINE
    return EXIT_OK


def _launch(folder: Path, number: int, channel: Channel) -> None:
    from suite.results.storage.run_folder import open_run
    from suite.run.pytest_front.drive import run_launch
    from suite.setup.packages import ensure_training

    ensure_training()
    with open_run(folder, known=True) as run:  # looked at outside, where users have their names
        run_launch(run, number, channel)


def _end_with_stdin() -> None:
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 1 << 12):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
