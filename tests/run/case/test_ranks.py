"""Several ranks through PyTorch's own launcher: how a case ends names the rank that ended it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.run.case.outcome import Ended
from suite.run.case.ranks import Ranks, first_cause
from suite.wire import Failure, OfRank, RankLeft, Ready, Step, StepDone, Versions
from suite.wire.ranks import RankReady
from support import records
from support.run_settings import scripted_ranks


@pytest.mark.parametrize(
    ("behaviour", "outcome", "words"),
    [
        ("is_killed", "killed", "rank 1: the worker was ended by SIGKILL"),
        ("exits_with_seven", "error", "rank 1: the worker exited with code 7"),
        ("runs_out_of_memory", "oom", "rank 1: MemoryError"),
        ("hangs", "timeout", "the others wait for rank 1: rank 0 in receive (wire/"),
    ],
)
def test_a_rank_that_fails_is_named(tmp_path, behaviour, outcome, words):
    """Whatever becomes of one of them ends the case at once, and the record says which it was."""
    record = scripted_ranks(tmp_path, behaviour)

    assert (record.outcome, words in record.reason) == (outcome, True), record.reason
    assert record.group is not None
    assert [rank.rank for rank in record.group.ranks] == [0, 1]


def test_ranks_with_other_versions_or_data_are_refused():
    """Their steps would be averaged all the same, and the result would be of neither."""
    for changed in ({"packages": {"torch": "2.11.0"}}, {"data": "other"}):
        ranks = Ranks(2)
        assert ranks.take(OfRank(rank=0, frame=_ready(0))) is None
        with pytest.raises(Ended, match="rank 1 has other") as refused:
            ranks.take(OfRank(rank=1, frame=_ready(1, **changed)))
        assert refused.value.outcome == "invalid"


def test_a_step_is_told_once_all_ranks_have_taken_it():
    """Its tokens are those of all, its loss their mean, its clock the first rank's."""
    ranks = Ranks(2)

    assert ranks.take(OfRank(rank=1, frame=_step(1.5, 30, 6.5))) is None
    together = ranks.take(OfRank(rank=0, frame=_step(1.0, 20, 6.0))).step

    assert (together.seconds, together.tokens_real, together.row_tokens) == (1.0, 50, (20, 30))
    assert together.loss == 6.25


def test_what_follows_from_another_ranks_end_is_not_the_cause():
    """A rank whose neighbour is gone says that its connection is."""
    lost = Failure(kind="error", phase="steady", message="Connection closed by peer", rank=0)
    own = Failure(kind="error", phase="steady", message="ValueError: of its own", rank=1)
    full = Failure(kind="oom", phase="steady", message="CUDA out of memory", rank=1)
    left = RankLeft(rank=1, exit_code=-9)

    assert first_cause([lost, own]) is own
    assert first_cause([lost, left]) is left
    assert first_cause([left, full]) is full


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


def _ready(rank, packages=None, data="one"):
    told = RankReady(
        rank=rank,
        device="cpu",
        trainable_parameters=1,
        weights_bytes=1,
        whole_bytes=1,
        first_rows=(),
        data=data,
    )
    return Ready(
        effective=records.effective(),
        versions=Versions(python="3.11", packages=packages or {"torch": "2.13.0"}),
        weights="dummy",
        rank=told,
    )


def _step(seconds, tokens, loss):
    step = Step(
        index=0,
        role="first",
        seconds=seconds,
        tokens_padded=tokens,
        tokens_real=tokens,
        tokens_loss=tokens - 1,
        loss=loss,
        row_tokens=(tokens,),
    )
    return StepDone(step=step, began=0.0, ended=seconds)


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
