import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from suite import __version__
from suite.cli import VERBS, main
from suite.console.measure import resume_command
from suite.paths import ROOT
from suite.results.record import Finding, Record
from suite.results.storage import run_folder
from support import records


def tunebench(
    *arguments: str, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does: its own process, its output in pipes."""
    return subprocess.run(
        [sys.executable, "-m", "suite", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def make_run(folder: Path, *appended: Record) -> Path:
    with run_folder.create(folder, records.plan()) as run:
        for record in appended or (records.record(), records.failed(method="qlora")):
            run.append(record)
    return folder


def test_help_names_every_verb_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """--help says what there is; no argument at all says the same and counts as a mistake."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    assert "exit codes:" in shown
    assert main([]) == 2
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help fits 80 columns and shows commands to type, and no option lacks a word."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"./tunebench {verb}" in shown.partition("examples:")[2]
    assert max(map(len, shown.splitlines())) <= 80


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints name and number alone."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tunebench {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["rnu"], "unknown command 'rnu'", "Did you mean 'run'?"),
        (["--vresion"], "unknown option '--vresion'", "Did you mean '--version'?"),
        (["run", "--modles", "a"], "unknown option '--modles' of 'run'", "'--models'"),
        (["run", "--modles=a"], "unknown option '--modles' of 'run'", "'--models'"),
        (["run", "--mod", "a"], "unknown option '--mod'", "Did you mean"),
        (["run", "--models", "tiny-qwen"], "unknown model 'tiny-qwen'", "'tiny-qwen3'"),
        (["run", "--methods", "lora,qlroa"], "unknown method 'qlroa'", "'qlora'"),
        (["run", "--tier", "smok"], "unknown tier 'smok'", "'smoke'"),
        (["run", "--profile", "h200"], "unknown profile 'h200'", "'h200-sxm'"),
        (["run", "--profile", "cpu", "--weights", "hubb"], "weights 'hubb'", "config.json"),
        (["run", "--loop", "stf"], "unknown value 'stf'. Did you mean 'sft'?", "--help"),
        (["run", "--launches", "0"], "--launches: must be at least 1", "--help"),
        (["run", "--launches", "many"], "not a whole number: 'many'", "--help"),
        (["run", "--seed", "-1"], "--seed: must not be negative", "--help"),
        (["run", "--models", ","], "--models: give at least one name", "--help"),
        (["run", "--out", ""], "--out: an empty path", "--help"),
        (["run", "extra"], "unrecognized arguments: extra", "--help"),
        (["list", "modles"], "Did you mean 'models'", "--help"),
        (["run", "--launches", "9999999"], "a session has 100,000 results at most", ""),
        (["export", "x", "--format", "cvs"], "Did you mean 'csv'?", "--help"),
        (["report"], "arguments are required: DIR", "--help"),
        (["report", "nowhere"], "nowhere: no such file or folder", ""),
        (["report", "x", "--with-raw"], "--with-raw is for --single-file", "A folder has"),
    ],
)
def test_mistakes_are_answered_with_a_suggestion(
    arguments: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word exits with 2, prints nothing on stdout and one or two lines that help."""
    extra = ["--profile", "cpu"] if arguments[0] == "run" and "--profile" not in arguments else []
    assert main([*arguments, *extra]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0].startswith("tunebench: error: ")
    assert message in lines[0]
    assert hint in shown.err
    assert len(lines) <= 2


def test_resume_refuses_what_the_plan_fixes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every conflicting option is named; --out beside --resume DIR is ambiguous."""
    run = make_run(tmp_path / "run")
    assert main(["run", "--resume", str(run), "--seed", "3", "--models", "tiny-qwen3"]) == 2
    assert "contradicts --models, --seed" in capsys.readouterr().err
    assert main(["run", "--resume", str(run), "--out", str(tmp_path)]) == 2
    assert "--out contradicts --resume" in capsys.readouterr().err
    assert main(["run", "--resume", str(tmp_path / "typo")]) == 2
    assert "no session to go on with" in capsys.readouterr().err


def test_a_plans_folder_of_weights_is_confirmed_before_it_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's plan may name any place; a finished run reads none."""
    place = str((tmp_path / "weights").resolve())
    plan = msgspec.structs.replace(records.plan(), weights=place)
    run = tmp_path / "run"
    with run_folder.create(run, plan):
        pass
    assert main(["run", "--resume", str(run)]) == 2
    said = capsys.readouterr().err
    assert f"reads weights from {place!r}" in said
    assert f"--resume {run} --weights {place}" in said
    assert main(["run", "--resume", str(run), "--weights", "dummy"]) == 2
    assert "contradicts the plan" in capsys.readouterr().err
    assert main(["run", "--resume", str(run), "--weights", place, "--dry-run"]) == 0
    with run_folder.open_run(run, weights=place) as opened:
        assert resume_command(opened).endswith(f" --weights {place}")
        for case in plan.cases:
            opened.append(records.record(case.model.name, case.method.name))
    with run_folder.open_run(run):
        pass


def test_resume_without_a_folder_takes_out_or_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--out DIR --resume`` means that folder; ``--resume`` alone the newest in runs/."""
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--resume"]) == 2
    assert "no session in" in capsys.readouterr().err
    make_run(tmp_path / "runs" / "20260101T000000Z-a", records.record())
    make_run(tmp_path / "runs" / "20260201T000000Z-b")
    assert main(["run", "--resume"]) == 0
    assert "2 results → runs/20260201T000000Z-b" in capsys.readouterr().out
    make_run(tmp_path / "mine")
    assert main(["run", "--out", "mine", "--resume"]) == 0
    assert "2 results → mine" in capsys.readouterr().out


def test_a_finished_run_resumes_to_its_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is run again; the table, the reason of the oom and the next command are shown."""
    run = make_run(tmp_path / "run")
    before = (run / "journal.jsonl").read_bytes()
    assert main(["run", "--resume", str(run)]) == 0
    shown = capsys.readouterr().out
    assert "tiny-qwen3-qlora: oom in load: out of memory while loading" in shown
    assert f"./tunebench report {run} --out site" in shown
    assert (run / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (records.failed(method="qlora", outcome="oom"), 0),
        (records.failed(method="qlora", outcome="unsupported"), 0),
        (records.failed(method="qlora", outcome="skipped"), 0),
        (records.failed(method="qlora", outcome="error"), 4),
        (records.failed(method="qlora", outcome="timeout"), 4),
        (records.failed(method="qlora", outcome="killed"), 4),
        (records.record(method="qlora", outcome="invalid", reason="a check failed"), 4),
    ],
)
def test_exit_code_tells_answers_from_failures(tmp_path: Path, record: Record, code: int) -> None:
    """Out of memory is an answer, an error is a failure."""
    run = make_run(tmp_path / "run", records.record(), record)
    assert main(["run", "--resume", str(run), "--json"]) == code


