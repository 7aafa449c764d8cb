"""The libraries that training takes: are they there, and new enough for the suite?"""

import platform
from importlib import metadata

from suite.catalog import lowest
from suite.results.record import Finding
from suite.setup.packages import ensure_training


def training_packages() -> None:
    """Return once what a worker imports is there, and no older than the suite can work with.

    Raises WrongMachine for what is missing, BadInput for what is too old.
    """
    ensure_training()
    lowest.refuse(_there(), "this Python")


def finding() -> Finding:
    """Return what there is to say of them; they are installed before the first case."""
    there = _there()
    if old := lowest.too_old(there):
        words = (f"{e.name} {there[e.name]}, {e.version} or newer is needed" for e in old)
        return Finding(name="libraries", status="block", detail=f"too old: {'; '.join(words)}")
    if len(there) == 1:
        return Finding(name="libraries", status="unknown", detail="not installed yet")
    return Finding(name="libraries", status="ok", detail="new enough: ./tunebench list libraries")


def _there() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for each in lowest.load():
        try:
            found.setdefault(each.name, metadata.version(each.name))
        except metadata.PackageNotFoundError:
            continue
    return found
