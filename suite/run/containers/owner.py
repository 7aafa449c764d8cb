"""Whose a container is, and what to do with one whose owner is gone."""

import hashlib
import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

from suite.run.containers.engine import DockerEngine, explained

RUN = "tunebench.run"  #: label: the run's id; on everything of ours
LAUNCH = "tunebench.launch"
OWNER = "tunebench.owner"

STOP_SECONDS = 30  #: from asking a launch to end to killing it: time to end its worker in order


def me() -> str:
    """Return a label for this process: no other one has it, on whatever machine."""
    return f"{_home()} {_boot()} {os.getpid()} {_began(os.getpid())}"


def gone(owner: str) -> bool:
    """Return whether the owner is known to be gone; of another machine's, nothing is known."""
    parts = owner.split(" ")
    if len(parts) != 4 or parts[0] != _home() or not parts[2].isdigit():
        return False
    if parts[1] != _boot():
        return True
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is there, and another user's
        pass
    return _began(int(parts[2])) != parts[3]


def sweep(engine: DockerEngine) -> list[str]:
    """Stop and remove what killed runs left behind, and return the containers' names."""
    from docker.errors import APIError

    with explained(engine.address, "looking for leftovers"):
        found = engine.client.containers.list(all=True, filters={"label": RUN})
        left = [one for one in found if gone(one.labels.get(OWNER, ""))]
        for container in left:
            with suppress(APIError):  # somebody else was faster
                container.stop(timeout=STOP_SECONDS)
            with suppress(APIError):
                container.remove(force=True, v=True)
        volumes: list[Any] = engine.client.volumes.list(filters={"label": RUN})
        for volume in volumes:
            if gone((volume.attrs.get("Labels") or {}).get(OWNER, "")):
                with suppress(APIError):
                    volume.remove(force=True)
    return [str(container.name) for container in left]


def _home() -> str:
    """Return this machine, and the room of process ids in it, as one word."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text(encoding="ascii").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _boot() -> str:
    """Return since which start of the machine; "-" where it does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "-"


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; "-" where it does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "-"
    return stat.rpartition(")")[2].split()[19]
