"""What two sides of a comparison of package versions stand on: this environment, or an image."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from suite.results.storage.run_folder import Run
from suite.run.launch import OneLaunch
from suite.run.upgrade.package_index import Target


class PatchedEnvironment(Protocol):
    """A target environment with some versions laid over it; launches run with them."""

    def ready(self, run: Run) -> AbstractContextManager[OneLaunch]:
        """Yield what carries out a launch of the run with it; leaving ends what that needed."""
        ...


class TargetEnvironment(Protocol):
    """An environment that is never changed: ``target`` says what it holds."""

    @property
    def image_id(self) -> str | None:
        """Return the id of the image that it is; None where it is this environment."""
        ...

    @property
    def target(self) -> Target:
        """Return what it holds, and how pip is told of it."""
        ...

    def make(self, packages: Mapping[str, str]) -> PatchedEnvironment:
        """Return it with these versions, made unless the cache has them.

        Raises NotInstallable for versions that cannot be had or that nothing starts with.
        """
        ...
