"""The machine and software around a run, read from the machine; and which profile fits it."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from suite import __version__, units
from suite.catalog import profile as profiles
from suite.catalog.profile import Profile
from suite.errors import WrongMachine
from suite.paths import ROOT
from suite.results.record import Container, Environment, Finding, Gpu, Runner
from suite.run.machine import no_gpu
from suite.run.machine.gpu import GpuDevice, Missing, open_gpu
from suite.run.machine.unlisted_gpu import UNLISTED, unlisted

LOCK = ROOT / "requirements" / "train.txt"
GIT_SECONDS = 10

#: Environment variables by which the host tells a launch in a container what only it knows: the
#: ``Container`` as JSON, and "UUID_HASH DRIVER" of its GPU.
CONTAINER = "TUNEBENCH_CONTAINER"
HOST_GPU = "TUNEBENCH_HOST_GPU"


def environment(runner: Runner, gpu: GpuDevice | Missing) -> Environment:
    """Return the environment of a run: no host name, no user, no path."""
    unavailable: dict[str, str] = {}
    card = None
    if isinstance(gpu, Missing):
        unavailable["gpu"] = gpu.reason
    else:
        card, reasons = gpu.describe()
        unavailable |= {f"gpu.{field}": reason for field, reason in reasons.items()}
    revision, dirty, reason = git(ROOT)
    if reason:
        unavailable["revision"] = unavailable["dirty"] = reason
    lock_hash = hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None
    if lock_hash is None:
        unavailable["lock_hash"] = f"there is no {LOCK.relative_to(ROOT)}"
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        cpu=cpu_name(),
        cpu_count=cpu_count(),
        memory_bytes=memory_bytes(),
        suite_version=__version__,
        runner=runner,
        revision=revision,
        dirty=dirty,
        lock_hash=lock_hash,
        gpu=card,
        container=container(card),
        unavailable=unavailable,
    )


def container(gpu: Gpu | None) -> Container | None:
    """Return the container that this process is in, as the host told; None outside of one."""
    told = os.environ.get(CONTAINER)
    if told is None:
        return None
    found = msgspec.json.decode(told, type=Container)
    host = os.environ.get(HOST_GPU)
    if gpu is None or host is None:
        return found
    return msgspec.structs.replace(found, same_gpu=host == f"{gpu.uuid_hash} {gpu.driver}")


def container_findings(found: Container | None) -> Iterator[Finding]:
    """Yield what there is to say about the container."""
    if found is None:
        return
    if found.lock_is_current is None:
        words = f"{found.image}: nothing says which packages it was made with"
        yield Finding(name="image", status="unknown", detail=words)
    elif not found.lock_is_current:
        words = f"{found.image}: its packages are not those that this repository locks"
        yield Finding(name="image", status="warn", detail=words)
    else:
        yield Finding(name="image", status="ok", detail=found.image)
    if found.same_gpu is not None:
        words = "GPU and driver are the host's" if found.same_gpu else "not what the host sees"
        status: Literal["ok", "warn"] = "ok" if found.same_gpu else "warn"
        yield Finding(name="gpu in container", status=status, detail=words)


def resolve_profile(name: str) -> Profile:
    """Return the profile of that name, or for "auto" the one of this machine.

    "auto" is the profile whose ``nvml_name`` and memory are what NVML says of this GPU; where
    there is no NVIDIA driver at all it is ``cpu``, and for a GPU that no profile knows one that is
    made up (``unlisted``), which answers to its own name as well. Raises WrongMachine where there
    is a driver and no GPU to measure, and BadInput for an unknown name, and where two profiles are
    of this card.
    """
    if name != "auto" and not name.startswith(UNLISTED):
        return profiles.chosen(name)
    gpu = open_gpu()
    if isinstance(gpu, Missing):
        if name == "auto" and gpu.no_driver:
            return profiles.load("cpu")
        asked = "no GPU to measure" if name == "auto" else f"profile {name!r} needs a GPU"
        hint = f"{gpu.hint} {no_gpu.ON_PURPOSE}" if name == "auto" else gpu.hint
        raise WrongMachine(f"{asked}: {gpu.reason}", hint=hint.strip())
    try:
        profile = profiles.of_gpu(gpu.name, gpu.memory_bytes)
        made = unlisted(gpu) if profile is None else profile
    finally:
        gpu.close()
    return made if name in ("auto", made.name) else profiles.load(name)


def require_machine(profile: Profile, gpu: GpuDevice | Missing) -> None:
    """Raise WrongMachine unless this machine is of the profile's kind."""
    if not profile.has_gpu:
        return
    if isinstance(gpu, Missing):
        sentence = no_gpu.unused_gpu()
        raise WrongMachine(
            f"profile {profile.name!r} needs a GPU: {gpu.reason}",
            hint=f"{f'{sentence[:1].upper()}{sentence[1:]}.' if sentence else gpu.hint}"
            " Use --profile cpu on a machine without one.".lstrip(),
        )
    if not profiles.is_card(profile, gpu.name, gpu.memory_bytes):
        right = profiles.of_gpu(gpu.name, gpu.memory_bytes)
        raise WrongMachine(
            f"profile {profile.name!r} is for {profile.nvml_name!r}"
            f"{_size(profiles.memory_bytes(profile))}; this GPU is {gpu.name!r}"
            f"{_size(gpu.memory_bytes)}",
            hint=f"Use --profile {right.name}." if right else _new_profile(gpu),
        )


