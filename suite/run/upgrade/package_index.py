"""What a package index has for an environment, asked through pip: versions, and what they need.

The environment may be this Python's own, or one that only exists in an image: then pip is told its
Python and system, and what it holds.
"""

import importlib.metadata
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from suite.errors import BadInput, SuiteError, WrongMachine
from suite.run.folders import cache_folder
from suite.run.upgrade import left_out
from suite.run.upgrade.companions import TOGETHER
from suite.run.upgrade.left_out import LeftOut
from suite.setup import pip


class NotInstallable(SuiteError):
    """These versions cannot be had, and not for want of a network or a disk: an answer."""


class _NoVersion(NotInstallable):
    """The index has none of it at all."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The environment that packages are for; by default this Python's own.

    ``packages`` are what it holds: version by normalized name, ``needs`` their requirements.
    ``python`` is an interpreter whose installed packages are the same to pip, ``platform`` are
    pip's options to install for another Python and system, ``markers`` what requirements' markers
    are to see of those.
    """

    packages: Mapping[str, str]
    needs: left_out.Needs = {}
    python: str = sys.executable
    platform: tuple[str, ...] = ()
    markers: Mapping[str, str] = {}

    @property
    def version(self) -> str:
        """Return the version of its Python."""
        return self.markers.get("python_full_version", platform.python_version())


def here() -> Target:
    """Return this Python's environment."""
    found: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    for each in importlib.metadata.distributions():
        name = canonicalize_name(each.name)
        if name not in found:
            found[name], needs[name] = each.version, each.requires or []
    return Target(packages=found, needs=needs)


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from a target: version by normalized name; and what of it is not taken."""

    packages: dict[str, str]
    left_out: tuple[LeftOut, ...] = ()


def resolve(given: Sequence[str], target: Target) -> Resolved:
    """Return the versions that differ from the target's, of locks and requirements.

    A lock is a file with lines ``name==version``. Requirements are resolved by pip, with what they
    need; that takes the target's version of Python. Raises BadInput for what is neither and for
    another PyTorch, NotInstallable where pip finds no such version.
    """
    locks = [text for text in given if Path(text).is_file()]
    requirements = [_requirement(text) for text in given if text not in locks]
    # What is left out of this environment on purpose comes in only by its name.
    named = {canonicalize_name(each.name) for each in requirements}
    locked: dict[str, str] = {}
    for lock in locks:
        locked |= _locked(Path(lock), target)
    found = {name: v for name, v in locked.items() if target.packages.get(name) != v}
    left_out.refuse_another_torch(found | _unmet(requirements, target), target.packages)
    left = left_out.of_lock(found, named)
    requirements += _companions(requirements, {*locked, *named}, found, target)
    if requirements:
        resolved, needs = _resolved(requirements, target)
        away = left_out.of_resolved(resolved, needs, requirements, target.markers)
        taken = resolved.keys() - {each.name for each in away}
        left_out.refuse_unmet_torch(taken, needs, target.packages, target.markers)
        found, left = found | resolved, left + away
    unwanted = {each.name for each in left}
    packages = {
        name: version
        for name, version in sorted(found.items())
        if target.packages.get(name) != version and name not in unwanted
    }
    return Resolved(packages=packages, left_out=tuple(left))


def _unmet(requirements: Sequence[Requirement], target: Target) -> dict[str, str]:
    """Return what is there and does not meet a requirement, with the versions that would."""
    return {
        name: str(each.specifier).removeprefix("==")
        for each in requirements
        if (there := target.packages.get(name := canonicalize_name(each.name))) is not None
        and not left_out.met(each.specifier, there)
    }


def _companions(
    requirements: Sequence[Requirement],
    named: set[str],
    locked: Mapping[str, str],
    target: Target,
) -> list[Requirement]:
    """Return what moves together with the requirements; raises BadInput where it is not said.

    pip leaves a newer companion where it is, and nobody runs an old package with a new one.
    """
    found = []
    for first, second in TOGETHER:
        if second not in target.packages or {first, second} <= named:
            continue
        if second in named or first in locked:
            raise BadInput(
                f"{first} and {second} move together, and only one of them is named",
                hint="Name the versions of both.",
            )
        for each in (one for one in requirements if canonicalize_name(one.name) == first):
            (_, needs), *_ = _report([each], target, "--no-deps", "--ignore-installed").values()
            lowest = [
                one.version
                for line in needs
                for one in Requirement(line).specifier
                if canonicalize_name(Requirement(line).name) == second and one.operator == ">="
            ]
            if not lowest:
                raise BadInput(
                    f"{each} does not say which {second} it is made for",
                    hint=f"Name the version of {second} too.",
                )
            found.append(Requirement(f"{second}=={lowest[0]}"))
    return found


def install(packages: Mapping[str, str], target: Target, folder: Path) -> None:
    """Install these versions, and nothing that they need, into a folder; raises as ``resolve``."""
    options = ["--no-deps", "--only-binary=:all:", "--no-compile", f"--target={folder}"]
    _pip(["install", *options, *target.platform, *pins(packages)])


def versions(name: str, base: str, candidate: str, target: Target) -> list[str]:
    """Return the versions on the way from ``base``, without it, to ``candidate``, with it.

    Older ones come in turn from the newest on, where the candidate is the older of the two.
    Raises WrongMachine where the index does not say.
    """
    try:
        ends = Version(base), Version(candidate)
    except InvalidVersion as error:
        raise WrongMachine(f"{name}: {error}, so nothing lies between") from error
    said = _pip(["index", "versions", *target.platform, name])
    listed = next((line for line in said.splitlines() if line.startswith("Available ver")), "")
    between = set(map(Version, filter(None, listed.partition(":")[2].replace(" ", "").split(","))))
    low, high = sorted(ends)
    way = sorted(version for version in between if low < version < high)
    if ends[0] > ends[1]:
        way.reverse()
    return [*map(str, way), candidate]


def needs(packages: Mapping[str, str], target: Target) -> dict[str, Sequence[str]]:
    """Return the requirements of these very versions; raises as ``resolve``."""
    known = {
        n: target.needs.get(n, ()) for n, v in packages.items() if target.packages.get(n) == v
    }
    asked = [Requirement(pin) for pin in pins({n: packages[n] for n in packages.keys() - known})]
    if not asked:
        return dict(known)
    # Into a folder that is never made: only so may pip look for another Python or system.
    options = ["--no-deps", "--ignore-installed", "--only-binary=:all:", "--target=none"]
    report = _report(asked, target, *options, *target.platform)
    return {**known, **{name: needed for name, (_, needed) in report.items()}}


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
    """Return a lock's versions; one that is there in a local build (2.13.0+cpu) is that one."""
    found: dict[str, str] = {}
    for each in _lines(path, target):
        named = [one.version for one in each.specifier if one.operator == "=="]
        if len(named) != 1:
            raise BadInput(f"{path}: {each} names no single version", hint="Give a lock.")
        name = canonicalize_name(each.name)
        there = target.packages.get(name)
        same = there is not None and left_out.met(each.specifier, there)
        found[name] = there if there is not None and same else named[0]
    return found


