"""The launcher and the environment that it makes, run as a user runs them; no network needed."""

import os
import shutil
import subprocess
import sys
import time
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from suite.errors import WrongMachine
from suite.paths import ROOT
from suite.setup import packages, pip, venv

LAUNCHER = ROOT / "tunebench"

#: No index and no folder of wheels: what pip meets on a machine without a network.
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}


def launch(
    *arguments: str, cwd: Path = ROOT, launcher: Path = LAUNCHER, **changes: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TUNEBENCH_PYTHON": "", **changes}
    return subprocess.run(
        [launcher, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """An environment as the launcher leaves it, made of this Python and its packages."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "tunebench").mkdir()
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    (folder / "tunebench" / "host.txt").write_bytes((venv.REQUIREMENTS / "host.txt").read_bytes())
    return folder


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real environment with pip and nothing else, as if killed before the first package."""
    folder = tmp_path_factory.mktemp("made") / "venv"
    done = launch("--version", TUNEBENCH_VENV=str(folder), **OFFLINE)
    assert done.returncode == 3
    return folder


@pytest.fixture
def made(made_once: Path, tmp_path: Path) -> Path:
    """Such an environment that a test may spoil: a copy works as well, and is there at once."""
    return shutil.copytree(made_once, tmp_path / "venv", symlinks=True)


def test_the_fast_path_starts_the_suite_from_anywhere(tmp_path: Path, ready: Path) -> None:
    """Through a relative symlink in another folder, whose own modules must not get in."""
    (tmp_path / "suite.py").write_text("raise SystemExit('the wrong suite')")
    (tmp_path / "link").symlink_to(os.path.relpath(LAUNCHER, tmp_path))
    done = launch("--version", cwd=tmp_path, launcher=tmp_path / "link", TUNEBENCH_VENV="venv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tunebench ")


@pytest.mark.parametrize("variable", ["PYTHONINSPECT", "PYTHONOPTIMIZE", "PYTHONIOENCODING"])
def test_variables_that_change_python_itself_stay_out(variable: str, ready: Path) -> None:
    """They would change the exit code, break libraries that need docstrings, or slow a run."""
    (ready / "bin" / "python").write_text("#!/bin/sh\nenv\n")
    done = launch("list", TUNEBENCH_VENV=str(ready), **{variable: "2"})
    assert done.returncode == 0
    assert "\nPYTHONSAFEPATH=1\n" in done.stdout
    assert f"\n{variable}=" not in f"\n{done.stdout}"


def test_no_python_is_said(tmp_path: Path) -> None:
    """A machine without Python 3.11 gets what was tried and what to do, and exit code 3."""
    old = tmp_path / "python3.10"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = launch("list", TUNEBENCH_VENV=str(tmp_path / "venv"), TUNEBENCH_PYTHON=str(old))
    assert done.returncode == 3
    assert f"no Python 3.11 or newer found (tried: {old})" in done.stderr
    assert "TUNEBENCH_PYTHON" in done.stderr


def test_no_network_is_said_and_running_again_goes_on(made: Path) -> None:
    """The environment stays; the second run says that it repairs, and does not make it anew."""
    done = launch("--version", TUNEBENCH_VENV=str(made), **OFFLINE)
    assert done.returncode == 3
    assert "repairing it" in done.stderr
    assert "making" not in done.stderr
    assert "cannot reach the package index" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_half_made_environment_is_made_anew(made: Path) -> None:
    """A Python that no longer runs, as after an upgrade of the system's."""
    (made / "bin" / "python").unlink()
    (made / "bin" / "python").symlink_to("/nonexistent/python3")
    done = launch("--version", TUNEBENCH_VENV=str(made), **OFFLINE)
    assert f"making {made}" in done.stderr
    assert subprocess.run([made / "bin" / "python", "-c", ""]).returncode == 0


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    """TUNEBENCH_VENV=$HOME must not cost anybody their home."""
    precious = tmp_path / "thesis.tex"
    precious.write_text("years")
    done = launch("list", TUNEBENCH_VENV=str(tmp_path))
    assert done.returncode == 3
    assert "thesis.tex" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_where_nothing_can_be_written_is_said() -> None:
    """A read-only checkout: one line that names the folder, and the way out."""
    done = launch("list", TUNEBENCH_VENV="/proc/tunebench")
    assert done.returncode == 3
    assert "cannot write to /proc/tunebench" in done.stderr
    assert "TUNEBENCH_VENV" in done.stderr


def test_two_at_once_wait_for_each_other(made: Path) -> None:
    """The second does nothing while another process, here this one, holds the lock."""
    import fcntl

    environment = {**os.environ, "TUNEBENCH_VENV": str(made), "TUNEBENCH_PYTHON": "", **OFFLINE}
    with (made / "tunebench" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen([LAUNCHER, "list"], env=environment, stderr=subprocess.PIPE) as one:
            assert one.stderr is not None
            assert b"waiting for it" in one.stderr.readline()
            time.sleep(0.2)
            assert one.poll() is None
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert b"cannot reach" in one.stderr.read()


def test_packages_have_bytecode_and_their_tests_have_none(ready: Path) -> None:
    """A worker that compiles measures that as import; a file for other Pythons stops nothing."""
    package = ready / "lib" / "python3.11" / "site-packages" / "package"
    (package / "tests").mkdir(parents=True)
    files = [package / name for name in ("good.py", "other.py", "tests/test_good.py")]
    for path, code in zip(files, ("", "print 1", ""), strict=True):
        path.write_text(code)
    with (ready / "tunebench" / "lock").open("w") as lock:
        venv.compile_packages(ready, lock.fileno())
    assert [Path(cache_from_source(path)).exists() for path in files] == [True, False, False]


def test_what_a_killed_pip_leaves_is_found(tmp_path: Path) -> None:
    """Metadata without its list of files makes pip believe that a package is whole."""
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name, record in (("whole-1.dist-info", "x"), ("half-1.dist-info", None), ("~old", None)):
        (site / name).mkdir(parents=True)
        if record is not None:
            (site / name / "RECORD").write_text(record)
    assert sorted(path.name for path in venv.halves(tmp_path)) == ["half-1.dist-info", "~old"]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("ERROR: Could not find a version that satisfies the requirement rich==15.0.0 "
         "(from versions: none)", "cannot reach the package index (looking for rich==15.0.0)"),
        ("ERROR: Could not find a version that satisfies the requirement torch==2.13.0 "
         "(from versions: 2.12.0, 2.12.1)", "no build of torch==2.13.0 for this Python"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
         "    rich==15.0.0 from file:///r.whl", "not the one that the lock names: rich==15.0.0"),
        ("ERROR: Exception:\nReadTimeoutError: HTTPSConnectionPool: Read timed out.\n"
         "ReadTimeout", "the network failed"),
        ("ERROR: Something new", "pip install failed: ERROR: Something new"),
        ("", "pip install failed: no output"),
    ],
)  # fmt: skip
def test_pip_failures_in_one_line(tmp_path: Path, output: str, said: str) -> None:
    """Each cause by its own words; what is not known shows pip's last error."""
    assert said in pip.explain(output, "pip install", tmp_path).message


def test_another_python_is_never_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Outside the launcher's environment missing packages are named with the command, only."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(packages, "TRAINING", ["json", "no_such_module"])
    with pytest.raises(WrongMachine, match=r"lacks no_such_module\n") as caught:
        packages.ensure_training()
    assert "requirements/train.txt" in caught.value.hint
    assert "requirements/torch.txt" in caught.value.hint


def test_charts_are_installed_apart_and_offline_is_said(made: Path) -> None:
    """A report's own packages come when it is asked for; without a network that is said."""
    (made / "tunebench" / "host.txt").write_bytes((venv.REQUIREMENTS / "host.txt").read_bytes())
    done = subprocess.run(
        [made / "bin" / "python", "-m", "suite.setup.packages", "charts"],
        cwd=ROOT,
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert "installing what charts are drawn with" in done.stderr
    assert "cannot reach the package index (looking for altair==" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_light_part_and_the_images_go_without_charts() -> None:
    """What measures does not carry what draws: 100 MB less to install and to pull."""
    locks = [venv.REQUIREMENTS / "host.txt", *ROOT.glob("docker/*/lock.txt")]
    assert len(locks) == 3
    for lock in locks:
        text = lock.read_text()
        assert [each for each in ("altair==", "vl-convert-python==") if each in text] == []


def test_a_package_removed_by_hand_is_said_once(made: Path) -> None:
    """No traceback, and the next start makes the environment anew."""
    (made / "tunebench" / "host.txt").write_bytes((venv.REQUIREMENTS / "host.txt").read_bytes())
    done = launch("list", TUNEBENCH_VENV=str(made), **OFFLINE)
    assert done.returncode == 3
    assert "is damaged: No module named" in done.stderr
    assert "Traceback" not in done.stderr
    assert f"making {made}" in launch("list", TUNEBENCH_VENV=str(made), **OFFLINE).stderr


def test_a_python_without_ensurepip_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Debian's python3 without python3-venv: the package's name, and nothing left behind."""
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(WrongMachine) as caught:
        venv.make(tmp_path / "venv")
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in caught.value.hint
    assert not (tmp_path / "venv").exists()
