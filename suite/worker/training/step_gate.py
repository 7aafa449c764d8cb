"""The gate that holds every optimizer step until the session grants it, and reports it after."""

import gc
import math
import resource
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from suite.wire import Connection, Effective, Go, Ready, Step, StepDone, StepRole, Stop
from suite.worker.phases import Phases

if TYPE_CHECKING:  # it imports torch, which belongs into the import phase, after the engine
    from suite.worker.batches import Batch, Tokens


class SessionGone(Exception):
    """The session closed its end while the worker waited for it."""


class Collector:
    """Adds up the seconds that Python's garbage collector has taken since this was made."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = 0.0
        gc.callbacks.append(self._heard)

    def _heard(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self._began


def minor_faults() -> int | None:
    """Return how many page faults without disk this thread has had; None where not counted."""
    thread: int | None = getattr(resource, "RUSAGE_THREAD", None)  # Linux
    return None if thread is None else resource.getrusage(thread).ru_minflt


class Gate:
    """Steps one by one: ``wait`` until granted, then ``begin``, then ``end``.

    ``synchronize`` returns once the device has finished all its work; ``ready`` makes the frame
    that announces what has been prepared, called once, before the first wait.
    """

    def __init__(
        self,
        connection: Connection,
        phases: Phases,
        synchronize: Callable[[], None],
        ready: Callable[[Effective, Sequence["Batch"]], Ready],
    ) -> None:
        self.index = 0  #: of the step that is running or comes next
        #: The running settings: as announced, then as the first step showed them to be.
        self.effective: Effective | None = None
        self._connection = connection
        self._phases = phases
        self._synchronize = synchronize
        self._ready = ready
        self._granted: deque[StepRole] = deque()
        self._began = self._began_monotonic = 0.0
        self._collector = Collector()
        self._collected_before = 0.0
        self._faults_before: int | None = None

    def announce(self, effective: Effective, first: "Sequence[Batch]") -> None:
        """End the phase ``prepare`` and say that steps can be granted.

        ``first`` are the batches of the first.
        """
        self._phases.end()
        self.effective = effective
        self._connection.send(self._ready(effective, first))

    def correct(self, corrected: Callable[[Effective], Effective]) -> None:
        """Replace what was announced, once, after the first step; later calls do nothing."""
        if self.index == 1 and self.effective is not None:
            self.effective = corrected(self.effective)

    def wait(self) -> bool:
        """Block until the next step is granted; False once the session has had enough.

        Raises SessionGone when it went away instead.
        """
        while not self._granted:
            frame = self._connection.receive()
            if isinstance(frame, Stop):
                if self._phases.current == "steady":
                    self._phases.end()
                return False
            if not isinstance(frame, Go):
                raise SessionGone
            self._granted.extend([frame.role] * frame.steps)
        self._phases.step = self.index
        if self.index < 2:
            self._phases.begin("first_step" if self.index == 0 else "steady")
        return True

    def begin(self) -> None:
        """Start the clock of a granted step."""
        self._synchronize()
        self._collected_before = self._collector.seconds
        self._faults_before = minor_faults()
        self._began_monotonic = time.monotonic()
        self._began = time.perf_counter()

    def end(
        self,
        *,
        tokens: "Tokens",
        loss: Callable[[], float],
        gradient_norm: Callable[[], float | None],
        data_seconds: float | None,
    ) -> None:
        """Stop the clock once the device is done, then read the figures and report the step.

        Arguments are ready or callable: what they cost must not fall into the step.
        """
        self._synchronize()
        seconds = time.perf_counter() - self._began
        ended = time.monotonic()
        collected = self._collector.seconds - self._collected_before
        faults, before = minor_faults(), self._faults_before
        value, norm = loss(), gradient_norm()
        step = Step(
            index=self.index,
            role=self._granted.popleft(),
            seconds=seconds,
            tokens_padded=tokens.padded,
            tokens_real=tokens.real,
            tokens_loss=tokens.loss,
            row_tokens=tokens.rows,
            loss=value if math.isfinite(value) else None,
            loss_text=None if math.isfinite(value) else str(value),
            gradient_norm=norm if norm is not None and math.isfinite(norm) else None,
            data_seconds=data_seconds,
            collector_seconds=collected,
            minor_faults=None if faults is None or before is None else faults - before,
        )
        self._connection.send(StepDone(step=step, began=self._began_monotonic, ended=ended))
        if self.index == 0:
            self._phases.end()
        self.index += 1