def _resolved(
    requirements: Sequence[Requirement], target: Target
) -> tuple[dict[str, str], dict[str, Sequence[str]]]:
    """Return what pip would install, and the requirements of that and of what is there."""
    ours = "{}.{}".format(*sys.version_info[:2])
    if (theirs := target.markers.get("python_version", ours)) != ours:
        # pip resolves for another Python only while it installs, and then sees nothing as there.
        raise BadInput(
            f"{', '.join(map(str, requirements))}: what this needs on Python {theirs}, that of the"
            f" image, cannot be found out with Python {ours}",
            hint="Give a lock: a file with lines name==version. Or use that Python here.",
        )
    report = _report(requirements, target)
    needs = {**target.needs, **{name: needed for name, (_, needed) in report.items()}}
    return {name: version for name, (version, _) in report.items()}, needs


def _report(
    requirements: Sequence[Requirement], target: Target, *options: str
) -> dict[str, tuple[str, Sequence[str]]]:
    """Return the version and the requirements of each package that pip would install."""
    arguments = ["install", "--dry-run", "--quiet", "--report=-", *options]
    try:
        said = _pip([*arguments, *map(str, requirements)], python=target.python)
    except _NoVersion as error:
        if any(canonicalize_name(each.name) not in target.packages for each in requirements):
            raise BadInput(error.message, hint="Is the name right?") from error
        raise
    report = json.loads(said[said.index("{") :])
    return {
        canonicalize_name(each["metadata"]["name"]): (
            each["metadata"]["version"],
            each["metadata"].get("requires_dist", ()),
        )
        for each in report["install"]
    }


def _pip(arguments: Sequence[str], *, python: str = sys.executable) -> str:
    """Return what pip printed on standard output."""
    command = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command.append("--retries=2")  # says why it tries again: else no network looks like no version
    if python != sys.executable:
        command.append(f"--python={python}")
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, errors="replace")
    if done.returncode == 0:
        return done.stdout
    output = done.stdout + done.stderr
    error = pip.explain(output, f"pip {arguments[0]}", cache_folder().parent)
    if unknown := pip.without_versions(output):
        raise _NoVersion(f"{unknown}: the package index has none for this Python and system")
    unreachable = "cannot reach" in error.message or "network" in error.message
    if unreachable or "disk" in error.message or "writable" in error.hint:
        raise error
    lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    said = (lines or [error.message])[0].removeprefix("ERROR: ")
    raise NotInstallable(re.sub(r"from versions: (?:.*, )?", "the newest is ", said))
