"""A site that two processes write is the site that one writes, and errors of both are raised."""

import errno
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from reports.site import build as building
from reports.site.build import build
from reports.site.parallel import LONGEST_QUEUE, WorkQueue, run_in_child
from support import sites


def content(site: Path) -> dict[str, bytes]:
    return {str(p.relative_to(site)): p.read_bytes() for p in site.rglob("*") if p.is_file()}


def test_two_processes_write_the_same_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, whichever process writes the pages of records."""
    one = content(build(sites.ordinary(), tmp_path / "one").parent)
    monkeypatch.setattr(building, "MANY_RECORDS", 1)
    assert content(build(sites.ordinary(), tmp_path / "two").parent) == one
    assert len([name for name in one if name.startswith("records/")]) == 28


def test_an_error_of_the_system_comes_back_as_it_was() -> None:
    """A full disk in the other process is a full disk here."""

    def fill() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as raised, run_in_child(fill):
        pass
    assert raised.value.errno == errno.ENOSPC


def test_any_other_end_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A mistake or a kill in the other process is never taken for success; its reason is said."""
    with pytest.raises(RuntimeError, match="ended with 255"), run_in_child(lambda: print(1 / 0)):
        pass
    assert "ZeroDivisionError" in capfd.readouterr().err
    with (
        pytest.raises(RuntimeError, match="ended with -9"),
        run_in_child(lambda: os.kill(os.getpid(), 9)),
    ):
        pass


def test_an_error_here_stops_the_other_process(tmp_path: Path) -> None:
    """Nothing goes on writing behind a report that has failed."""

    def later() -> None:
        time.sleep(30)
        (tmp_path / "late").touch()

    began = time.monotonic()
    with pytest.raises(ValueError, match="here"), run_in_child(later):
        raise ValueError("here")
    assert time.monotonic() - began < 20
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_for_both_is_answered_by_one(
    capfd: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    """A terminal's Ctrl-C reaches the whole group; no traceback of a copy follows it."""
    with run_in_child(lambda: os.kill(os.getpid(), number)):
        pass
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux sees to it")
def test_the_other_process_does_not_outlive_a_killed_one() -> None:
    """It would hold what the killed report left, which the next one then could not remove."""
    begin, end = os.pipe()
    killed = os.fork()
    if killed == 0:

        def told_and_killed() -> None:
            os.write(end, b"here")
            time.sleep(30)
            os.write(end, b"late")

        with run_in_child(told_and_killed):
            time.sleep(30)
        os._exit(0)
    os.close(end)
    assert os.read(begin, 9) == b"here"
    os.kill(killed, signal.SIGKILL)
    os.waitpid(killed, 0)
    began = time.monotonic()
    assert os.read(begin, 9) == b""  # the last holder of the other end is gone
    assert time.monotonic() - began < 20


def test_each_ticket_is_handed_out_once() -> None:
    """What a child has taken its parent does not take again, and none is lost."""
    tickets = WorkQueue(LONGEST_QUEUE)
    begin, end = os.pipe()

    def take_some() -> None:
        taken = [number for number, _ in zip(tickets, range(100), strict=False)]
        os.write(end, bytes(str(taken), "ascii"))

    with run_in_child(take_some):
        pass
    theirs = os.read(begin, 1 << 16).decode()
    ours = list(tickets)
    for descriptor in (begin, end):
        os.close(descriptor)
    tickets.close()
    assert [int(number) for number in theirs.strip("[]").split(",")] == list(range(100))
    assert ours == list(range(101, LONGEST_QUEUE))  # zip took one more than it gave
