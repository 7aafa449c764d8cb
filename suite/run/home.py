"""This user's folders, also where there is no HOME and no entry of the user in /etc/passwd.

That is so in a container that was started with a user id alone.
"""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from suite.errors import WrongMachine


def own() -> list[Path]:
    """Return the home folder, or nothing where this user has none."""
    try:
        found = Path.home()
    except RuntimeError:
        return []
    return [found] if found.is_absolute() else []


def folder() -> Path:
    """Return the home folder, or one made for this user where there is none.

    That one lies in the folder for temporary files, where others can write too: it is this
    user's alone, or WrongMachine is raised.
    """
    if found := own():
        return found[0]
    made = Path(tempfile.gettempdir()) / f"tunebench-{os.getuid()}"
    with suppress(FileExistsError):
        made.mkdir(mode=0o700)
    seen = made.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise WrongMachine(
            f"{made}: not a folder of this user alone, and this user has no home folder",
            hint="Set HOME or TUNEBENCH_CACHE to a folder of your own.",
        )
    return made
