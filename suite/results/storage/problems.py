"""What is wrong with the input: named one by one up to a limit, and counted beyond it."""

from pathlib import Path

from suite import units
from suite.results.storage import budget, decode
from suite.wire import Struct


class Problem(Struct, frozen=True, kw_only=True):
    """One thing in the input that is left out, or needs a reader's eye: where, and why.

    ``stands_for`` is how many of them this is: what is not named one by one is counted.
    """

    path: str
    reason: str
    line: int | None = None
    stands_for: int = 1

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return units.printable(f"{place}: {self.reason}")


class Problems:
    """The problems of one call, over all of its inputs."""

    def __init__(self) -> None:
        self._named: list[Problem] = []
        self._unnamed = 0

    @property
    def count(self) -> int:
        """Return how many there are so far, named or not."""
        return sum(problem.stands_for for problem in self._named) + self._unnamed

    @property
    def names(self) -> bool:
        """Return whether the next one is named."""
        return len(self._named) < budget.MOST_NAMED

    def add(
        self, path: Path, reason: str, line: int | None = None, *, stands_for: int = 1
    ) -> None:
        """Name a problem, or count it where enough are named."""
        if not self.names:
            self._unnamed += stands_for
            return
        why = decode.shortened(reason)
        problem = Problem(path=str(path), reason=why, line=line, stands_for=stands_for)
        self._named.append(problem)

    def all(self) -> tuple[Problem, ...]:
        """Return those that are named, and the number of all others as the last one."""
        if not self._unnamed:
            return tuple(self._named)
        reason = f"and {units.counted(self._unnamed, 'more problem')}, not named one by one"
        rest = Problem(path="all input", reason=reason, stands_for=self._unnamed)
        return (*self._named, rest)
