"""Folders that runs share, and names that are still free."""

import os
from pathlib import Path

from suite.run import home


def cache_folder() -> Path:
    """Return where checkpoints and compiled kernels are kept between runs."""
    if chosen := os.environ.get("TUNEBENCH_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or home.folder() / ".cache"
    return Path(base).absolute() / "tunebench"


def unused(path: Path) -> Path:
    """Return the path, or where it is taken ``launch-1-resumed-1.json`` and so on."""
    found, number = path, 0
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-resumed-{number}{path.suffix}")
    return found
