"""A clock that only workers' own measurements move: pytest-benchmark's timer.

With ``--benchmark-timer=suite.run.pytest_front.clock.worker_clock`` its statistics are the seconds
that workers measured, synchronized with the device, and hold no time of sockets, pytest or this
process.
"""

IDLE_READS = 64


class WorkerClock:
    """Stands still between ``advance`` calls."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._idle_reads = 0

    def advance(self, seconds: float) -> None:
        """Move the clock by what a worker measured."""
        self._seconds += seconds
        self._idle_reads = 0

    def reset(self) -> None:
        """Return to zero, between cases: small sums keep every digit of a step's seconds."""
        self._seconds = 0.0
        self._idle_reads = 0

    def read(self) -> float:
        """Return the seconds measured so far.

        Raises RuntimeError when somebody waits for the clock to move by itself: calibrated mode
        (``benchmark(function)``) would wait for ever.
        """
        self._idle_reads += 1
        if self._idle_reads > IDLE_READS:
            raise RuntimeError(
                "the worker clock moves only by worker steps: use"
                " benchmark.pedantic(training.step, rounds=...), not benchmark(...)"
            )
        return self._seconds


clock = WorkerClock()


def worker_clock() -> float:
    """Return the seconds that workers have measured so far, for pytest-benchmark."""
    return clock.read()
