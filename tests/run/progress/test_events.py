"""What a launch in a container says, and what else may stand between it."""

import io

from suite.run.progress import events
from suite.run.progress.events import Channel, parse
from support import records


def test_a_record_travels_whole() -> None:
    """Outside, it is appended to a journal: one changed bit would be another record_id."""
    stream = io.StringIO()
    channel = Channel(stream)
    record = records.record()
    channel.case_begun(record.case, 2, 4, 1, 2)
    channel.phase_begun("import")
    channel.step_done(record.steps[0], 1, 16)
    channel.case_ended(record)
    lines = stream.getvalue().splitlines()
    assert [parse(line.encode()) for line in lines] == [
        events.CaseBegun(case_id=record.case_id, number=2),
        events.PhaseEntered(name="import"),
        events.StepTaken(step=record.steps[0], done=1, planned=16),
        events.CaseEnded(record=record),
    ]


def test_what_is_no_event_is_left_to_the_error_message() -> None:
    """A library's print, broken text and half a line: none of them ends the launch."""
    for line in (b"Unsloth: hello", b"", b"\xff\xfe", b'{"type":"CaseBegun"', b'{"type":"No"}'):
        assert parse(line) is None
