"""What a launch in a container tells the suite outside, as JSON lines on its standard output.

The same events that a reporter is told. A record travels whole, so that it is safe outside as soon
as it is in the journal inside, also where the two do not share a disk.
"""

from typing import TextIO

import msgspec

from suite.catalog.case import Case
from suite.results.record import Record
from suite.wire import PhaseName, Step


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """One line."""


class Begun(Event, frozen=True, kw_only=True):
    """The suite runs inside; the first line of all."""


class CaseBegun(Event, frozen=True, kw_only=True):
    """``number`` counts over all launches, from 1."""

    case_id: str
    number: int


class PhaseEntered(Event, frozen=True, kw_only=True):
    """The worker entered a phase."""

    name: PhaseName


class StepTaken(Event, frozen=True, kw_only=True):
    """``done`` of ``planned`` steps have ended."""

    step: Step
    done: int
    planned: int


class CaseEnded(Event, frozen=True, kw_only=True):
    """The record as the journal inside has it."""

    record: Record


class Stopped(Event, frozen=True, kw_only=True):
    """An error of the suite ended the launch, in its own words."""

    message: str
    hint: str
    exit_code: int


AnyEvent = Begun | CaseBegun | PhaseEntered | StepTaken | CaseEnded | Stopped

_DECODER = msgspec.json.Decoder(AnyEvent)


def parse(line: bytes) -> AnyEvent | None:
    """Return the event of a line, or None where it is something else that was printed."""
    try:
        found: AnyEvent = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found


class Channel:
    """A reporter that writes every event as a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, event: Event) -> None:
        """Write one event."""
        self._stream.write(msgspec.json.encode(event).decode() + "\n")
        self._stream.flush()

    def case_begun(self, case: Case, number: int, total: int, launch: int, launches: int) -> None:
        """Say which case; the rest is in the plan, which both sides have."""
        self.say(CaseBegun(case_id=case.case_id, number=number))

    def phase_begun(self, name: PhaseName) -> None:
        """Say which phase."""
        self.say(PhaseEntered(name=name))

    def step_done(self, step: Step, done: int, planned: int) -> None:
        """Say which step."""
        self.say(StepTaken(step=step, done=done, planned=planned))

    def case_ended(self, record: Record) -> None:
        """Hand over the record."""
        self.say(CaseEnded(record=record))
