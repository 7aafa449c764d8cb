"""What is read of the checkout that measures: is a commit in its history?"""

import subprocess
from pathlib import Path

import pytest

from suite.run.machine.environment import has_commit


def git(place: Path, *words: str) -> str:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    command = ["git", *who, "-C", str(place), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "origin"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch", "main")
    for message in ("one", "two"):
        git(made, "commit", "--quiet", "--allow-empty", "-m", message)
    return made


def test_a_commit_is_in_the_history_or_it_is_not(place: Path) -> None:
    """An earlier one is; one of a branch that was never merged, an unknown and no name are not."""
    first = git(place, "rev-parse", "HEAD~1")
    assert has_commit(place, first) is True
    git(place, "switch", "--quiet", "-c", "mine")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "local")
    local = git(place, "rev-parse", "HEAD")
    assert has_commit(place, local) is True
    git(place, "switch", "--quiet", "main")
    assert [has_commit(place, each) for each in (local, "f" * 40, "--octopus")] == [False] * 3


def test_a_shallow_clone_knows_only_what_it_has(place: Path, tmp_path: Path) -> None:
    """Else every result would be refused where CI fetched one commit."""
    first, last = git(place, "rev-parse", "HEAD~1"), git(place, "rev-parse", "HEAD")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{place}", str(shallow))
    assert has_commit(shallow, last) is True
    assert has_commit(shallow, first) is None
    assert has_commit(tmp_path, first) is None
