"""What several test processes share, made by the first that needs it and only read by all."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of this run of the tests, filled by ``make`` in one process.

    The others wait for it. What fails is made again by the next that asks.
    """
    base = factory.getbasetemp()
    # pytest-xdist gives each process a folder in the one of the run.
    shared = base.parent if base.name.startswith("popen-") else base
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one who failed
            make(folder)
            done.touch()
    return folder
