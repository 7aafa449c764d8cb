import json
import os
from pathlib import Path

import msgspec
import pytest

from suite.errors import BadInput
from suite.results.record import Record
from suite.results.storage import decode, run_folder
from support import records


def line(record: Record) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def changed(record: Record, **fields: object) -> bytes:
    return json.dumps({**json.loads(msgspec.json.encode(record)), **fields}).encode() + b"\n"


def make_run(folder: Path, *appended: Record, **plan: object) -> Path:
    with run_folder.create(folder, records.plan(**plan)) as run:  # type: ignore[arg-type]
        for record in appended:
            run.append(record)
    return folder


def reasons(paths: list[Path]) -> list[str]:
    return [str(problem) for problem in run_folder.read(paths).problems]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"", "empty"),
        (b'{"schema": 1, "run_id"', "not JSON"),
        (b"\xff\xfe\x00 rubbish", "not JSON"),
        (b'{"name": "pip", "version": 3}', "foreign JSON"),
        (b"[1, 2, 3]", "foreign JSON"),
        (b"12", "foreign JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"schema": true, "run_id": "x"}', "not a valid record"),
        (b'{"schema": "1", "run_id": "x"}', "foreign JSON"),
        (b'{"schema": 1, "run_id": "x", "surprise": 1}', "not a valid record"),
        (changed(records.record(), schema=7), "newer tunebench: schema 7, this one reads up to 4"),
        (changed(records.record(), schema=0), "schema 0"),
        (changed(records.record(), wall_seconds=float("nan")), "contains NaN"),
        (changed(records.record(), wall_seconds=float("-inf")), "contains -Infinity"),
        (line(records.record()).replace(b"9.4", b"1e999"), "not JSON"),
        (changed(records.record(), wall_seconds=-1), "wall_seconds"),
        (changed(records.record(), outcome="great"), "outcome"),
        (changed(records.record(), wall_seconds=1.0), "edited or damaged"),
        (changed(records.record(), launch=10**400), "not a valid record"),
        (line(records.record(case_id="qwen3-8b-lora")), "contradicts itself"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_used(tmp_path: Path, bad: bytes, reason: str) -> None:
    """Each kind of rubbish costs its own line alone, and the message says file, line and why."""
    good = records.record(method="qlora")
    path = tmp_path / "journal.jsonl"
    path.write_bytes(bad.rstrip(b"\n") + b"\n" + line(good))
    found = run_folder.read([path])
    assert found.records == (good,)
    (problem,) = found.problems
    assert (problem.path, problem.line) == (str(path), 1)
    assert reason in problem.reason
    assert "\n" not in str(problem)


def test_half_a_last_line_is_ignored_with_a_warning(tmp_path: Path) -> None:
    """A kill in mid-line loses that line only, and reading says so."""
    run = make_run(tmp_path / "run", records.record(), records.record(method="qlora"))
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-100])
    found = run_folder.read([run])
    assert [record.method for record in found.records] == ["lora"]
    assert "journal.jsonl:2: the last line is cut off, ignored" in str(found.problems[0])
    assert [case.case_id for _, _, case in found.missing()] == ["tiny-qwen3-qlora"]