def as_seen(profile: Profile, gpu: GpuDevice | Missing) -> Profile:
    """Return the profile with the compute capability that NVML says, where that decides.

    It does where the card has no bfloat16 and the profile does not say so.
    """
    seen = None if isinstance(gpu, Missing) else gpu.compute_capability
    if not profiles.no_bfloat16(seen) or profiles.no_bfloat16(profile.compute_capability):
        return profile
    facts = msgspec.structs.replace(profile.facts, bf16_flops=None)
    return msgspec.structs.replace(profile, compute_capability=seen, facts=facts)


def cpu_name() -> str:
    """Return the processor's name as the kernel has it, or else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def cpu_count() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the host memory that this process may use: the machine's, or its control group's."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return installed
    return min(installed, int(limit)) if limit.isdigit() else installed


def git(folder: Path) -> tuple[str | None, bool | None, str]:
    """Return commit, whether the work tree differs from it, and the reason when both are None.

    A copy without its history (an image, a host without git) can be told by the environment
    variable TUNEBENCH_REVISION: a commit, with "-dirty" behind it where that is so.
    """
    if stated := os.environ.get("TUNEBENCH_REVISION"):
        return stated.removesuffix("-dirty"), stated.endswith("-dirty"), ""
    try:
        revision = _git(folder, "rev-parse", "HEAD").strip()
        dirty = bool(_git(folder, "status", "--porcelain"))
    except FileNotFoundError:
        return None, None, "git is not installed"
    except subprocess.TimeoutExpired:
        return None, None, f"git did not answer within {GIT_SECONDS} s"
    except subprocess.CalledProcessError as error:
        return None, None, f"git: {(error.stderr.strip().splitlines() or ['no word'])[0]}"
    return revision, dirty, ""


def has_commit(folder: Path, revision: str) -> bool | None:
    """Return whether a commit is in the history of what is checked out; None is unknown.

    Of a shallow clone only a yes is known.
    """
    try:
        shallow = _git(folder, "rev-parse", "--is-shallow-repository").strip() == "true"
        _git(folder, "merge-base", "--is-ancestor", "--end-of-options", revision, "HEAD")
    except subprocess.CalledProcessError as error:
        asked = "merge-base" in error.cmd
        return False if asked and not shallow else None
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return True


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        # Reading must not wait for, or disturb, somebody who writes.
        ["git", "--no-optional-locks", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
        check=True,
    )
    return done.stdout


def _size(memory: float | None) -> str:
    return "" if memory is None else f" of {units.bytes_(memory)}"


def _new_profile(gpu: GpuDevice) -> str:
    return f"Add hardware_profiles/NAME.toml with nvml_name = {gpu.name!r}."
