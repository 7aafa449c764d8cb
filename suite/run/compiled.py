"""Where a run keeps what its engines compile: kernels and generated code, one folder a case.

Owned by the run, so that a second launch finds what the first one compiled and no other run does;
by case, so that the first step of a case does not depend on which cases ran before it.
"""

import os
import shutil
from pathlib import Path

from suite.errors import WrongMachine
from suite.results.record import CompileCache

FOLDER = "compiled"  #: in the run's folder


def prepare(run: Path, case_id: str, *, ran: bool) -> tuple[Path, CompileCache]:
    """Return the case's folder, made where it is missing, and whether it is cold or warm.

    Warm where a good launch of the case (``ran``) left something there. Whatever else is found,
    say of a launch that was killed while compiling, is removed: half a cache is neither. Raises
    WrongMachine when the folder cannot be made.
    """
    folder = run / FOLDER / case_id
    try:
        if ran and files(folder):
            return folder, "warm"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        raise WrongMachine(
            f"{folder}: cannot be made: {error.strerror}", hint="Free space and --resume."
        ) from error
    return folder, "cold"


def files(folder: Path) -> frozenset[str]:
    """Return the files of a case's folder; what cannot be looked into counts as empty.

    A kernel's name is made of what went into it, so one that was not there yet is a new file; what
    is written anew under its old name, as locks and tuning results are, does not show.
    """
    return frozenset(
        os.path.join(parent, name)  # noqa: PTH118 - thousands of them
        for parent, _, names in os.walk(folder)
        for name in names
    )


def remove(run: Path) -> None:
    """Remove all of a run's; nobody reads them once it has every record."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)
