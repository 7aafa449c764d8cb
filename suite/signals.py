"""Ctrl-C, a polite kill and a closed terminal end a run the same way: in order."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interrupted(KeyboardInterrupt):
    """A signal asked this process to end. A KeyboardInterrupt, so that pytest stops for it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """Return the status as shells count a signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.number


class Signals:
    """While entered, SIGINT, SIGTERM and SIGHUP raise ``Interrupted`` in the main thread."""

    CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._seen: int | None = None

    def check(self) -> None:
        """Raise Interrupted if a signal came, even where somebody swallowed the exception."""
        if self._seen is not None:
            raise Interrupted(self._seen)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self._seen = number
        raise Interrupted(number)

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in self.CAUGHT}
        for number, handler in self._before.items():
            if handler is not signal.SIG_IGN:  # nohup
                signal.signal(number, self._caught)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
