"""What surrounds a run and must not change or outlive it: variables, no home folder, the probe."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from suite.errors import WrongMachine
from suite.paths import ROOT
from suite.results.storage.run_folder import create, read
from suite.run import folders, home, variables
from suite.run.pytest_front import drive
from support import records
from support.run_settings import Silent, scripted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTEST_ADDOPTS", "--collect-only"),
        ("PYTEST_ADDOPTS", "-k nothing"),
        ("PYTEST_ADDOPTS", "-p no:benchmark"),
        ("PYTEST_ADDOPTS", "--no-such-option"),
        ("PYTEST_PLUGINS", "no_such_plugin"),
        ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1"),
    ],
)
def test_variables_of_pytest_do_not_reach_a_run(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are meant for somebody's own tests; afterwards they are as before."""
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(name, value)
    before = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    with create(tmp_path / "run", records.plan(methods=("lora",))) as run:
        drive.run_launch(run, 1, Silent(), command=scripted("by_method"), probing=False)
    assert [record.outcome for record in read([tmp_path / "run"]).records] == ["ok"]
    after = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    assert after == before


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without HOME and without an entry in /etc/passwd."""
    for name in ("HOME", "XDG_CACHE_HOME", "TUNEBENCH_CACHE", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", _unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path / f"tunebench-{os.getuid()}"


def _unknown(uid: int) -> None:
    raise KeyError(f"getpwuid(): uid not found: {uid}")


def test_a_user_without_a_home_has_a_cache_of_their_own(homeless: Path) -> None:
    """Nobody else can read or write it, and a worker's libraries find a home in it."""
    assert folders.cache_folder() == homeless / ".cache" / "tunebench"
    assert homeless.stat().st_mode & 0o777 == 0o700
    told = variables.with_home({"A": "b"}, folders.cache_folder())
    assert told["HOME"] == str(folders.cache_folder())
    assert told["A"] == "b"
    assert told["LOGNAME"]


@pytest.mark.parametrize("trap", ["open to all", "a link", "a file"])
def test_a_folder_that_others_can_write_is_no_home(trap: str, homeless: Path) -> None:
    """Anybody may make that name first in the folder for temporary files."""
    if trap == "open to all":
        homeless.mkdir()
        homeless.chmod(0o777)
    elif trap == "a link":
        (homeless.parent / "elsewhere").mkdir(mode=0o700)
        homeless.symlink_to(homeless.parent / "elsewhere")
    else:
        homeless.touch()
    with pytest.raises(WrongMachine, match="not a folder of this user alone"):
        home.folder()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
@pytest.mark.parametrize("after_seconds", [0.0, 0.5, 2.5])
def test_kill_9_of_the_parent_takes_the_probe_along(after_seconds: float) -> None:
    """Whether it still imports torch or measures, it keeps no GPU for nobody."""
    code = "from suite.run.machine.ceilings import probe; print(1, flush=True); probe('cpu')"
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    limit = time.monotonic() + 20
    while not (found := _children(parent.pid)):
        assert time.monotonic() < limit, "no probe was started"
        time.sleep(0.01)
    time.sleep(after_seconds)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    while any(_runs(pid) for pid in found):
        assert time.monotonic() < limit, "the probe outlived its parent"
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
