"""Where a run keeps what its engines compile: kernels and generated code, one folder a case.

Owned by the run, so that a second launch finds what the first one compiled and no other run does;
by case, so that the first step of a case does not depend on which cases ran before it. Engines
run what they find there, so only what this user's own launches left is used: ``.CASE.made`` seals
a folder by a key that never leaves the cache folder, and a run from elsewhere compiles anew.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from suite.errors import WrongMachine
from suite.results.record import CompileCache
from suite.results.storage.folder import Folder, open_folder
from suite.results.storage.run_folder import COMPILED as FOLDER

KEY = "compiled.key"  #: in the cache folder
_KEY_BYTES = 32


def prepare(run: Path, case_id: str, cache: Path, *, ran: bool) -> tuple[Path, CompileCache]:
    """Return the case's folder, made where it is missing, and whether it is cold or warm.

    Warm where a good launch of the case (``ran``) left something there. Whatever else is found,
    say of a launch that was killed while compiling, or of another machine, is removed: half a
    cache is neither. ``cache`` is the folder that all runs of a user share. Raises WrongMachine
    when the folder cannot be made, BadInput where a link is in its place.
    """
    path = run / FOLDER / case_id
    sealed = f".{case_id}.made"
    try:
        key = _key(cache)
        with open_folder(run, make=True) as top, top.folder(FOLDER) as folder:
            if ran and _is_ours(folder, case_id, sealed, key) and files(path):
                return path, "warm"
            folder.remove(case_id)
            with folder.make(case_id) as made:
                folder.write(sealed, _seal(made, key))
    except OSError as error:
        raise WrongMachine(
            f"{path}: cannot be made: {error.strerror}", hint="Free space and --resume."
        ) from error
    return path, "cold"


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
    with suppress(OSError), open_folder(run) as folder:
        folder.remove(FOLDER)


def _is_ours(folder: Folder, case_id: str, sealed: str, key: bytes) -> bool:
    if folder.kind(case_id) is None or folder.kind(sealed) is None:
        return False
    with folder.folder(case_id, make=False) as found:
        return hmac.compare_digest(folder.read(sealed), _seal(found, key))


def _seal(folder: Folder, key: bytes) -> bytes:
    """Return what only this user can say of this very folder: a copy is another one."""
    itself = folder.itself()
    said = f"{itself.st_dev} {itself.st_ino}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest().encode()


def _key(cache: Path) -> bytes:
    with open_folder(cache.resolve(), make=True) as folder:
        if folder.kind(KEY) is None:
            with suppress(FileExistsError):  # another process was faster
                folder.create(KEY, secrets.token_bytes(_KEY_BYTES), private=True)
        key = folder.read(KEY)
        if len(key) != _KEY_BYTES:  # cut off by a kill, or still being written
            folder.write(KEY, key := secrets.token_bytes(_KEY_BYTES))
        return key
