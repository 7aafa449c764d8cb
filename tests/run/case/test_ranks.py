"""Several ranks through PyTorch's own launcher: how a case ends names the rank that ended it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.run_settings import scripted_ranks


@pytest.mark.parametrize(
    ("behaviour", "outcome", "words"),
    [
        ("is_killed", "killed", "rank 1: the worker was ended by SIGKILL"),
        ("exits_with_seven", "error", "rank 1: the worker exited with code 7"),
        ("runs_out_of_memory", "oom", "rank 1: MemoryError"),
        ("hangs", "timeout", "the others wait for rank 1: rank 0 in receive (suite/wire.py"),
        ("has_other_versions", "invalid", "rank 1 has other versions than rank 0"),
    ],
)
def test_a_rank_that_fails_is_named(tmp_path, behaviour, outcome, words):
    """Whatever becomes of one of them ends the case at once, and the record says which it was."""
    record = scripted_ranks(tmp_path, behaviour)

    assert (record.outcome, words in record.reason) == (outcome, True), record.reason
    assert record.group is not None
    assert [rank.rank for rank in record.group.ranks] == [0, 1]


def test_a_killed_session_leaves_no_rank(tmp_path):
    """After kill -9 nobody is left to clean up: launcher and ranks end by themselves."""
    script = (
        "from pathlib import Path\n"
        "from support.run_settings import scripted_ranks\n"
        f"scripted_ranks(Path({str(tmp_path)!r}), 'lingers')\n"
    )
    tests = Path(__file__).parents[2]
    paths = os.pathsep.join([str(tests), str(tests.parent)])
    session = subprocess.Popen(
        [sys.executable, "-c", script], env=os.environ | {"PYTHONPATH": paths}
    )
    files = [tmp_path / "cache" / f"rank-{number}" for number in (0, 1)]
    _until(lambda: all(file.exists() and file.read_text() for file in files), 30)
    ranks = [int(file.read_text()) for file in files]
    session.send_signal(signal.SIGKILL)
    session.wait()

    _until(lambda: not any(map(_runs, ranks)), 10)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except OSError:
        return False
    return state.split()[0] != "Z"


def _until(reached, seconds):
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)
