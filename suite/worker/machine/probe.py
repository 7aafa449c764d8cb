"""``python -m suite.worker.machine.probe DEVICE DESCRIPTOR``: a device's ceilings, measured alone.

Prints one line of JSON, a ``suite.wire.Probe``. ``DESCRIPTOR`` is the end of a pipe or socket that
whoever started this holds: when it closes, however that came about, this process ends.
"""

import sys

import msgspec

from suite.worker import guard


def main() -> int:
    """Measure and print."""
    # First of all: importing torch takes longer than many a kill.
    guard.die_with_session(int(sys.argv[2]))
    from suite.worker.machine import ceilings

    print(msgspec.json.encode(ceilings.measure(sys.argv[1])).decode(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
