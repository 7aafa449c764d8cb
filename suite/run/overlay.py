"""Other versions of packages, laid over this environment: what an upgrade would bring.

An overlay is a folder that comes before this environment's own packages on a worker's path. It
holds only what differs, so that it costs no second copy of PyTorch. Overlays are kept in the cache
and found again by what they hold.
"""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from suite.errors import BadInput, SuiteError, WrongMachine
from suite.run import pip
from suite.run.launch import cache_folder

EXCLUDED = Path(__file__).parents[2] / "requirements" / "excluded.txt"


class NotInstallable(SuiteError):
    """pip refuses these versions, and not for want of a network or a disk: an answer."""


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """``packages`` differ from this environment (name: version); without any, no ``folder``."""

    packages: dict[str, str]
    folder: str = ""

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Let the workers that start meanwhile see it."""
        before = os.environ.get("PYTHONPATH")
        if self.folder:
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [self.folder, before]))
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("PYTHONPATH", None)
            else:
                os.environ["PYTHONPATH"] = before


def resolve(given: Sequence[str]) -> dict[str, str]:
    """Return the versions that differ from this environment's, of locks and requirements.

    A lock is a file with lines ``name==version``. Requirements are resolved by pip, with what they
    need. Raises BadInput for what is neither, NotInstallable where pip finds no such version.
    """
    locks = [text for text in given if Path(text).is_file()]
    requirements = [_requirement(text) for text in given if text not in locks]
    found: dict[str, str] = {}
    for lock in locks:
        found |= _locked(Path(lock))
    if requirements:
        found |= _resolved(requirements)
    here = installed()
    # What is left out of this environment on purpose comes in only by its name.
    named = {normalized(each.name) for each in requirements}
    unwanted = {normalized(each.name) for each in _lines(EXCLUDED)} - named
    return {
        name: version
        for name, version in sorted(found.items())
        if here.get(name) != version and name not in unwanted
    }


def make(packages: Mapping[str, str]) -> Overlay:
    """Return the overlay of these versions, installed unless the cache has it."""
    if not packages:
        return Overlay(packages={})
    wanted = pins(packages)
    digest = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    folder = cache_folder() / "overlays" / digest
    if not folder.is_dir():
        fresh = folder.with_name(f".{digest}.{secrets.token_hex(4)}")
        try:
            fresh.parent.mkdir(parents=True, exist_ok=True)
            options = ["--no-deps", "--only-binary=:all:", f"--target={fresh}"]
            _pip(["install", "--no-compile", *options, *wanted])
            fresh.rename(folder)
        except OSError as error:
            raise WrongMachine(
                f"{folder}: cannot be written: {error.strerror}",
                hint="Set TUNEBENCH_CACHE to a folder with space.",
            ) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return Overlay(packages=dict(packages), folder=str(folder))


def pins(packages: Mapping[str, str]) -> list[str]:
    """Return the versions as requirements, in order of the names."""
    return [f"{name}=={version}" for name, version in sorted(packages.items())]


def installed() -> dict[str, str]:
    """Return this environment's packages, version by normalized name."""
    found: dict[str, str] = {}
    for each in importlib.metadata.distributions():
        found.setdefault(normalized(each.name), each.version)
    return found


def versions(name: str, low: str, high: str) -> list[str]:
    """Return the versions of a package that the index has after ``low`` up to ``high``, in order.

    Raises WrongMachine where the index does not say.
    """
    said = _pip(["index", "versions", name])
    listed = next((line for line in said.splitlines() if line.startswith("Available ver")), "")
    newest_first = [text.strip() for text in listed.partition(":")[2].split(",")]
    if low not in newest_first or high not in newest_first:
        raise WrongMachine(
            f"{name}: the package index lists no way from {low} to {high}",
            hint="Name the versions to try with another --candidate.",
        )
    begin, end = newest_first.index(high), newest_first.index(low)
    return list(reversed(newest_first[begin:end]))


def normalized(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirement(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise BadInput(
            f"{text!r} is neither a file nor a requirement such as peft==0.21.2"
        ) from error


def _lines(path: Path) -> Iterator[Requirement]:
    """Yield the requirements of a file that hold for this Python and system."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.split("#")[0].strip().removesuffix("\\").strip()
        if not text or text.startswith("-"):
            continue
        try:
            found = Requirement(text)
        except InvalidRequirement as error:
            raise BadInput(f"{path}: {text[:80]!r} is no requirement") from error
        if found.marker is None or found.marker.evaluate():
            yield found


def _locked(path: Path) -> dict[str, str]:
    found = {}
    for each in _lines(path):
        pins = [one.version for one in each.specifier if one.operator == "=="]
        if len(pins) != 1:
            raise BadInput(f"{path}: {each} names no single version", hint="Give a lock.")
        found[normalized(each.name)] = pins[0]
    return found


def _resolved(requirements: Sequence[Requirement]) -> dict[str, str]:
    texts = [str(each) for each in requirements]
    said = _pip(["install", "--dry-run", "--quiet", "--report=-", *texts])
    report = json.loads(said[said.index("{") :])
    return {
        normalized(each["metadata"]["name"]): each["metadata"]["version"]
        for each in report["install"]
    }


def _pip(arguments: Sequence[str]) -> str:
    """Return what pip printed on standard output."""
    command = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
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
