import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from suite.errors import BadInput, WrongMachine
from suite.paths import ROOT
from suite.results.record import Record
from suite.results.storage import decode, run_folder
from support import records


def test_create_then_open_gives_the_same_plan_and_records(tmp_path: Path) -> None:
    """What was appended is there after the process that wrote it has gone."""
    with run_folder.create(tmp_path / "run", records.plan()) as run:
        first = run.append(records.record(method="lora"))
    with run_folder.open_run(tmp_path / "run") as again:
        assert again.plan == records.plan()
        assert again.records == (first,)
        assert again.problems == ()
        assert again.done(1, "tiny-qwen3-lora")
        assert not again.done(2, "tiny-qwen3-lora")
        assert not again.done(1, "tiny-qwen3-qlora")


def test_create_never_overwrites(tmp_path: Path) -> None:
    """A folder with anything in it is refused, and a run there gets a hint at --resume."""
    run_folder.create(tmp_path / "run", records.plan()).close()
    with pytest.raises(BadInput, match="has a session already") as refused:
        run_folder.create(tmp_path / "run", records.plan())
    assert "--resume" in refused.value.hint
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(BadInput, match="not empty"):
        run_folder.create(tmp_path / "other", records.plan())


def test_the_plan_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that dies before its plan is in place leaves a folder that can be used again."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            run_folder.create(tmp_path / "run", records.plan())
    assert not (tmp_path / "run" / "run.json").exists()
    run_folder.create(tmp_path / "run", records.plan()).close()


def test_a_run_has_one_writer_and_kill_frees_it(tmp_path: Path) -> None:
    """While a live process writes a run nobody else can; after kill -9 at once."""
    script = (
        "import sys, time; from pathlib import Path; from support import records;"
        " from suite.results.storage import run_folder;"
        " run = run_folder.create(Path(sys.argv[1]), records.plan());"
        " print('ready', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        with pytest.raises(WrongMachine, match="another process is writing"):
            run_folder.open_run(tmp_path / "run")
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    run_folder.open_run(tmp_path / "run").close()


def test_a_lent_run_comes_back_with_what_the_other_wrote(tmp_path: Path) -> None:
    """Meanwhile another process may write it, afterwards nobody else; also after an error."""
    folder = tmp_path / "run"
    with run_folder.create(folder, records.plan()) as run:
        with run.lent(), run_folder.open_run(folder) as other:
            first = other.append(records.record(method="lora"))
        assert run.records == (first,)
        with pytest.raises(WrongMachine, match="another process"):
            run_folder.open_run(folder)
        with pytest.raises(KeyError), run.lent():
            raise KeyError
        second = run.append(records.record(method="qlora"))
        with pytest.raises(WrongMachine, match="another process"), run.lent():
            keeper = run_folder.open_run(folder)
    keeper.close()
    assert run_folder.read([folder]).records == (first, second)


def test_append_refuses_what_does_not_belong(tmp_path: Path) -> None:
    """A record of another run, or a second one of a case in a launch, is a mistake of ours."""
    with run_folder.create(tmp_path / "run", records.plan()) as run:
        with pytest.raises(ValueError, match="given to session"):
            run.append(records.record(run_id="another"))
        run.append(records.record())
        with pytest.raises(ValueError, match="has its record"):
            run.append(records.record(seconds=0.2))
        run.append(records.record(launch=2))
        assert len(run.records) == 2


@pytest.mark.parametrize("cut", [1, 200, -2])
def test_half_a_last_line_is_set_aside_on_resume(tmp_path: Path, cut: int) -> None:
    """The record before it stays, the case is due again, and the bytes are kept."""
    with run_folder.create(tmp_path / "run", records.plan()) as run:
        run.append(records.record(method="lora"))
        run.append(records.record(method="qlora"))
    journal = tmp_path / "run" / "journal.jsonl"
    first, second = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + second[:cut])
    with run_folder.open_run(tmp_path / "run") as again:
        assert [record.method for record in again.records] == ["lora"]
        assert "cut off" in again.problems[0].reason
        again.append(records.record(method="qlora"))
    assert (tmp_path / "run" / "journal.jsonl.damaged").read_bytes() == second[:cut] + b"\n"
    assert len(run_folder.read([tmp_path / "run"]).records) == 2
    assert run_folder.read([tmp_path / "run"]).problems == ()


