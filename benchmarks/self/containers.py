"""What a container costs: from its start to the launch's first word, and in step time."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from suite.catalog import profile as profiles
from suite.results.collection import read
from suite.results.metrics import all_metrics
from suite.results.store import create
from suite.run import contained, planning
from suite.run.containers import image
from suite.run.containers.container import Launched
from suite.run.containers.engine import connect
from suite.run.containers.place import own_user, place

ROOT = Path(__file__).parents[2]
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
                spec = contained.specification(engine, run, 1, found, where, user, None)
                began = time.perf_counter()
                # This run is ours, so the launch says that, and ends.
                with Launched(engine, spec) as launched:
                    events = launched.events(60)
                    next(events)
                    yield time.perf_counter() - began
                    list(events)


def pair(first: str) -> float:
    """Return the ratio of step times, docker to local, of one run each."""
    second = "local" if first == "docker" else "docker"
    seconds = {runner: _step_seconds(runner) for runner in (first, second)}
    return seconds["docker"] / seconds["local"]


def _step_seconds(runner: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "suite", "run", "--profile", "cpu", "--runner", runner]
        command += ["--models", "tiny-qwen3", "--methods", "lora", "--out", f"{folder}/run"]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        (record,) = read([Path(folder) / "run"]).records
        value = all_metrics()["step_seconds"].compute(record)
        assert value is not None
        return value
