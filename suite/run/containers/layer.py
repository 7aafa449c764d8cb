"""An image with other versions of packages laid over it, and what an image holds."""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from suite.errors import SuiteError, WrongMachine
from suite.results.record import Container
from suite.run.containers import image, owner
from suite.run.containers.engine import DockerEngine, explained

REPOSITORY = "tunebench/upgrade"
FOLDER = "/opt/upgrade"  #: a folder in it for each layer, named by its key
LOOK_SECONDS = 120

#: Nothing but files is added, and their bytecode as the image's own packages have it. No label of
#: the image below is left that would be a lie: it is not made from that lock any more.
DOCKERFILE = f"""\
ARG PARENT
FROM ${{PARENT}}
ARG OWNER
ARG PARENT
ARG PARENT_ID
ARG PYTHON_PATH
ARG FOLDER
USER 0:0
COPY packages ${{FOLDER}}
RUN python -B -m compileall -qf -j 0 --invalidation-mode unchecked-hash "$FOLDER" \\
        >/dev/null || true; \\
    chmod -R a+rX "$FOLDER"
USER ${{OWNER}}
ENV PYTHONPATH=${{FOLDER}}${{PYTHON_PATH}}
LABEL {image.LOCK}="" {image.BASE_NAME}="${{PARENT}}" {image.BASE_DIGEST}="${{PARENT_ID}}"
"""

#: Imports what a launch needs around the worker, says what there is; metadata without its prose.
_LOOK = """
import importlib.metadata, json, platform, sys
import msgspec, pytest, pytest_benchmark
found = [str(each.read_text("METADATA") or "") for each in importlib.metadata.distributions()]
print(json.dumps({
    "python": platform.python_version(),
    "machine": platform.machine(),
    "glibc": platform.libc_ver()[1],
    "metadata": [text.partition("\\n\\n")[0] for text in found],
}))
"""


class DoesNotStart(SuiteError):
    """Python in the image does not import what every launch needs."""


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """What Python in an image says of itself.

    ``machine`` is the processor's architecture, ``glibc`` the C library's version, empty where it
    is another. ``metadata`` are the headers of each package, in the order of the import path.
    """

    python: str
    machine: str
    glibc: str
    metadata: tuple[str, ...]


def look(engine: DockerEngine, reference: str) -> Inside:
    """Ask an image what it holds, confined as a launch is; raises DoesNotStart."""
    from docker.errors import DockerException
    from docker.types import LogConfig

    doing = f"looking into {reference}"
    with explained(engine.address, doing):
        made = engine.client.containers.create(
            reference,
            entrypoint=["python", "-c", _LOOK],
            command=[],
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": ""},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            labels={owner.RUN: "look", owner.OWNER: owner.me()},
            log_config=LogConfig(type="json-file"),  # not every engine's own can be read
        )
    try:
        with explained(engine.address, doing):
            made.start()
            code = int(made.wait(timeout=LOOK_SECONDS)["StatusCode"])
            said = made.logs(stdout=True, stderr=False)
            errors = made.logs(stdout=False, stderr=True)
    except WrongMachine as error:
        if "executable file not found" in error.message:
            raise DoesNotStart(f"nothing can be measured in {reference}: no python") from error
        raise
    finally:
        with suppress(DockerException, OSError):
            made.remove(force=True)
    if code:
        lines = errors.decode(errors="replace").strip().splitlines() or [f"exit code {code}"]
        raise DoesNotStart(f"nothing can be measured in {reference}: {lines[-1]}")
    return msgspec.json.decode(said, type=Inside)


def find(engine: DockerEngine, key: str) -> str | None:
    """Return the reference of the layered image that was made under a key, or None."""
    reference = f"{REPOSITORY}:{key}"
    return None if image.find(engine, reference) is None else reference


def build(engine: DockerEngine, parent: Container, packages: Path, key: str) -> str:
    """Return the reference of the image ``parent`` with a folder of packages before its own."""
    reference = f"{REPOSITORY}:{key}"
    with explained(engine.address):
        config = engine.client.images.get(parent.image).attrs["Config"]
    path = _variables(config.get("Env") or []).get("PYTHONPATH", "")
    arguments = {
        "PARENT": parent.image,
        "PARENT_ID": parent.image_id,
        "OWNER": config.get("User") or "0:0",
        "PYTHON_PATH": f":{path}" if path else "",
        "FOLDER": f"{FOLDER}/{key}",
    }
    with tempfile.TemporaryDirectory(prefix="tunebench-") as folder:
        context = Path(folder)
        (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        packages.rename(context / "packages")
        image.make(engine, context, reference, arguments, network="none")
    if image.find(engine, reference) is None:
        raise WrongMachine(f"{reference} was made, but the Docker engine has no such image")
    return reference


def _variables(lines: list[str]) -> Mapping[str, str]:
    return dict(line.split("=", 1) for line in lines if "=" in line)