def test_empty_and_missing_journals(tmp_path: Path) -> None:
    """A run that was killed before its first case ended still shows what it had planned."""
    run = make_run(tmp_path / "run", launches=2)
    assert "no case has ended yet" in reasons([run])[0]
    (run / "journal.jsonl").touch()
    assert "empty: no case has ended yet" in reasons([run])[0]
    assert len(run_folder.read([run]).missing()) == 4


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    """A folder without results, a path that does not exist and a special file are refused."""
    with pytest.raises(BadInput, match="a folder without results"):
        run_folder.read([tmp_path])
    with pytest.raises(BadInput, match="no such file or folder"):
        run_folder.read([tmp_path / "typo"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="neither a file nor a folder"):
        run_folder.read([tmp_path / "pipe"])
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(BadInput, match="foreign JSON"):
        run_folder.read([tmp_path])


def test_runs_in_folders_and_single_files_are_read_together(tmp_path: Path) -> None:
    """A run, a published folder with runs and files below it, and one record file add up."""
    one = make_run(tmp_path / "one", records.record())
    below = tmp_path / "published" / "cpu"
    below.mkdir(parents=True)
    make_run(below / "two", records.record(run_id="two"), run_id="two")
    (below / "three.jsonl").write_bytes(line(records.record(run_id="three")))
    (below / "readme.txt").write_text("not a result")
    single = tmp_path / "four.json"
    single.write_bytes(msgspec.json.format(line(records.record(run_id="four"))))
    found = run_folder.read([one, tmp_path / "published", single])
    assert {record.run_id for record in found.records} == {records.RUN_ID, "two", "three", "four"}
    assert found.problems == ()
    assert len(found.plans) == 2
    assert set(found.sources) == {record.record_id for record in found.records}


def test_the_same_records_twice_count_once(tmp_path: Path) -> None:
    """A copied run beside the original changes nothing but says so."""
    run = make_run(tmp_path / "a" / "run", records.record(), records.record(method="qlora"))
    copy = tmp_path / "b.jsonl"
    copy.write_bytes((run / "journal.jsonl").read_bytes())
    found = run_folder.read([run, copy])
    assert len(found.records) == 2
    assert [problem.reason for problem in found.problems] == [
        "2 records read before, counted once"
    ]


def test_two_runs_with_one_id(tmp_path: Path) -> None:
    """Different plans under one id: the first is used whole, the second left out whole."""
    first = make_run(tmp_path / "first", records.record(seconds=0.1))
    second = make_run(tmp_path / "second", records.record(seconds=0.2), launches=3)
    found = run_folder.read([first, second])
    assert [record.steps[-1].seconds for record in found.records] == [
        records.record(seconds=0.1).steps[-1].seconds
    ]
    assert "a different session with the same id" in found.problems[0].reason
    assert str(second) in found.problems[0].path


def test_two_results_for_one_case_of_a_run(tmp_path: Path) -> None:
    """One plan run in two copies: the second result of a case is named and left out."""
    first = make_run(tmp_path / "first", records.record(seconds=0.1))
    second = make_run(
        tmp_path / "second", records.record(seconds=0.2), records.record(method="qlora")
    )
    found = run_folder.read([first, second])
    assert [record.method for record in found.records] == ["lora", "qlora"]
    assert f"was read from {first / 'journal.jsonl'}:1; this one is left out" in str(
        found.problems[0]
    )


def test_a_foreign_record_in_a_run(tmp_path: Path) -> None:
    """A record of another run in a run's own journal is left out by name."""
    run = make_run(tmp_path / "run", records.record())
    with (run / "journal.jsonl").open("ab") as journal:
        journal.write(line(records.record(run_id="stranger")))
    assert "a record of session 'stranger' in the folder of" in reasons([run])[0]


def test_a_damaged_plan_leaves_the_records_usable(tmp_path: Path) -> None:
    """run.json matters less than what was measured."""
    run = make_run(tmp_path / "run", records.record())
    (run / "run.json").write_text('{"schema": 1')
    found = run_folder.read([run])
    assert len(found.records) == 1
    assert "run.json: not JSON" in str(found.problems[0])
    (run / "run.json").unlink()
    assert "run.json is missing" in reasons([run])[0]


def test_pytest_benchmark_files_are_recognized(tmp_path: Path) -> None:
    """Giving launch-1.json says where the records are instead of calling it foreign."""
    run = make_run(tmp_path / "run", records.record())
    (run / "launch-1.json").write_text('{"machine_info": {}, "benchmarks": []}')
    assert reasons([run]) == []
    assert "pytest-benchmark's own file" in reasons([run, run / "launch-1.json"])[0]


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line over the limit is skipped without being held in memory; the next one is used."""
    limit = 1 << 20
    monkeypatch.setattr(decode, "MAX_DOCUMENT_BYTES", limit)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b" " * (3 * limit) + b"\n" + line(records.record()))
    found = run_folder.read([path])
    assert len(found.records) == 1
    assert "too large" in found.problems[0].reason
    assert found.problems[0].line == 1


def test_a_strangers_file_cannot_command_the_terminal(tmp_path: Path) -> None:
    """Escape sequences in keys and values of a file are not printed as they are."""
    path = tmp_path / "evil.json"
    path.write_text(json.dumps({"\x1b[2J\n": 1}))
    good = tmp_path / "good.json"
    good.write_bytes(line(records.record()))
    (shown,) = reasons([path, good])
    assert shown.isprintable()
    assert "[2J" in shown
