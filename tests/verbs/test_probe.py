"""``tunebench probe`` for real: on the CPU, with little memory, cut off and taken up again."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.paths import ROOT
from suite.results.storage import run_folder

START = STEP = 64
#: What a worker's libraries take of the address space.
LIBRARIES = (
    "import torch, transformers, peft, trl; from transformers import Trainer;"
    " print(open('/proc/self/statm').read().split()[0])"
)


def environment(cache: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TUNEBENCH_CACHE": str(cache),
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of address space is Linux's")
def test_the_edge_of_this_machine_is_found_and_survives_a_kill(tmp_path: Path) -> None:
    """Killed after its first try, it goes on; the records alone say where memory ends."""
    around = environment(tmp_path / "cache")
    pages = subprocess.run(
        [sys.executable, "-c", LIBRARIES], env=around, capture_output=True, text=True, check=True
    )
    limit = int(pages.stdout.split()[-1]) * resource.getpagesize() + (1150 << 20)
    folder = tmp_path / "probe"
    command = [
        *(sys.executable, "-m", "suite", "probe", "--model", "tiny-qwen3", "--method", "lora"),
        *("--seq", "256", "--start", str(START), "--step", str(STEP), "--tries", "8"),
        *("--profile", "cpu", "--out", str(folder)),
    ]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["prlimit", f"--as={limit}", *command],
            cwd=tmp_path,
            env=around,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    first = folder / f"s256-b{START}" / "journal.jsonl"
    with start() as cut_off:
        for _ in range(6000):  # the first start compiles: minutes, beside other tests
            if first.is_file() and first.stat().st_size:
                break
            assert cut_off.poll() is None, cut_off.stdout and cut_off.stdout.read()
            time.sleep(0.1)
        cut_off.send_signal(signal.SIGKILL)
    before = first.read_bytes()
    with start() as again:
        said = again.communicate(timeout=180)[0]
    assert again.returncode == 0, said
    assert first.read_bytes() == before, "what was known is not measured again"

    found = run_folder.read([place for place in folder.iterdir() if place.is_dir()]).records
    by_rows = {record.case.workload.batch_sequences: record.outcome for record in found}
    assert len(by_rows) == len(found)
    assert set(by_rows.values()) == {"ok", "oom"}, by_rows
    good = max(rows for rows, outcome in by_rows.items() if outcome == "ok")
    bad = min(rows for rows, outcome in by_rows.items() if outcome == "oom")
    assert 0 < bad - good <= STEP
    assert f"{good:,} rows a batch fit, {bad:,} ran out of memory" in said
    assert all(record.case.workload.sequence_tokens == 256 for record in found)


def test_what_is_not_memory_ends_the_search(tmp_path: Path) -> None:
    """A checkpoint that cannot be read: its reason, exit code 4, and no further try."""
    weights, folder = tmp_path / "weights", tmp_path / "probe"
    weights.mkdir()
    (weights / "config.json").write_text("{")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "suite", "probe", "--model", "tiny-qwen3"),
            *("--method", "lora", "--weights", str(weights), "--profile", "cpu"),
            *("--out", str(folder)),
        ],
        cwd=tmp_path,
        env=environment(tmp_path / "cache"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 4, done.stderr
    assert "the search ended at 1 row a batch: error" in done.stdout
    (record,) = run_folder.read([place for place in folder.iterdir() if place.is_dir()]).records
    assert (record.outcome, record.phase) == ("error", "load")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "lora"], "--model"),
        (["--model", "tiny-qwen", "--method", "lora"], "Did you mean 'tiny-qwen3'"),
        (["--model", "tiny-qwen3", "--method", "loraa"], "Did you mean 'lora'"),
        (["--model", "tiny-qwen3", "--method", "lora", "--seq", "9999"], "2,048 positions"),
        (
            ["--model", "tiny-qwen3", "--method", "lora", "--max-seq", "--start", "9999"],
            "--start 9999: tiny-qwen3 has 2,048 positions",
        ),
        (
            ["--model", "tiny-qwen3", "--method", "lora", "--max-seq", "--seq", "9"],
            "leave it away",
        ),
        (["--model", "tiny-qwen3", "--method", "lora", "--batch", "9"], "leave it away"),
        (
            ["--model", "tiny-qwen3", "--method", "lora", "--max-seq", "--max-batch"],
            "one at a time",
        ),
        (["--model", "tiny-gpt-oss", "--method", "qlora"], "cannot be run"),
    ],
)
def test_a_mistake_is_said_before_anything_runs(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 with the reason, and no folder."""
    out = tmp_path / "probe"
    assert main(["probe", "--profile", "cpu", "--out", str(out), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither another probe nor other files are touched."""
    base = ["probe", "--profile", "cpu", "--model", "tiny-qwen3", "--method", "lora"]
    (tmp_path / "note.txt").write_text("mine")
    assert main([*base, "--out", str(tmp_path)]) == 2
    assert "no probe" in capsys.readouterr().err
    (tmp_path / "probe.plan").write_bytes(msgspec.json.encode({"case": 1}))
    assert main([*base, "--out", str(tmp_path)]) == 2
    assert "probe.plan" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note.txt", "probe.plan"]
