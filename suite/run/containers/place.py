"""Where a launch in a container finds the suite and leaves its results.

On this machine's engine these are folders, mounted. Another machine sees none of them: there they
are volumes of the engine, filled before the first launch and read after each.
"""

import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from suite.errors import BadInput
from suite.paths import ROOT
from suite.results.record import Record
from suite.results.storage import decode
from suite.results.storage.run_folder import JOURNAL, PLAN, Run
from suite.run.containers.container import Volume
from suite.run.containers.engine import DockerEngine, explained
from suite.run.folders import cache_folder, unused

SUITE, RESULTS, CACHE = "/tunebench", "/results", "/cache"

#: What of the repository a launch reads.
NEEDED = ("suite", "benchmarks", "hardware_profiles", "requirements", "docker", "pyproject.toml")

#: A volume for each user, kept between runs on purpose: checkpoints are made or downloaded once.
REMOTE_CACHE = "tunebench-cache-{}"


class Place:
    """Mounts of one run's launches; ``before`` and ``after`` are around each of them."""

    def __init__(self, run: Run, volumes: tuple[Volume, ...]) -> None:
        self.run = run
        self.volumes = (*volumes, *_weights(run.plan.weights))

    def collect(self, container: Any, number: int) -> None:
        """Take what the launch left; nothing to do where the folder is ours."""


@contextmanager
def place(
    engine: DockerEngine, run: Run, image: str, user: str, labels: dict[str, str]
) -> Iterator[Place]:
    """Yield the place of a run, and leave nothing of it on the engine."""
    if not engine.remote:
        folder = cache_folder()
        with _own_folder(folder):
            folder.mkdir(parents=True, exist_ok=True)
        yield Place(
            run,
            (
                Volume(source=str(ROOT), target=SUITE),
                Volume(source=str(run.folder.absolute()), target=RESULTS, read_only=False),
                Volume(source=str(folder), target=CACHE, read_only=False),
            ),
        )
        return
    if run.plan.weights not in ("dummy", "hub"):
        raise BadInput(
            f"weights {run.plan.weights}: a folder of this machine; the Docker engine is another",
            hint="Use random weights (--weights dummy) or --weights hub there.",
        )
    cache = REMOTE_CACHE.format(user.partition(":")[0])
    suffix = uuid.uuid4().hex[:8]
    ours = [f"tunebench-suite-{suffix}", f"tunebench-results-{suffix}"]
    try:
        with explained(engine.address, "copying to the Docker engine"):
            for name in ours:
                engine.client.volumes.create(name, labels=labels)
            volumes = (
                Volume(source=ours[0], target=SUITE, kind="volume"),
                Volume(source=ours[1], target=RESULTS, kind="volume", read_only=False),
                Volume(source=cache, target=CACHE, kind="volume", read_only=False),
            )
            _fill(engine, image, volumes, run, user, labels)
        yield RemotePlace(run, volumes)
    finally:
        from docker.errors import DockerException

        for name in ours:
            with suppress(DockerException, OSError):
                engine.client.volumes.get(name).remove(force=True)


class RemotePlace(Place):
    """Volumes of an engine elsewhere."""

    def collect(self, container: Any, number: int) -> None:
        """Fetch the journal's records that we were not told, and pytest-benchmark's file."""
        from docker.errors import NotFound

        with suppress(NotFound):
            for line in _fetched(container, f"{RESULTS}/{JOURNAL}").splitlines():
                with suppress(decode.Unusable):  # half a line, of a launch that was killed
                    record = decode.document(line, Record)
                    if not self.run.done(record.launch, record.case_id):
                        self.run.append(record)
        target = unused(self.run.benchmark_json(number))
        with suppress(NotFound):
            self.run.place.write(target.name, _fetched(container, f"{RESULTS}/{target.name}"))


def _fill(
    engine: DockerEngine,
    image: str,
    volumes: tuple[Volume, ...],
    run: Run,
    user: str,
    labels: dict[str, str],
) -> None:
    """Copy suite and run through a container that never starts: it alone may write the suite."""
    from docker.types import Mount

    porter = engine.client.containers.create(
        image,
        entrypoint=["true"],
        network_mode="none",
        labels=labels,
        mounts=[Mount(target=one.target, source=one.source, type="volume") for one in volumes],
    )
    try:
        suite = [(ROOT / name, name) for name in NEEDED if (ROOT / name).exists()]
        files = [path for path in run.folder.iterdir() if path.suffix in (".json", ".jsonl")]
        kept = [(path, path.name) for path in files]
        assert (run.folder / PLAN, PLAN) in kept
        porter.put_archive(SUITE, _archive(suite, user))
        porter.put_archive(RESULTS, _archive(kept, user))
        porter.put_archive(CACHE, _archive([], user))
    finally:
        porter.remove(force=True)


def _archive(files: list[tuple[Path, str]], user: str) -> bytes:
    """Return a tar whose files and top folder belong to ``user``; caches of Python stay away."""
    owner, _, group = user.partition(":")

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if entry.name.rpartition("/")[2] in ("__pycache__", ".git", "local"):
            return None
        entry.uid, entry.gid, entry.uname, entry.gname = int(owner), int(group), "", ""
        return entry

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        top = tarfile.TarInfo("./")
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(owned(top) or top)
        for path, name in files:
            archive.add(path, name, filter=owned)
    return made.getvalue()


def _fetched(container: Any, path: str) -> bytes:
    """Return one file out of a container that has ended."""
    chunks, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            if file is not None:
                return file.read()
    return b""


def _weights(weights: str) -> Iterator[Volume]:
    if weights not in ("dummy", "hub"):
        yield Volume(source=weights, target=weights)


def own_user(engine: DockerEngine) -> str:
    """Return "uid:gid" for the process inside: this user's, so that results are this user's.

    Root stays root, without any capability: it can then write what root owns here and nothing
    that others do; another user could not write root's folders at all. A rootless engine's root
    is the user who started it.
    """
    if engine.rootless:
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}"


@contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    from suite.errors import WrongMachine

    try:
        yield
    except OSError as error:
        raise WrongMachine(
            f"cache folder {folder}: cannot be written: {error.strerror}",
            hint="Set TUNEBENCH_CACHE to a folder with space.",
        ) from error