def test_a_whole_last_line_without_newline_is_kept(tmp_path: Path) -> None:
    """Only the newline is lost: the record counts and the next one gets its own line."""
    with run_folder.create(tmp_path / "run", records.plan()) as run:
        run.append(records.record(method="lora"))
    journal = tmp_path / "run" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().rstrip(b"\n"))
    with run_folder.open_run(tmp_path / "run") as again:
        assert len(again.records) == 1
        again.append(records.record(method="qlora"))
    assert len(run_folder.read([tmp_path / "run"]).records) == 2


def test_a_damaged_middle_line_is_named_and_its_case_due_again(tmp_path: Path) -> None:
    """Damage before the last line is left where it is; the rest counts."""
    with run_folder.create(tmp_path / "run", records.plan()) as run:
        run.append(records.record(method="lora"))
        run.append(records.record(method="qlora"))
    journal = tmp_path / "run" / "journal.jsonl"
    _, second = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"\0" * 40 + b"\n" + second)
    with run_folder.open_run(tmp_path / "run") as again:
        assert not again.done(1, "tiny-qwen3-lora")
        assert again.done(1, "tiny-qwen3-qlora")
        assert again.problems[0].line == 1


def test_a_full_disk_leaves_the_journal_whole(tmp_path: Path) -> None:
    """The file system's refusal in mid-line ends as one clear error; what was safe is safe."""
    with run_folder.create(tmp_path / "run", records.plan()) as run:
        run.append(records.record(method="lora"))
        journal = run.folder / "journal.jsonl"
        before = journal.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 1000, limits[1]))
        try:
            with pytest.raises(WrongMachine, match="disk full: 1 result is safe in") as full:
                run.append(records.record(method="qlora"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "--resume" in full.value.hint
        assert journal.read_bytes() == before
        run.append(records.record(method="qlora"))
    assert len(run_folder.read([tmp_path / "run"]).records) == 2


def fill(run: run_folder.Run) -> None:
    for launch in range(1, 99):
        run.append(records.record(launch=launch))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_really_full_file_system(tmp_path: Path) -> None:
    """A tmpfs of 64 KiB fills up while records are appended; all before the last are read."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        with run_folder.create(disk / "run", records.plan(launches=99)) as run:
            with pytest.raises(WrongMachine, match="disk full"):
                fill(run)
            safe = len(run.records)
        found = run_folder.read([disk / "run"])
        assert len(found.records) == safe > 1
        assert found.problems == ()
        with pytest.raises(WrongMachine, match="cannot be written: No space left"):
            run_folder.create(disk / "second", records.plan(models=("tiny-qwen3", "tiny-gpt-oss")))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_read_only_disk(tmp_path: Path) -> None:
    """Creating and resuming on a read-only disk end as an error of the machine; reading works."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        with run_folder.create(disk / "run", records.plan()) as run:
            run.append(records.record())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(WrongMachine, match="Read-only"):
            run_folder.create(disk / "other", records.plan())
        with pytest.raises(WrongMachine, match="Read-only"):
            run_folder.open_run(disk / "run")
        assert len(run_folder.read([disk / "run"]).records) == 1
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where a folder should be is named."""
    (tmp_path / "file").touch()
    with pytest.raises(WrongMachine, match=os.strerror(errno.ENOTDIR)):
        run_folder.create(tmp_path / "file" / "run", records.plan())


def test_opening_what_is_no_run(tmp_path: Path) -> None:
    """No folder, a folder without a plan and a plan of a newer schema are each said."""
    with pytest.raises(BadInput, match="no session to go on with"):
        run_folder.open_run(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"run\.json is missing"):
        run_folder.open_run(tmp_path)
    newer = {**json.loads(msgspec.json.encode(records.plan())), "schema": 99}
    (tmp_path / "run.json").write_text(json.dumps(newer))
    with pytest.raises(BadInput, match="newer tunebench: schema 99"):
        run_folder.open_run(tmp_path)


def test_a_digest_survives_a_field_added_later(tmp_path: Path) -> None:
    """A record written before an optional field existed still counts as untouched."""
    import hashlib

    older = json.loads(msgspec.json.encode(records.record()))
    del older["notes"]
    older["record_id"] = ""
    digest = hashlib.sha256(msgspec.json.encode(older)).hexdigest()[:16]
    line = msgspec.json.encode({**older, "record_id": digest})
    assert decode.document(line, Record).record_id == digest
