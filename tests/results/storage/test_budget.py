"""What one call reads is bounded over all of its inputs, and the good record is always there."""

import json
import os
import time
from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.results.record import encode
from suite.results.storage import budget
from suite.results.storage.reader import Collection, read
from suite.results.storage.walk import MOST_DEPTH
from support import records

GOOD = records.record()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose last file, by its name, holds the good record."""
    (tmp_path / "z.jsonl").write_bytes(encode(GOOD) + b"\n")
    return tmp_path


def reading(folder: Path, seconds: float = 30) -> Collection:
    """Read a folder within its time; the good record is there."""
    began = time.monotonic()
    found = read([folder])
    assert time.monotonic() - began < seconds
    assert found.records == (GOOD,)
    return found


def test_an_integer_beyond_64_bits_costs_its_record(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named with its field, and every verb goes on."""
    tree = json.loads(encode(records.record(launch=2)))
    tree["environment"]["versions"]["cpu_threads"] = 2**64
    (folder / "a.jsonl").write_text(json.dumps(tree) + "\n")
    (problem,) = reading(folder).problems
    assert "cpu_threads" in problem.reason
    assert main(["export", str(folder), "--format", "jsonl"]) == 0
    assert GOOD.record_id in capsys.readouterr().out


def test_a_million_bad_lines_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty are named; each is parsed once, so that 2 MB take seconds."""
    (folder / "a.jsonl").write_bytes(b"x\n" * 1_000_000)
    assert main(["validate", str(folder)]) == 2
    said = capsys.readouterr().out
    assert "and 999,980 more lines cannot be used" in said
    assert "1 good record, 1,000,000 problems" in said
    reading(folder)


def test_bad_lines_of_many_files_are_named_up_to_a_limit(folder: Path) -> None:
    """The limit is one of the call: a thousand files do not name a thousand times as much."""
    for number in range(300):
        (folder / f"a{number}.jsonl").write_bytes(b"x\n" * 30)
    found = reading(folder)
    assert len(found.problems) == budget.MOST_NAMED + 1
    assert sum(problem.stands_for for problem in found.problems) == 300 * 30
    assert "more problems, not named" in found.problems[-1].reason


def test_rubbish_uses_up_its_own_budget_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tunebench wrote is read after any amount of what it did not write."""
    monkeypatch.setattr(budget, "MOST_ODD_BYTES", 1000)
    spaced = json.dumps(json.loads(encode(records.record(method="qlora"))))
    for name in ("a.json", "b.jsonl"):
        (folder / name).write_bytes(b"{" + b" " * 2000 + b"}\n")
    (folder / "c.jsonl").write_text(spaced + "\n")
    found = reading(folder)
    assert [problem.reason for problem in found.problems[1:]] == [budget.ODD_SPENT] * 2


def test_plans_are_counted_together(folder: Path) -> None:
    """Two hundred plans of 100,000 records list what is missing of two; all are named."""
    tree = json.loads(msgspec.json.encode(records.plan(launches=50_000)))
    for number in range(200):
        (folder / str(number)).mkdir()
        tree["run_id"] = f"r{number}"
        (folder / str(number) / "run.json").write_text(json.dumps(tree))
    found = reading(folder)
    assert len(found.plans) == 2
    assert len(found.missing()) == budget.MOST_PLANNED
    assert sum(problem.stands_for for problem in found.problems) == 200 + 198


def test_what_is_kept_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good records beyond the memory that a call may take are counted, not kept."""
    monkeypatch.setattr(budget, "MOST_KEPT_RECORDS", 3)
    lines = b"".join(encode(records.record(launch=n)) + b"\n" for n in range(2, 30))
    (folder / "a.jsonl").write_bytes(encode(GOOD) + b"\n" + lines)
    found = read([folder])
    assert len(found.records) == 3
    assert budget.KEPT_SPENT in found.problems[0].reason
    assert sum(problem.stands_for for problem in found.problems) == 26 + 1


def test_files_and_bytes_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So are the files that are opened, and the bytes that are read of them: no hang."""
    with (folder / "zz.jsonl").open("wb") as file:
        file.truncate(1 << 34)  # sparse
    monkeypatch.setattr(budget, "MOST_READ_BYTES", 100 << 20)
    assert budget.READ_SPENT in str(reading(folder).problems[-1])
    monkeypatch.setattr(budget, "MOST_FILES", 1)
    assert budget.FILES_SPENT in str(reading(folder).problems[-1])


@pytest.mark.parametrize(
    "tail", [b"[" + b"[]," * 3_000_000 + b"[]]", b'"' + b"a" * 9_000_000 + b'"']
)
def test_no_tree_is_made_of_what_is_no_record(folder: Path, tail: bytes) -> None:
    """An unknown key is refused without holding what it says."""
    for number in range(5):
        line = encode(records.record(launch=2 + number))[:-1] + b',"zz":' + tail + b"}"
        (folder / f"a{number}.json").write_bytes(line)
    assert all("unknown field" in problem.reason for problem in reading(folder).problems)


def test_a_folder_of_folders_without_end(folder: Path) -> None:
    """Deeper than anybody files results is named; the recursion of no one is exceeded."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        for _ in range(1200):
            Path("a").mkdir()
            os.chdir("a")
    finally:
        os.chdir(here)
    try:
        (problem,) = reading(folder).problems
        assert f"more than {MOST_DEPTH} folders" in problem.reason
    finally:
        os.system(f"rm -r '{folder}/a'")  # shutil.rmtree recurses
