"""The image of a profile: which one, found or built, and what it says about itself.

An image is the pinned environment only, made from ``docker/NAME``; its tag is its lock. So one of
an older lock is simply not the one that is looked for.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite import screen
from suite.errors import WrongMachine
from suite.paths import ROOT
from suite.results.record import Container
from suite.run.containers.engine import (
    LOCAL,
    DockerEngine,
    disk_full,
    explain,
    no_network,
    words,
)

FOLDER = ROOT / "docker"

LOCK = "tunebench.lock"  #: label: digest of the lock that the image was made from
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"

#: Environment variables that a build is told, if they are set, by the Dockerfile's names.
BUILD_ARGUMENTS = {
    "TUNEBENCH_BASE": "BASE",
    "TUNEBENCH_TORCH_INDEX": "TORCH_INDEX",
    **{name: name for name in ("PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_TRUSTED_HOST")},
}


def exists(name: str) -> bool:
    """Return whether there is a way to have that image: its folder, or TUNEBENCH_IMAGE."""
    return bool(os.environ.get("TUNEBENCH_IMAGE")) or (FOLDER / name / "Dockerfile").is_file()


def lock_hash(name: str) -> str | None:
    """Return the digest of the image's lock in this repository, or None where it has none."""
    lock = FOLDER / name / "lock.txt"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None


def reference(name: str) -> str:
    """Return what the image is called: TUNEBENCH_IMAGE, or by its name and its lock."""
    if chosen := os.environ.get("TUNEBENCH_IMAGE"):
        return chosen
    lock = lock_hash(name)
    if lock is None:
        raise WrongMachine(f"docker/{name}/lock.txt is missing", hint=LOCAL)
    return f"tunebench/{name}:{lock[:12]}"


def ensure(engine: DockerEngine, name: str, revision: str | None) -> Container:
    """Return the image, built or pulled if it is missing; raises WrongMachine."""
    wanted = reference(name)
    if not os.environ.get("TUNEBENCH_IMAGE") and find(engine, wanted) is None:
        _build(engine, name, wanted, revision)
    return named(engine, wanted, name)


def named(engine: DockerEngine, wanted: str, name: str) -> Container:
    """Return the image of that reference, pulled if it is missing; ``name`` as in ``ensure``."""
    found = find(engine, wanted)
    if found is None:
        _pull(engine, wanted)
        found = find(engine, wanted)
    if found is None:
        raise WrongMachine(f"{wanted} was made, but the Docker engine has no such image")
    return describe(engine, found, wanted, name)


def describe(engine: DockerEngine, image: Any, wanted: str, name: str) -> Container:
    """Return what a record says about the image and where it runs."""
    labels = image.labels
    lock, ours = labels.get(LOCK) or None, lock_hash(name)
    digests = image.attrs.get("RepoDigests") or []
    return Container(
        image=wanted,
        image_id=image.id,
        digest=next((str(one).partition("@")[2] for one in digests), None),
        base=labels.get(BASE_NAME) or None,
        base_digest=labels.get(BASE_DIGEST) or None,
        lock_hash=lock,
        lock_is_current=None if lock is None or ours is None else lock == ours,
        engine_version=engine.version,
        runtime=engine.default_runtime or None,
    )


def find(engine: DockerEngine, wanted: str) -> Any:
    """Return the engine's image of that reference, or None."""
    from docker.errors import DockerException, ImageNotFound

    try:
        return engine.client.images.get(wanted)
    except ImageNotFound:
        return None
    except (DockerException, OSError) as error:
        raise explain(error, engine.address) from error


def _pull(engine: DockerEngine, wanted: str) -> None:
    from docker.errors import DockerException
    from docker.utils import parse_repository_tag

    print(f"tunebench: pulling {wanted}", file=sys.stderr, flush=True)
    repository, tag = parse_repository_tag(wanted)
    try:
        # Not images.pull, which is deaf to what goes wrong after the first word of the answer:
        # with Podman that is everything, with Docker a full disk.
        pull = engine.client.api.pull
        _follow(pull(repository, tag=tag or "latest", stream=True, decode=True))
    except _MakingFailed as failed:
        what = f"the image {wanted} is missing and cannot be pulled"
        raise _failed(what, str(failed), failed, engine) from failed
    except (DockerException, OSError) as error:
        text = words(error)
        raise _failed(
            f"the image {wanted} is missing and cannot be pulled", text, error, engine
        ) from error


def _build(engine: DockerEngine, name: str, wanted: str, revision: str | None) -> None:
    if not exists(name):
        raise WrongMachine(f"the image {wanted} is missing, and so is docker/{name}", hint=LOCAL)
    print(f"tunebench: building {wanted} from docker/{name} (once)", file=sys.stderr, flush=True)
    arguments = {
        argument: os.environ[variable]
        for variable, argument in BUILD_ARGUMENTS.items()
        if os.environ.get(variable)
    }
    if base := arguments.get("BASE"):
        arguments["BASE_DIGEST"] = base.partition("@")[2]  # else that of the usual base
    arguments["LOCK"] = lock_hash(name) or ""
    arguments["REVISION"] = revision or ""
    # Where pip's proxies are; nothing of it is in the image.
    make(engine, FOLDER / name, wanted, arguments, network="host")


def make(
    engine: DockerEngine, context: Path, wanted: str, arguments: dict[str, str], *, network: str
) -> None:
    """Build an image from a folder with a Dockerfile; raises WrongMachine."""
    from docker.errors import DockerException

    try:
        said = engine.client.api.build(
            path=str(context),
            tag=wanted,
            buildargs=arguments,
            network_mode=network,
            rm=True,
            forcerm=True,
            decode=True,
            timeout=None,
        )
        _follow(said)
    except _MakingFailed as failed:
        raise _failed(
            f"the image {wanted} cannot be built", str(failed), failed, engine
        ) from failed
    except (DockerException, OSError) as error:
        raise _failed(
            f"the image {wanted} cannot be built", words(error), error, engine
        ) from error


class _MakingFailed(Exception):
    pass


def _follow(said: Iterator[dict[str, Any]]) -> None:
    """Read a build or a pull to its end; its last lines go into the error."""
    last: list[str] = []
    for event in said:
        if "error" in event:
            tail = "; ".join([*last[-3:], str(event["error"])])
            raise _MakingFailed(" ".join(tail.split()))
        text = str(event.get("stream") or event.get("status") or "").strip()
        if text:
            last = [*last[-20:], text]
            if sys.stderr.isatty():
                shown = screen.line(text.splitlines()[-1][:76])
                print(f"\r\x1b[K  {shown}", end="", file=screen.raw(sys.stderr))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=screen.raw(sys.stderr), flush=True)


def _failed(what: str, text: str, error: BaseException, engine: DockerEngine) -> WrongMachine:
    if disk_full(text):
        return WrongMachine(
            f"{what}: the disk of the Docker engine is full",
            hint="Make room there (docker system df, docker system prune), then run it again.",
        )
    if no_network(text):
        return WrongMachine(
            f"{what}: no network, or a registry that does not answer",
            hint="Go online, set TUNEBENCH_BASE and pip's settings to mirrors (see docker/), or "
            f"load it (docker load). {LOCAL}",
        )
    if isinstance(error, _MakingFailed):
        return WrongMachine(f"{what}: {text}", hint=f"Look at docker/. {LOCAL}")
    return explain(error, engine.address, what)
