"""What CI says of a pull request that brings results (``.ci/contributed.py``), in a real clone."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from suite.paths import ROOT
from suite.results.record import Environment
from suite.results.storage.reader import JOURNAL, PLAN
from suite.run.machine import environment as machine
from support import contributed

LATER = "20261125T070000Z-0123abcd"


def git(place: Path, *words: str) -> str:
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    command = ["git", *who, "-C", str(place), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(place: Path) -> str:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--allow-empty", "-m", "a change")
    return git(place, "rev-parse", "HEAD")


def judged(place: Path, base: str, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "contributed.py"), base, *options],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a repository that has one published run."""
    made = tmp_path / "clone"
    made.mkdir()
    git(made, "init", "--quiet")
    contributed.published(made / "reports" / "results", around=ours())
    (made / "suite").mkdir()
    (made / "suite" / "units.py").write_text("KILO = 1000\n")
    for work in made.glob("reports/run-*"):
        work.rename(tmp_path / work.name)
    return made


def ours() -> Environment:
    """Return an environment whose revision is one of this checkout."""
    revision, _, reason = machine.git(ROOT)
    if revision is None:
        pytest.skip(f"no history here: {reason}")
    return msgspec.structs.replace(contributed.environment(), revision=revision)


def give(place: Path) -> Path:
    made = contributed.published(place / "reports" / "results", run_id=LATER, around=ours())
    for work in place.glob("reports/run-*"):
        work.rename(place.parent / work.name)
    return made.relative_to(place)


def test_a_good_pull_request_passes(place: Path) -> None:
    """Only the new run is judged, and its owner is named."""
    base = commit(place)
    folder = give(place)
    (place / "hardware_profiles").mkdir()
    (place / "hardware_profiles" / "mine.toml").write_text("title = 'Mine'\n")
    commit(place)
    code, said = judged(place, base)
    assert code == 0, said
    assert f"### `{folder}`" in said
    assert "by ada: good, it may be taken in" in said
    assert said.count("###") == 1


def test_what_is_wrong_with_a_folder_is_a_row(place: Path) -> None:
    """Whoever opened the pull request reads file and reason there."""
    base = commit(place)
    folder = place / give(place)
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(lines[0])
    commit(place)
    code, said = judged(place, base)
    assert code == 1
    assert f"| {JOURNAL} | tiny-qwen3-lora, repeat 2: is planned, but has no record |" in said
    assert "docs/adding-a-gpu.md" in said


def test_what_is_published_stays_as_it_is(place: Path) -> None:
    """A number that others quote does not change, nor go, in a pull request with new ones."""
    base = commit(place)
    give(place)
    old, *_ = sorted((place / "reports" / "results" / "cpu").glob("2*"))
    (old / PLAN).unlink()
    (old / JOURNAL).write_text((old / JOURNAL).read_text().replace("ada", "bob"))
    (place / "reports" / "results" / "cpu" / "mine.txt").write_text("hello")
    commit(place)
    code, said = judged(place, base)
    assert code == 1
    assert f"{old.name}/{PLAN}: is published; a result is never changed or removed" in said
    assert f"{old.name}/{JOURNAL}: is published" in said
    assert "mine.txt: is no part of a published run" in said


def test_who_measures_does_not_change_what_judges(place: Path) -> None:
    """Strangers' results come without changes of the suite; the project's own may have some."""
    base = commit(place)
    give(place)
    (place / "suite" / "units.py").write_text("KILO = 1024\n")
    commit(place)
    code, said = judged(place, base)
    assert code == 1
    assert "suite/units.py: changes of the suite come in a pull request of their own" in said
    assert judged(place, base, "--own")[0] == 0
