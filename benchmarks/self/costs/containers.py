"""What a container costs: from its start to the launch's first word, and in step time."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from benchmarks.self.costs import pairs
from suite.catalog import profile as profiles
from suite.paths import ROOT
from suite.results.storage.run_folder import create
from suite.run import planning
from suite.run.case.measurement import worker_environment
from suite.run.containers import image, launches
from suite.run.containers.container import Launched, Spec, Volume, arguments
from suite.run.containers.engine import DockerEngine, connect
from suite.run.containers.place import SUITE, own_user, place

SCRIPT = "under_session.py"
CASES = {"models": ["tiny-qwen3"], "methods": ["lora"]}


def first_words(count: int) -> Iterator[float]:
    """Yield the seconds from asking for a container to the first event of the launch in it."""
    profile = profiles.load("cpu")
    assert profile.image is not None
    plan = planning.make(profile, **CASES, runner="docker")
    with tempfile.TemporaryDirectory() as folder, connect() as engine:
        found = image.ensure(engine, profile.image, None)
        user = own_user(engine)
        with (
            create(Path(folder) / "run", plan) as run,
            place(engine, run, found.image_id, user, {}) as where,
        ):
            for _ in range(count):
                spec = launches.specification(engine, run, 1, found, where, user, None)
                began = time.perf_counter()
                # This run is ours, so the launch says that, and ends.
                with Launched(engine, spec) as launched:
                    events = launched.events(60)
                    next(events)
                    yield time.perf_counter() - began
                    list(events)


def pair(*, container_first: bool) -> pairs.InterleavedPair:
    """Return one pair, in a container against outside: the same session, interleaved."""
    profile = profiles.load("cpu")
    assert profile.image is not None
    plan = planning.make(profile, **CASES, runner="docker")
    with tempfile.TemporaryDirectory() as name, connect() as engine:
        folder = Path(name)
        found = image.ensure(engine, profile.image, None)
        user = own_user(engine)
        with (
            create(folder / "run", plan) as run,
            place(engine, run, found.image_id, user, {}) as where,
        ):
            spec = launches.specification(engine, run, 1, found, where, user, None)
            inside = Contained(folder / "inside", engine, spec)
            outside = pairs.Running(SCRIPT, folder / "outside")
            return pairs.compare(inside, outside, one_first=container_first)


class Contained(pairs.Running):
    """The side in a container with the options of a launch; held by pausing all of it."""

    def __init__(self, folder: Path, engine: DockerEngine, spec: Spec) -> None:
        super().__init__(SCRIPT, folder)
        self._engine, self._spec = engine, spec
        self._container: Any = None

    def start(self) -> None:
        """Start it; it computes at once."""
        inside = "/pair"
        files = [f"{inside}/{path.name}" for path in (self.folder / "cache", self.out, self.ready)]
        ours = Volume(source=str(self.folder), target=inside, read_only=False)
        spec = msgspec.structs.replace(
            self._spec,
            entrypoint=("python", f"{SUITE}/{pairs.HERE.relative_to(ROOT)}/{SCRIPT}"),
            command=tuple(files),
            # What the other side's worker gets, too: how threads wait is not what is compared.
            environment={
                **worker_environment(self._spec.environment, ()),
                "PYTHONPATH": SUITE,
                "TERM": "xterm",
            },
            volumes=(*self._spec.volumes, ours),
        )
        # A terminal, and a log to say why it failed; the rest as a launch has it.
        options = arguments(spec) | {"tty": True, "log_config": None}
        self._container = self._engine.client.containers.run(detach=True, **options)

    def ended(self) -> bool:
        """Return whether it has ended."""
        if self._container is None:
            return True
        self._container.reload()
        return self._container.status in ("exited", "dead")

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; return whether it came. Asks the engine only at its end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.out.exists():
                return bool(self._container.wait())
            time.sleep(0.01)
        return self.ended()

    def hold(self) -> None:
        """Pause it."""
        if not self.ended():
            self._container.pause()

    def go(self) -> None:
        """Let it go on."""
        if self._container is not None and not self.ended() and self._container.status == "paused":
            self._container.unpause()

    def close(self) -> None:
        """Leave nothing of it."""
        if self._container is not None:
            self._container.remove(force=True, v=True)
            self._container = None

    def fail(self) -> NoReturn:
        """Exit with what it said."""
        said = self._container.logs().decode(errors="replace") if self._container else ""
        sys.exit(f"{self.script} in a container did not do its work:\n{said}")
