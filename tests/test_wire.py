"""The wire format: whole frames or a clear error, and never longer than asked."""

import socket
import threading
import time

import pytest

from suite.wire import BadFrame, Connection, FromWorker, PhaseBegun, Stop, ToWorker


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    yield Connection(near, FromWorker), far
    near.close()
    far.close()


def test_frames_arrive_whole_and_in_order(ends):
    """Two frames in one write are two frames."""
    session, far = ends
    worker = Connection(far, ToWorker)

    worker.send(PhaseBegun(name="import"))
    worker.send(PhaseBegun(name="load"))
    session.send(Stop())

    assert session.receive(1) == PhaseBegun(name="import")
    assert session.receive(1) == PhaseBegun(name="load")
    assert worker.receive(1) == Stop()


def test_a_trickle_does_not_extend_the_timeout(ends):
    """A worker that writes a byte now and then is as late as a silent one."""
    session, far = ends
    enough = threading.Event()

    def trickle():
        while not enough.wait(0.05):
            far.sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    began = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            session.receive(0.3)
    finally:
        enough.set()
        thread.join()

    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"type":"phase-beg', "half a frame"),
        (b"Loading checkpoint shards: 100%\n", "not a frame"),
        (b'{"type":"go","steps":1,"role":"first"}\n', "not a frame"),
        (b"\xff\xfe\n", "not a frame"),
    ],
)
def test_anything_else_is_named(ends, written, said):
    """Half a frame, rubbish, the wrong side's frame and bad bytes are all BadFrame."""
    session, far = ends
    far.sendall(written)
    far.close()

    with pytest.raises(BadFrame, match=said):
        session.receive(1)


def test_a_clean_close_is_none(ends):
    """Closing between frames is an end, not an error."""
    session, far = ends
    far.close()

    assert session.receive(1) is None
