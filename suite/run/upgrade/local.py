"""Other versions of packages, laid over this environment: what an upgrade would bring.

An overlay is a folder that comes before this environment's own packages on a worker's path. It
holds only what differs, so that it costs no second copy of PyTorch. Overlays are kept in the cache
and found again by what they hold.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping

import msgspec

from suite.errors import WrongMachine
from suite.results.storage.run_folder import Run
from suite.run.folders import cache_folder
from suite.run.launch import OneLaunch
from suite.run.progress.reporter import Reporter
from suite.run.pytest_front.drive import run_launch
from suite.run.upgrade import package_index


class LocalEnvironment:
    """This environment, which other versions are laid over."""

    image_id = None

    def __init__(self) -> None:
        self.target = package_index.here()

    def make(self, packages: Mapping[str, str]) -> "Overlay":
        """Return the overlay of these versions, installed unless the cache has it."""
        if not packages:
            return Overlay(packages={})
        wanted = package_index.pins(packages)
        digest = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
        folder = cache_folder() / "overlays" / digest
        if not folder.is_dir():
            fresh = folder.with_name(f".{digest}.{secrets.token_hex(4)}")
            try:
                fresh.parent.mkdir(parents=True, exist_ok=True)
                package_index.install(packages, self.target, fresh)
                fresh.rename(folder)
            except OSError as error:
                raise WrongMachine(
                    f"{folder}: cannot be written: {error.strerror}",
                    hint="Set TUNEBENCH_CACHE to a folder with space.",
                ) from error
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
        return Overlay(packages=dict(packages), folder=str(folder))


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """``packages`` differ from this environment (name: version); without any, no ``folder``."""

    packages: dict[str, str]
    folder: str = ""

    @contextlib.contextmanager
    def ready(self, run: Run) -> Iterator[OneLaunch]:
        """Yield what carries out a launch of the run with it, by the launch's number."""

        def one(number: int, reporter: Reporter) -> None:
            with self._active():
                run_launch(run, number, reporter)

        yield one

    @contextlib.contextmanager
    def _active(self) -> Iterator[None]:
        """Let the workers that start meanwhile see it."""
        before = os.environ.get("PYTHONPATH")
        if self.folder:
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [self.folder, before]))
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("PYTHONPATH", None)
            else:
                os.environ["PYTHONPATH"] = before
