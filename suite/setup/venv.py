"""The launcher's own environment, ``.venv``: made, filled from locks, repaired when cut short.

Runs before anything is installed, so it imports the standard library and ``suite.errors`` only.
``python -m suite.setup.venv FOLDER`` is what ``./tunebench`` starts when its fast path fails.

Inside the environment, ``tunebench/LOCK`` is a copy of the lock that is installed, written last:
a missing or different copy means "not done". ``tunebench/lock`` is held (flock) by whoever
installs, pip included, so that a killed parent's pip still keeps others out.
"""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from suite.errors import EXIT_INTERRUPTED, SuiteError, WrongMachine
from suite.paths import ROOT
from suite.setup import pip

REQUIREMENTS = ROOT / "requirements"

_PARTS = {"bin", "etc", "include", "lib", "lib64", "share", "pyvenv.cfg", ".gitignore"}
_HOST_MODULES = {"docker", "jinja2", "msgspec", "pynvml", "pytest", "pytest_benchmark", "rich"}
_WORDS = {
    "host.txt": "the packages of the command line and the report",
    "charts.txt": "what charts are drawn with",
    "train.txt": "the training packages and PyTorch",
    "dev.txt": "the test tools",
}


def say(line: str) -> None:
    """Print one line of progress to stderr."""
    print(f"tunebench: {line}", file=sys.stderr, flush=True)


def make(folder: Path) -> None:
    """Make ``folder`` a working environment with the host packages, or repair it.

    Uses the running Python. Safe beside another process that does the same. Raises WrongMachine.
    """
    if importlib.util.find_spec("ensurepip") is None:
        raise WrongMachine(
            f"{sys.executable} cannot make virtual environments: its ensurepip module is missing",
            hint=f"On Debian and Ubuntu: apt-get install python3.{sys.version_info.minor}-venv.",
        )
    with _writing(folder):
        foreign = folder.is_dir() and not (folder / "tunebench").exists()
        strangers = {entry.name for entry in folder.iterdir()} - _PARTS if foreign else set()
        adopted = foreign and _runs(folder) is not None
        if strangers and not adopted:
            raise WrongMachine(
                f"{folder} has what no virtual environment has: {', '.join(sorted(strangers))}",
                hint="Move it away, or set TUNEBENCH_VENV to another folder.",
            )
        (folder / "tunebench").mkdir(parents=True, exist_ok=True)
        if adopted:
            (folder / "tunebench" / "python").write_text(_runs(folder) or "")
    with _alone(folder) as lock:
        if not _works(folder):
            _create(folder, lock)
        _install(folder, "host.txt", lock)


def install(folder: Path, name: str) -> None:
    """Install ``requirements/name`` into an environment of ours, unless it is there already."""
    if is_current(folder, name):
        return
    with _alone(folder) as lock:
        _install(folder, name, lock)


def is_ours(folder: Path) -> bool:
    """Return whether ``folder`` is an environment that ``./tunebench`` made."""
    return (folder / "tunebench" / "host.txt").is_file()


def is_current(folder: Path, name: str) -> bool:
    """Return whether the lock ``requirements/name`` is installed as it is now."""
    stamp = folder / "tunebench" / name
    return stamp.is_file() and stamp.read_bytes() == _contents(name)


def forget(folder: Path, name: str) -> None:
    """Drop the note that a lock is installed: the next ``make`` or ``install`` checks it again."""
    with _writing(folder):
        (folder / "tunebench" / name).unlink(missing_ok=True)


def report_damage(error: ModuleNotFoundError) -> None:
    """Exit with what to do, if the missing module belongs into the environment of this process.

    Somebody removed it by hand, say: the next start makes the environment anew. Returns when the
    error is another's.
    """
    folder = Path(sys.prefix)
    if error.name in _HOST_MODULES and is_ours(folder):
        for name in ("host.txt", "python"):
            forget(folder, name)
        say(f"error: {folder} is damaged: {error}")
        say("Run the command again: it makes that folder anew.")
        sys.exit(WrongMachine.exit_code)


def _contents(name: str) -> bytes:
    content = (REQUIREMENTS / name).read_bytes()
    if name == "train.txt":
        content += (REQUIREMENTS / "torch.txt").read_bytes()
    return content


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongMachine(
            f"cannot write to {folder}: {error.strerror}",
            hint="Set TUNEBENCH_VENV to a folder that can be written, or make room there.",
        ) from error


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Hold the environment's lock; yields its descriptor, for pip to inherit."""
    with _writing(folder):
        file = (folder / "tunebench" / "lock").open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is setting up {folder}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            say(f"{folder}: no locks on this file system ({error.strerror}); run one at a time")
        yield file.fileno()


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _works(folder: Path) -> bool:
    """Return whether the environment was made whole and still runs its version of Python.

    Another version that works is kept, unless TUNEBENCH_PYTHON asks for this one.
    """
    made = folder / "tunebench" / "python"
    if not made.is_file() or made.read_text() != _runs(folder):
        return False
    return not os.environ.get("TUNEBENCH_PYTHON") or made.read_text() == _version()


