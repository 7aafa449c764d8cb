"""The command line's `run` as its user has it: a process, its events, signals, its end."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.paths import ROOT


class Desk:
    """One ``tunebench run --json`` in a process of its own, read event by event."""

    deadline_seconds = 120  #: from the last event asked for to its end

    def __init__(self, *arguments: str, cache: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "suite", "run", "--json", *arguments],
            cwd=ROOT,
            env={**os.environ, "TUNEBENCH_CACHE": str(cache), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def events(self) -> Iterator[dict[str, object]]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def until(self, **wanted: object) -> None:
        """Return at the first event with these values."""
        for event in self.events():
            if wanted.items() <= event.items():
                return
        pytest.fail(f"no {wanted}: {self.finish()}")

    def finish(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=self.deadline_seconds)
        return self.process.returncode, errors
