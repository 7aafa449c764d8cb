"""What a package index has for an environment, asked through pip: versions, and what they need.

The environment may be this Python's own, or one that only exists in an image: then pip is told its
Python and system, and what it holds.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from suite.errors import BadInput, SuiteError, WrongMachine
from suite.paths import ROOT
from suite.run.folders import cache_folder
from suite.setup import pip

EXCLUDED = ROOT / "requirements" / "excluded.txt"


class NotInstallable(SuiteError):
    """These versions cannot be had, and not for want of a network or a disk: an answer."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The environment that packages are for; by default this Python's own.

    ``packages`` are what it holds: version by normalized name. ``python`` is an interpreter whose
    installed packages are the same to pip, ``platform`` are pip's options to install for another
    Python and system, ``markers`` what requirements' markers are to see of those.
    """

    packages: Mapping[str, str]
    python: str = sys.executable
    platform: tuple[str, ...] = ()
    markers: Mapping[str, str] = {}


def here() -> Target:
    """Return this Python's environment."""
    found: dict[str, str] = {}
    for each in importlib.metadata.distributions():
        found.setdefault(canonicalize_name(each.name), each.version)
    return Target(packages=found)


def resolve(given: Sequence[str], target: Target) -> dict[str, str]:
    """Return the versions that differ from the target's, of locks and requirements.

    A lock is a file with lines ``name==version``. Requirements are resolved by pip, with what they
    need; that takes the target's version of Python. Raises BadInput for what is neither,
    NotInstallable where pip finds no such version.
    """
    locks = [text for text in given if Path(text).is_file()]
    requirements = [_requirement(text) for text in given if text not in locks]
    found: dict[str, str] = {}
    for lock in locks:
        found |= _locked(Path(lock), target)
    if requirements:
        found |= _resolved(requirements, target)
    # What is left out of this environment on purpose comes in only by its name.
    named = {canonicalize_name(each.name) for each in requirements}
    unwanted = {canonicalize_name(each.name) for each in _lines(EXCLUDED, target)} - named
    return {
        name: version
        for name, version in sorted(found.items())
        if target.packages.get(name) != version and name not in unwanted
    }


def install(packages: Mapping[str, str], target: Target, folder: Path) -> None:
    """Install these versions, and nothing that they need, into a folder; raises as ``resolve``."""
    options = ["--no-deps", "--only-binary=:all:", "--no-compile", f"--target={folder}"]
    _pip(["install", *options, *target.platform, *pins(packages)])


def versions(name: str, low: str, high: str, target: Target) -> list[str]:
    """Return the versions of a package that the index has after ``low`` up to ``high``, in order.

    Raises WrongMachine where the index does not say.
    """
    said = _pip(["index", "versions", *target.platform, name])
    listed = next((line for line in said.splitlines() if line.startswith("Available ver")), "")
    newest_first = [text.strip() for text in listed.partition(":")[2].split(",")]
    if low not in newest_first or high not in newest_first:
        raise WrongMachine(
            f"{name}: the package index lists no way from {low} to {high}",
            hint="Name the versions to try with another --candidate.",
        )
    begin, end = newest_first.index(high), newest_first.index(low)
    return list(reversed(newest_first[begin:end]))


def pins(packages: Mapping[str, str]) -> list[str]:
    """Return the versions as requirements, in order of the names."""
    return [f"{name}=={version}" for name, version in sorted(packages.items())]


def _requirement(text: str) -> Requirement:
    if text.endswith((".txt", ".lock")):  # a name to pip, and a mistyped file to anybody else
        raise BadInput(f"{text}: no such file")
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise BadInput(
            f"{text!r} is neither a file nor a requirement such as peft==0.21.2"
        ) from error
    if found.url is not None:
        raise BadInput(
            f"{text!r}: an address, which no version stands for",
            hint="Build a wheel with a version of its own; PIP_FIND_LINKS names its folder.",
        )
    return found


def _lines(path: Path, target: Target) -> Iterator[Requirement]:
    """Yield the requirements of a file that hold for the target's Python and system."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.split("#")[0].strip().removesuffix("\\").strip()
        if not text or text.startswith("-"):
            continue
        try:
            found = Requirement(text)
        except InvalidRequirement as error:
            raise BadInput(f"{path}: {text[:80]!r} is no requirement") from error
        if found.marker is None or found.marker.evaluate(dict(target.markers)):
            yield found


def _locked(path: Path, target: Target) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _lines(path, target):
        named = [one.version for one in each.specifier if one.operator == "=="]
        if len(named) != 1:
            raise BadInput(f"{path}: {each} names no single version", hint="Give a lock.")
        found[canonicalize_name(each.name)] = named[0]
    return found


def _resolved(requirements: Sequence[Requirement], target: Target) -> dict[str, str]:
    ours = "{}.{}".format(*sys.version_info[:2])
    if (theirs := target.markers.get("python_version", ours)) != ours:
        # pip resolves for another Python only while it installs, and then sees nothing as there.
        raise BadInput(
            f"{', '.join(map(str, requirements))}: what this needs on Python {theirs}, that of the"
            f" image, cannot be found out with Python {ours}",
            hint="Give a lock: a file with lines name==version. Or use that Python here.",
        )
    options = ["--dry-run", "--quiet", "--report=-"]
    said = _pip(["install", *options, *map(str, requirements)], python=target.python)
    report = json.loads(said[said.index("{") :])
    return {
        canonicalize_name(each["metadata"]["name"]): each["metadata"]["version"]
        for each in report["install"]
    }


def _pip(arguments: Sequence[str], *, python: str = sys.executable) -> str:
    """Return what pip printed on standard output."""
    command = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    if python != sys.executable:
        command.append(f"--python={python}")
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return done.stdout
    output = done.stdout + done.stderr
    error = pip.explain(output, f"pip {arguments[0]}", cache_folder().parent)
    unreachable = "cannot reach" in error.message or "network" in error.message
    if unreachable or "disk" in error.message or "writable" in error.hint:
        raise error
    lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    said = (lines or [error.message])[0].removeprefix("ERROR: ")
    raise NotInstallable(re.sub(r"from versions: .*, ", "the newest is ", said))
