"""The oldest versions of libraries that the suite can work with: ``lowest.toml``.

They are looked at before anything runs, so that no library is blamed for an argument of ours.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from suite.catalog import toml
from suite.errors import BadInput

FILE = Path(__file__).with_name("lowest.toml")


class Lowest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package, the oldest version that will do, and what older ones lack."""

    name: str
    version: str
    why: str


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    packages: tuple[Lowest, ...]


def load() -> tuple[Lowest, ...]:
    """Return them in the order of the file."""
    return toml.read(FILE, _File).packages


def too_old(there: Mapping[str, str]) -> tuple[Lowest, ...]:
    """Return those that ``there`` (version by normalized name) has in an older version."""
    return tuple(each for each in load() if _older(there.get(each.name), each.version))


def refuse(there: Mapping[str, str], whose: str) -> None:
    """Raise BadInput where a package is too old; ``whose`` environment it is, in words."""
    if found := too_old(there):
        needs = (
            f"{each.name} {each.version} or newer ({each.why}), and {whose} has {there[each.name]}"
            for each in found
        )
        raise BadInput(
            f"Tunebench needs {'; '.join(needs)}",
            hint="./tunebench list libraries shows what it needs.",
        )


def _older(version: str | None, lowest: str) -> bool:
    if version is None:
        return False
    try:
        return Version(version) < Version(lowest)
    except InvalidVersion:  # a build of somebody's own
        return False