def test_losses_that_differ_fail_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fast wrong run exits with 4 and says how far its losses are off."""
    plan = records.plan(methods=("lora", "unsloth-lora"))
    with run_folder.create(tmp_path / "run", plan) as run:
        run.append(records.record(method="lora", loss=6.2))
        run.append(records.record(method="unsloth-lora", loss=6.5))
    assert main(["run", "--resume", str(tmp_path / "run")]) == 4
    shown = capsys.readouterr().out
    assert "tiny-qwen3-unsloth-lora: losses differ: first loss is" in shown
    assert "2 results, 1 failed" in shown


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It lists every case of every launch, with why some are unsupported."""
    out = tmp_path / "run"
    arguments = ["run", "--profile", "cpu", "--models", "tiny-gpt-oss", "--methods", "lora,qlora"]
    assert main([*arguments, "--launches", "2", "--out", str(out), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "tiny-gpt-oss-qlora       2  unsupported: transformers 5" in shown
    assert "4 results on cpu, transformers' Trainer, random weights" in shown
    assert not out.exists()
    assert main([*arguments, "--dry-run", "--json"]) == 0
    assert [case["case_id"] for case in json.loads(capsys.readouterr().out)["cases"]] == [
        "tiny-gpt-oss-lora",
        "tiny-gpt-oss-qlora",
    ]


def test_dry_run_of_a_resume_says_what_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Finished cases are marked done."""
    run = make_run(tmp_path / "run", records.record())
    assert main(["run", "--resume", str(run), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "tiny-qwen3-lora        1  done" in shown
    assert "tiny-qwen3-qlora       1  to run" in shown


def test_names_given_twice_run_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A repeated name would make two cases of one id."""
    names = ["--models", "tiny-qwen3,tiny-qwen3", "--methods", "lora, lora"]
    assert main(["run", "--profile", "cpu", *names, "--dry-run", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["cases"]) == 1


def test_an_occupied_folder_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """A run directory is never overwritten."""
    run = make_run(tmp_path / "run")
    done = tunebench("run", "--profile", "cpu", "--out", str(run))
    assert done.returncode == 2
    assert "has a session already" in done.stderr
    assert "--resume" in done.stderr


def test_list_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Every noun lists its folder; cases carry the reason why one is unsupported."""
    assert main(["list", "--json"]) == 0
    everything = json.loads(capsys.readouterr().out)
    assert {"models", "methods", "tiers", "profiles"} == set(everything)
    assert "tiny-qwen3" in [row["model"] for row in everything["models"]]
    assert main(["list", "cases", "--tier", "smoke", "--json"]) == 0
    rows = {row["case"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tiny-qwen3-qlora"]["unsupported"] is None
    assert "bitsandbytes" in rows["tiny-gpt-oss-qlora"]["unsupported"]


def test_list_imports_no_heavy_package() -> None:
    """The light part needs none of the training packages, nor pytest."""
    script = (
        "import sys; from suite.cli import main; main(['list']);"
        " heavy = {'torch', 'transformers', 'pytest', 'jinja2', 'numpy'} & set(sys.modules);"
        " sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_export_formats_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CSV, JSON and JSON lines hold the same rows; an unknown number is empty or null."""
    quoted = 'out of "memory", really\nat 3 GiB'
    run = make_run(
        tmp_path / "run", records.record(), records.failed(method="qlora", reason=quoted)
    )
    assert main(["export", str(run), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["export", str(run), "--format", "jsonl"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == rows
    target = tmp_path / "rows.csv"
    assert main(["export", str(run), "--out", str(target)]) == 0
    with target.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["reason"] for row in table] == ["", quoted]
    assert rows[1]["step_seconds"] is None
    assert table[1]["step_seconds"] == ""
    assert float(table[0]["step_seconds"]) == rows[0]["step_seconds"] == pytest.approx(0.1019)
    assert main(["export", str(run), "--out", str(target)]) == 2
    assert "exists already" in capsys.readouterr().err


def test_report_builds_a_site_and_refuses_foreign_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address printed opens; a folder with somebody's files is left alone."""
    run = make_run(tmp_path / "run")
    site = tmp_path / "site"
    assert main(["report", str(run), "--out", str(site), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert Path(written["index"]).read_text().startswith("<!DOCTYPE html>")
    assert written["records"] == 2
    assert main(["report", str(run), "--out", str(site)]) == 0
    assert (site / "index.html").as_uri() in capsys.readouterr().out
    assert main(["report", str(run), "--out", str(tmp_path)]) == 2
    assert "has other files" in capsys.readouterr().err


def test_a_report_in_one_file_has_the_ending_that_browsers_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever it is called; one that has it keeps its name, and raw data come when asked for."""
    run = make_run(tmp_path / "run")
    sizes = []
    for name, made, more in (
        ("mine", "mine.html", []),
        ("v1.2", "v1.2.html", []),
        ("old.HTM", "old.HTM", ["--with-raw"]),
    ):
        out = str(tmp_path / name)
        assert main(["report", str(run), "--single-file", *more, "--out", out, "--json"]) == 0
        assert Path(json.loads(capsys.readouterr().out)["index"]) == tmp_path / made
        sizes.append((tmp_path / made).stat().st_size)
    assert sizes[0] == sizes[1] < sizes[2]


def test_damaged_input_is_a_warning_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Export uses what is good, says what is not, and keeps standard output clean."""
    run = make_run(tmp_path / "run")
    with (run / "journal.jsonl").open("a") as journal:
        journal.write('{"schema": 1, "run')
    assert main(["export", str(run), "--format", "jsonl"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "tunebench: warning: " in shown.err
    assert "journal.jsonl:3: the last line is cut off" in shown.err


def test_what_was_found_on_the_machine_is_told_when_a_run_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slow host is a warning on stderr, once for all cases; what is fine is not told."""
    found = (
        Finding(name="host speed", status="warn", detail="kernel launches 41 % of usual"),
        Finding(name="disk", status="ok", detail="plenty"),
        Finding(name="clocks", status="unknown", detail="NVML does not say"),
    )
    around = msgspec.structs.replace(records.environment(), preflight=found)
    made = (records.record(method=name, environment=around) for name in ("lora", "qlora"))
    run = make_run(tmp_path / "run", *made)
    assert main(["run", "--resume", str(run)]) == 0
    warning = "tunebench: warning: host speed: kernel launches 41 % of usual\n"
    assert capsys.readouterr().err == warning


def test_a_closed_pipe_ends_quietly() -> None:
    """``tunebench list | head -1`` prints no traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "suite", "list"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_full_output_is_an_error_of_the_machine() -> None:
    """A disk that fills under standard output gives one line and exit code 3."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "suite", "list"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_terminal_encoding_does_not_break_output(tmp_path: Path) -> None:
    """Signs that a terminal lacks are replaced, not fatal."""
    run = make_run(tmp_path / "run")
    done = tunebench("run", "--resume", str(run), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "2 results ? " in done.stdout


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("words", "code"), [("list models", 0), ("no-such-verb", 2)])
def test_a_stream_that_is_closed_or_full_changes_no_exit_code(
    closed: str, words: str, code: int
) -> None:
    """Cron jobs and daemons close them; the first file opened must not take their place."""
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m suite {words} {closed}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