def _runs(folder: Path) -> str | None:
    """Return the version of the environment's Python, or None unless it runs and has pip."""
    code = "import sys, pip; print('%d.%d' % sys.version_info[:2], end='')"
    command = [str(folder / "bin" / "python"), "-I", "-c", code]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _create(folder: Path, lock: int) -> None:
    say(f"making {folder} with Python {_version()} (once)")
    with _writing(folder):
        for entry in folder.iterdir():
            if entry.name == "tunebench":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        for stamp in (folder / "tunebench").iterdir():
            if stamp.name != "lock":
                stamp.unlink()
    # The resolved interpreter, so that a later /usr/bin/python3 of another version is noticed.
    python = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    done = subprocess.run(
        [python, "-I", "-m", "venv", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=(lock,),
    )
    if done.returncode:
        raise pip.explain(done.stdout, f"{python} -m venv", folder)
    with _writing(folder):
        (folder / "tunebench" / "python").write_text(_version())


def _install(folder: Path, name: str, lock: int) -> None:
    """Install one lock; the caller holds the environment's lock."""
    if is_current(folder, name):
        return
    stamp, marker = folder / "tunebench" / name, folder / "tunebench" / "installing"
    with _writing(folder):
        if marker.exists():
            say("the last installation was cut short; repairing it")
            for half in halves(folder):
                shutil.rmtree(half)
        stamp.unlink(missing_ok=True)
        marker.touch()
    say(f"installing {_WORDS[name]} (requirements/{name}, once)")
    locked = ["--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    pip.install(folder, [*locked, "--requirement", str(REQUIREMENTS / name)], lock)
    if name == "train.txt":
        _install_torch(folder, lock)
    compile_packages(folder, lock)
    with _writing(folder):
        temporary = stamp.with_suffix(".new")
        temporary.write_bytes(_contents(name))
        temporary.replace(stamp)
        marker.unlink()


def _install_torch(folder: Path, lock: int) -> None:
    index = os.environ.get("TUNEBENCH_TORCH_INDEX", "")
    fresh = not any(folder.glob("lib/python*/site-packages/torch-*.dist-info"))
    no_driver = sys.platform == "linux" and not Path("/proc/driver/nvidia").exists()
    if fresh and no_driver and not index:
        say("no NVIDIA driver here, yet pip may pick PyTorch's CUDA build, which is gigabytes;")
        say("TUNEBENCH_TORCH_INDEX can name the index of its CPU builds instead: see")
        say("docs/environment-variables.md")
    source = ["--no-compile", *(["--index-url", index] if index else [])]
    pip.install(folder, [*source, "--requirement", str(REQUIREMENTS / "torch.txt")], lock)


def compile_packages(folder: Path, lock: int) -> None:
    """Write the bytecode of what is new, on every core, where pip would use one.

    Not that of the tests that packages carry, a fifth of it, which nobody imports. Some files are
    for other Pythons and do not compile: an import would say so.
    """
    command = [str(folder / "bin" / "python"), "-I", "-m", "compileall", "-qq", "-j", "0"]
    command += ["-x", "site-packages/(.*/)?tests?/", str(folder / "lib")]
    subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        pass_fds=(lock,),
    )


def halves(folder: Path) -> list[Path]:
    """Return what a killed pip leaves: metadata without its file list, and moved-aside folders.

    pip takes a package with such metadata for installed; without it, it installs it again.
    """
    return [
        entry
        for entry in folder.glob("lib/python*/site-packages/*")
        if entry.name.startswith("~") or (entry.suffix == ".dist-info" and not _has_record(entry))
    ]


def _has_record(metadata: Path) -> bool:
    record = metadata / "RECORD"
    return record.is_file() and record.stat().st_size > 0


def run(action: Callable[[], None]) -> NoReturn:
    """Do one thing as a program: an error is a line or two on stderr and an exit code."""
    try:
        action()
    except SuiteError as error:
        say(f"error: {error.message}")
        if error.hint:
            say(error.hint)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("interrupted; running again goes on where this stopped")
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)


if __name__ == "__main__":
    run(lambda: make(Path(sys.argv[1])))
