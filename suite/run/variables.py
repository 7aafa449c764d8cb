"""Environment variables of whoever starts a run that would change it, without their wanting so."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from suite.run import home

PYTEST = "PYTEST_"


@contextmanager
def without_pytest() -> Iterator[None]:
    """Hide every variable of pytest's: options and plugins meant for other tests than a run's."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(PYTEST)}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(PYTEST)]:
            del os.environ[name]
        os.environ.update(hidden)


def with_home(environment: Mapping[str, str], cache: Path) -> dict[str, str]:
    """Return the variables of a worker whose libraries ask for a home folder and a user's name.

    Where this user has neither HOME nor an entry in /etc/passwd, HOME is within the cache.
    """
    if home.own():
        return dict(environment)
    return {"LOGNAME": "tunebench", **environment, "HOME": str(cache)}
