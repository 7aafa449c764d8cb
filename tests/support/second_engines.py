"""Engines beside this machine's own, with nothing in common with it, and gone afterwards."""

import os
import resource
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from support.containers import IMAGE

START_SECONDS = 60
LIMIT = 32768

PODMAN = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
lock_type = "file"
"""


class Second(Struct, frozen=True):
    """Where an engine answers, and the command of its own that loads an image."""

    address: str
    load: tuple[str, ...]

    def carry_image(self, source: str) -> None:
        """``docker save`` of the engine at ``source`` into its load (docker/README.md)."""
        with subprocess.Popen(
            ["docker", "--host", source, "save", IMAGE], stdout=subprocess.PIPE
        ) as saving:
            loading = subprocess.run(
                self.load, stdin=saving.stdout, capture_output=True, text=True
            )
        assert (saving.returncode, loading.returncode) == (0, 0), loading.stderr


@contextmanager
def second_docker() -> Iterator[Second]:
    """A Docker engine without a network; where containerd is shared, in rooms of its own there."""
    _need("dockerd")
    with _folder() as folder:
        address, room = f"unix://{folder}/engine.sock", f"tunebench-{uuid.uuid4().hex}"
        command = ["dockerd", "--host", address, "--iptables=false", "--bridge=none"]
        command += ["--pidfile", f"{folder}/pid", "--containerd-namespace", room]
        command += ["--containerd-plugins-namespace", f"{room}-plugins"]
        command += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
        with _answering(command, folder, address):
            yield Second(address, ("docker", "--host", address, "load"))


@contextmanager
def second_podman() -> Iterator[Second]:
    """Podman's service for Docker's API, its locks and containers apart from the machine's own.

    Podman raises the limits of containers to its own maximum, and starts none where it may not
    (root without CAP_SYS_RESOURCE): it is told the limits that we have. Docker's runtime, which is
    here, since Debian's crun starts nothing where both versions of cgroups are mounted.
    """
    _need("podman")
    with _folder() as folder:
        files, processes = (
            LIMIT if limit == resource.RLIM_INFINITY else min(limit, LIMIT)
            for _, limit in map(
                resource.getrlimit, (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
            )
        )
        settings = folder / "containers.conf"
        settings.write_text(PODMAN.format(files=files, processes=processes))
        address = f"unix://{folder}/engine.sock"
        podman = ["env", f"CONTAINERS_CONF={settings}", "podman", "--root", f"{folder}/data"]
        podman += ["--runroot", f"{folder}/exec", "--tmpdir", f"{folder}/tmp"]
        podman += ["--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc"]
        service = [*podman, "system", "service", "--time", "0", address]
        with _answering(service, folder, address):
            yield Second(address, (*podman, "load"))


def _need(program: str) -> None:
    if os.geteuid() != 0 or shutil.which("docker") is None or shutil.which(program) is None:
        pytest.skip(f"{program}, docker or the right to start a second engine is missing")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder with a short path, as sockets need, that goes with whatever is mounted in it."""
    folder = Path(tempfile.mkdtemp(prefix="tunebench-"))
    try:
        yield folder
    finally:
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mounted in reversed(mounts):
            if Path(mounted).is_relative_to(folder):
                subprocess.run(["umount", mounted], check=False)
        shutil.rmtree(folder)


@contextmanager
def _answering(command: Sequence[str], folder: Path, address: str) -> Iterator[None]:
    # A session of its own: Ctrl-C is for the test, which still has something to clean up there.
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as engine,
    ):
        try:
            deadline = time.monotonic() + START_SECONDS
            asking = ["docker", "--host", address, "version"]
            while subprocess.run(asking, capture_output=True).returncode:
                said = (folder / "log").read_text()[-2000:]
                assert engine.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.2)
            yield
        finally:
            engine.terminate()
            engine.wait(START_SECONDS)
