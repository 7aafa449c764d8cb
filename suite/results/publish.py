"""Make a run fit to be published: read it whole, take out what identifies a machine, file it.

Nothing measured changes. What is replaced: absolute paths, the host's name, user names in home
folders, the host of a private image registry. A scrubbed record gets its own ``record_id``, since
that is a digest of its content.
"""

import os
import platform
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from suite.errors import BadInput, WrongMachine
from suite.results import noise
from suite.results.collection import NOISE
from suite.results.folder import open_folder
from suite.results.parked import loaded
from suite.results.record import Record, encode, seal
from suite.results.store import JOURNAL, PLAN, Plan, read

T = TypeVar("T", Record, Plan)
R = TypeVar("R", str, str | None)

# Two parts or more, so that "and/or", units ("token/s") and owner/name stay; not within a URL.
_PATH = re.compile(r"(?<![\w/.:~-])~?/(?:[\w.+@%-]+/)+[\w.+@%-]*")


#: Registries that anybody can pull from; the name of any other tells of a company's network.
PUBLIC_REGISTRIES = frozenset(
    {"docker.io", "ghcr.io", "nvcr.io", "public.ecr.aws", "quay.io", "registry.gitlab.com"}
)


def publish(run: Path, results: Path, *, partial: bool = False) -> Path:
    """Write ``run``, scrubbed, to ``results/PROFILE/RUN_ID/`` and return that folder.

    ``results/PROFILE/noise.json`` is written anew from all runs that are published there.
    ``partial`` lets a run pass whose planned cases do not all have a record: the plan goes along,
    so readers see what is missing. Raises BadInput when the run has unusable lines, unfinished
    cases or is published already, WrongMachine when the folder cannot be written.
    """
    found = read([run])
    if found.problems:
        lines = "".join(f"\n  {problem}" for problem in found.problems)
        raise BadInput(f"{run}: not fit to be published:{lines}")
    if len(found.plans) != 1:
        raise BadInput(f"{run}: {len(found.plans)} runs in one folder; give one run")
    (plan,) = found.plans
    if (missing := found.missing()) and not partial:
        _, launch, case = missing[0]
        raise BadInput(
            f"{run}: {len(missing)} of {plan.total} cases have no record"
            f" (first: {case.case_id}, launch {launch})",
            hint=f"Finish it: ./tunebench run --resume {run}, or publish it with --partial.",
        )
    folder = results / plan.profile / plan.run_id
    names = _names()
    scrubbed = [seal(scrub(record, names)) for record in found.records]
    journal = b"".join(encode(record) + b"\n" for record in scrubbed)
    bare = _scrub_struct(plan, names)
    try:
        with (
            open_folder(results.resolve(), make=True) as top,
            top.folder(plan.profile) as profile,
            profile.make(plan.run_id) as filed,
        ):
            filed.write(JOURNAL, journal)
            filed.write(PLAN, msgspec.json.format(msgspec.json.encode(bare), indent=1) + b"\n")
    except FileExistsError as error:
        raise BadInput(f"{folder}: is published already") from error
    except OSError as error:
        raise WrongMachine(f"{folder}: cannot be written: {error.strerror}") from error
    write_noise(folder.parent)
    return folder


def write_noise(folder: Path) -> None:
    """Write ``noise.json`` of a profile's folder anew; take it away where no case has enough.

    Raises WrongMachine when the folder cannot be written.
    """
    content, path = noise.file_content(read([folder]).records), folder / NOISE
    try:
        with open_folder(folder) as opened:
            if content is None:
                opened.remove(NOISE)
            else:
                opened.write(NOISE, content)
    except OSError as error:
        raise WrongMachine(f"{path}: cannot be written: {error.strerror}") from error


def scrub(record: Record, names: frozenset[str] = frozenset()) -> Record:
    """Return the record without absolute paths, private registries and any of ``names``."""
    container = record.environment.container
    if container is not None:
        container = msgspec.structs.replace(
            container, image=_registry(container.image), base=_registry(container.base)
        )
        environment = msgspec.structs.replace(record.environment, container=container)
        record = msgspec.structs.replace(record, environment=environment)
    return _scrub_struct(record, names)


def _registry(image: R) -> R:
    """Return an image's reference without the host of a registry that is not public."""
    if image is None:
        return image
    host, slash, rest = image.partition("/")
    private = slash and (set(host) & set(".:") or host == "localhost")
    return f"REGISTRY/{rest}" if private and host not in PUBLIC_REGISTRIES else image


def _scrub_struct(value: T, names: frozenset[str]) -> T:
    plain = msgspec.to_builtins(value, enc_hook=loaded)
    return msgspec.convert(_scrubbed(plain, names), type(value))


def _scrubbed(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, str):
        text = _PATH.sub(lambda match: ".../" + match[0].rstrip("/").rpartition("/")[2], value)
        for name in names:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "HOST", text)
        return text
    if isinstance(value, (list, tuple)):
        return [_scrubbed(item, names) for item in value]
    if isinstance(value, dict):
        return {_scrubbed(key, names): _scrubbed(item, names) for key, item in value.items()}
    return value


def _names() -> frozenset[str]:
    """Return this host's names and user; generic ones say nothing and would hit ordinary words."""
    found = {platform.node(), platform.node().partition(".")[0], os.environ.get("USER", "")}
    return frozenset(name for name in found - {"root", "localhost"} if len(name) > 3)
