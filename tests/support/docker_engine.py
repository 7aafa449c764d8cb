"""A real Docker engine for the tests, and an image that they build once without a network.

``python -m support.docker_engine`` builds it beforehand, with nothing but pip installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from suite.paths import ROOT

CONTEXT = ROOT / "docker" / "cpu"
#: Its tag is what it is built from, so that one which is there need not be built again.
TAG = hashlib.sha256(
    b"".join((CONTEXT / name).read_bytes() for name in ("Dockerfile", "lock.txt"))
)
IMAGE = f"tunebench-test/cpu:{TAG.hexdigest()[:16]}"
REVISION = "0123456789abcdef0123456789abcdef01234567"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

#: Debian's release with this Python, so that one download of packages serves both.
DEBIAN = {"3.11": "bookworm", "3.13": "trixie"}

#: What a container of the suite gets, and nothing else (docker/README.md).
HARDENED = ["--rm", "--init", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL"]
HARDENED += [
    "--security-opt=no-new-privileges",
    "--pids-limit=512",
    f"--volume={ROOT}:/tunebench:ro",
]


def docker(*arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def run(*command: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the image's entry point, or another one named by an option, as docker/README.md says."""
    return docker("run", *HARDENED, *options, IMAGE, *command, timeout=240)


def skip(reason: str) -> NoReturn:
    import pytest  # it is not there yet where the image is built beforehand

    pytest.skip(reason)


def need_engine() -> None:
    if shutil.which("docker") is None:
        skip("there is no docker command")
    found = docker("version", "--format", "{{.Server.Version}}")
    if found.returncode:
        skip(f"no Docker engine answers: {found.stderr.strip()}")


def base(folder: Path) -> str:
    """Return an image with this Python: TUNEBENCH_TEST_BASE, or a small Debian made here."""
    if named := os.environ.get("TUNEBENCH_TEST_BASE"):
        return named
    release = DEBIAN.get(PYTHON)
    if release is None:
        skip(f"no Debian has Python {PYTHON}; TUNEBENCH_TEST_BASE can name an image")
    name = f"tunebench-test/debian:{release}"
    if docker("image", "inspect", name).returncode == 0:
        return name
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        skip("debootstrap or the right to use it is missing; TUNEBENCH_TEST_BASE can help")
    root = folder / "debian"
    make = [
        "debootstrap",
        "--variant=minbase",
        "--include=python3,python3-venv",
        release,
        str(root),
    ]
    checked(make)
    pack = [
        "tar",
        "-C",
        str(root),
        "--exclude=./var/cache/apt",
        "--exclude=./var/lib/apt",
        "-c",
        ".",
    ]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
        subprocess.run(
            ["docker", "import", "-", name], stdin=packing.stdout, check=True, capture_output=True
        )
    shutil.rmtree(root)
    return name


def build(folder: Path) -> None:
    """Build the image as on a machine without a network: every wheel lies beside the lock.

    Does nothing where it is there already.
    """
    if docker("image", "inspect", IMAGE).returncode == 0:
        return
    context = folder / "cpu"
    shutil.copytree(CONTEXT, context)
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
    ]
    download += ["--only-binary=:all:", f"--dest={context / 'local'}"]
    download += ["--requirement", str(context / "lock.txt")]
    if index := os.environ.get("TUNEBENCH_TORCH_INDEX"):
        download += ["--extra-index-url", index]
    with ThreadPoolExecutor() as beside:  # both wait for a network
        making = beside.submit(base, folder)
        checked(download)
        parent = making.result()
    arguments = {
        "BASE": parent,
        "BASE_DIGEST": "sha256:of-the-base",
        "LOCK": lock_hash(),
        "PIP_NO_INDEX": "1",
        "REVISION": REVISION,
    }
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    checked(["docker", "build", "--network=none", f"--tag={IMAGE}", *given, str(context)])
    shutil.rmtree(context)


def lock_hash() -> str:
    return hashlib.sha256((CONTEXT / "lock.txt").read_bytes()).hexdigest()


def checked(command: Sequence[str]) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, f"{command[:2]}: {done.stdout[-3000:]}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        build(Path(made))
