"""The search for a culprit: both directions, its companions, reasons, and going on after a kill.

Launches are played by records where only the arithmetic is asked; packages are small wheels.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
import pytest

from suite.results.comparison import compare
from suite.results.record import Record
from suite.results.storage.run_folder import Run, create, read
from suite.run.launch import OneLaunch
from suite.run.progress.reporter import Reporter
from suite.run.upgrade import companions
from suite.run.upgrade.bisect import bisect
from suite.run.upgrade.package_index import Target
from suite.signals import Signals
from support import planted, records

BEHAVIOUR = Callable[[Mapping[str, str]], dict[str, object]]
FACTORS = (1.0, 1.004, 0.996)


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """An environment whose launches are records made from the packages laid over it."""

    target: Target
    behaviour: BEHAVIOUR
    launched: list[tuple[str, int]]
    image_id: str | None = None

    def make(self, packages: Mapping[str, str]) -> "Patched":
        return Patched(environment=self, packages={**self.target.packages, **packages})


class Patched(msgspec.Struct, frozen=True, kw_only=True):
    environment: Played
    packages: dict[str, str]

    def ready(self, run: Run) -> AbstractContextManager[OneLaunch]:
        @contextmanager
        def ready():  # type: ignore[no-untyped-def]
            def one(number: int, reporter: Reporter) -> None:
                self.environment.launched.append((run.folder.parent.name, number))
                for case in run.plan.cases:
                    run.append(self.record(run, number, case.method.name))

            yield one

        return ready()

    def record(self, run: Run, number: int, method: str) -> Record:
        found = self.environment.behaviour(self.packages)
        made = records.failed if "reason" in found else records.record
        if "seconds" in found:
            found = {**found, "seconds": float(str(found["seconds"])) * FACTORS[number - 1]}
        return made(method=method, run_id=run.plan.run_id, launch=number, **found)  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return tmp_path / "wheels"


def searched(
    folder: Path,
    there: Mapping[str, str],
    base: Mapping[str, str],
    candidate: Mapping[str, str],
    behaviour: BEHAVIOUR,
    needs: Mapping[str, Sequence[str]] | None = None,
) -> tuple[list[str], list[tuple[str, int]]]:
    """Measure both sides as the verb does, search, and return what is said and what was run."""
    target = Target(packages=there, needs=needs or {})
    environment = Played(target=target, behaviour=behaviour, launched=[])
    for side, packages in (("base", base), ("candidate", candidate)):
        if (folder / side).exists():
            continue
        plan = records.plan(
            methods=("lora",), launches=3, run_id=f"{records.RUN_ID[:-1]}{side[0]}"
        )
        with (
            create(folder / side, plan) as run,
            environment.make(packages).ready(run) as launch,
        ):
            for number in (1, 2, 3):
                launch(number, None)  # type: ignore[arg-type]
    found = compare(read([folder / "base"]), read([folder / "candidate"]))
    assert found.failures
    environment.launched.clear()
    with Signals() as signals:
        said = list(bisect(folder, environment, base, candidate, found, signals))
    return said, environment.launched


def slow_below(name: str, version: tuple[int, ...]) -> BEHAVIOUR:
    def behaviour(packages: Mapping[str, str]) -> dict[str, object]:
        here = tuple(map(int, packages[name].split(".")))
        return {"seconds": 0.2 if here < version else 0.1}

    return behaviour


def test_an_older_candidate_is_searched_downwards(index: Path, tmp_path: Path) -> None:
    """From the newer base down: the first older version that is slow, in two attempts of six."""
    for version in ("1.0", "1.1", "1.2", "1.3", "1.4"):
        planted.small("thing", version, index)
    said, launched = searched(
        tmp_path / "out", {"thing": "1.4"}, {}, {"thing": "1.0"}, slow_below("thing", (1, 2))
    )
    assert said[0].startswith("Searching 1 changed package: about 0 attempts")
    assert "Culprit: thing 1.4 → 1.0 (of 1 changed, 0 attempts)." in said
    assert said[-1] == "First version that shows it, from 1.4 on: thing 1.1 (2 attempts in all)."
    assert len(launched) == 12


def test_a_package_is_tried_with_the_dependency_it_brought(index: Path, tmp_path: Path) -> None:
    """Neither half runs alone: pairs of what fits together are tried, and the pair is named."""
    old, new = {"big": "1.0", "small": "1.0", "other": "1.0"}, {"big": "2.0", "small": "2.0"}
    for version, need in (("1.0", "small<2"), ("2.0", "small>=2")):
        planted.small("big", version, index, need)
    for name in ("small", "other"):
        for version in ("1.0", "2.0"):
            planted.small(name, version, index)

    def behaviour(packages: Mapping[str, str]) -> dict[str, object]:
        if packages["big"] != packages["small"]:
            return {"outcome": "error", "phase": "import", "reason": "ImportError: small"}
        return {"seconds": 0.2 if packages["big"] == "2.0" else 0.1}

    said, launched = searched(
        tmp_path / "out", old, {}, {**new, "other": "2.0"}, behaviour,
        {"big": ["small<2"], "small": [], "other": []},
    )  # fmt: skip
    assert any(
        "Culprit: big 1.0 → 2.0" in each and "with what must change with it: small 1.0" in each
        for each in said
    )
    assert len(launched) == 6, "one attempt: of the two halves one is the pair"


def test_another_failure_is_not_the_same_one(index: Path, tmp_path: Path) -> None:
    """A version that fails otherwise says nothing; the first with the candidate's reason is named.

    A failure at import takes one launch of the candidate's side alone.
    """
    for version in ("1", "2", "3", "4", "5"):
        planted.small("thing", version, index)

    def behaviour(packages: Mapping[str, str]) -> dict[str, object]:
        reason = {"3": "ValueError: no", "4": "ImportError: x", "5": "ImportError: x"}
        if said := reason.get(packages["thing"]):
            return {"outcome": "error", "phase": "import", "reason": said}
        return {"seconds": 0.1}

    said, launched = searched(tmp_path / "out", {"thing": "1"}, {}, {"thing": "5"}, behaviour)
    assert "1 repeat (of the candidate alone: it fails early)" in said[0]
    assert said[-2].startswith("First version that shows it, from 1 on: thing 4")
    assert said[-1] == "thing 3 may show it too: it fails in another way."
    assert [number for _, number in launched] == [1, 1, 1]


def test_a_search_that_was_killed_goes_on(index: Path, tmp_path: Path) -> None:
    """In the middle of an attempt, with half a line in the log: nothing is measured twice."""
    for version in ("1.0", "1.1", "1.2", "1.3", "1.4"):
        planted.small("thing", version, index)
    calls = []

    def killed(packages: Mapping[str, str]) -> dict[str, object]:
        calls.append(packages)
        if len(calls) == 6 + 6 + 4:  # both sides, one attempt, and three launches of the next
            raise KeyboardInterrupt
        return slow_below("thing", (1, 2))(packages)

    out, sides = tmp_path / "out", ({"thing": "1.4"}, {}, {"thing": "1.0"})
    with pytest.raises(KeyboardInterrupt):
        searched(out, *sides, killed)
    with (out / "bisect.jsonl").open("a") as log:
        log.write('{"packages": {"thi')
    said, launched = searched(out, *sides, slow_below("thing", (1, 2)))
    assert said[-1] == "First version that shows it, from 1.4 on: thing 1.1 (2 attempts in all)."
    assert len(launched) == 3, "the rest of the attempt that was cut"
    log = [json.loads(line) for line in (out / "bisect.jsonl").read_text().splitlines()]
    assert [each["shows"] for each in log] == [False, True]
    again, launched = searched(out, *sides, slow_below("thing", (1, 2)))
    assert (again, launched) == (said, [])


def test_unsloth_is_never_tried_with_the_other_sides_zoo() -> None:
    """Whichever of the two is asked for, and though no requirement says so."""
    old, new = (dict.fromkeys(("unsloth", "unsloth-zoo", "x"), each) for each in "12")
    for name in ("unsloth", "unsloth-zoo"):
        found = companions.with_companions({name}, (old, new), ({}, {}), {})
        assert found == {"unsloth", "unsloth-zoo"}


@pytest.mark.parametrize(
    ("asked", "together"),
    [
        ({"a"}, {"a", "b"}),  # the new a needs the new b
        ({"b"}, {"a", "b"}),  # the old a cannot stand the new b
        ({"c"}, {"c"}),
        ({"d"}, {"a", "b", "d"}),  # by way of a
    ],
)
def test_what_needs_each_other_moves_together(asked: set[str], together: set[str]) -> None:
    """In both directions, and no further."""
    old, new = dict.fromkeys("abcd", "1"), dict.fromkeys("abcd", "2")
    needs = {"a": ["b<2"], "c": []}, {"a": ["b>=2; python_version > '3'"], "d": ["a==2"]}
    assert companions.with_companions(asked, (old, new), needs, {}) == together
