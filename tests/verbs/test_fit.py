"""``tunebench fit``: answers, what was measured beside them, and mistakes."""

import json
from pathlib import Path

import msgspec
import pytest

from suite.catalog import method as methods
from suite.catalog import model as models
from suite.catalog.tier import Workload
from suite.cli import main
from suite.paths import RESULTS
from suite.results.storage import run_folder
from support import records


def test_one_case_is_shown_part_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    """Its ledger, its interval, that nobody measured it there, and that the card was never run."""
    wanted = ["--model", "qwen3-8b", "--method", "qlora", "--gpu", "rtx-4090", "--seq", "1024"]
    assert main(["fit", *wanted]) == 0
    shown = capsys.readouterr().out
    assert "(unverified)" in shown
    assert "NVIDIA GeForce RTX 4090" in shown
    assert "Frozen weights, uint8" in shown
    assert "exact, from shapes" in shown
    assert "Estimated, not measured" in shown
    assert "no result of this workload on this GPU" in shown


def test_a_record_of_this_very_work_stands_beside_and_is_not_mixed_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The measured need is the records' own, and another length of rows is another work."""
    base = ["fit", "--model", "qwen3-8b", "--method", "lora", "--gpu", "h200-sxm"]
    assert main([*base, "--format", "json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    wanted = models.load("qwen3-8b"), methods.load("lora")
    peaks = [
        phase.memory.allocated_peak_bytes
        for record in run_folder.read([RESULTS]).records
        if (record.case.model, record.case.method) == wanted and record.outcome == "ok"
        if record.case.workload == Workload(sequence_tokens=2048, batch_sequences=2)
        for phase in record.phases
    ]
    assert answer["measured"]["need"]["allocated_bytes"] == max(peaks)
    assert answer["measured"]["need"]["allocated_bytes"] != answer["estimate"]["allocated_bytes"]
    assert main([*base, "--seq", "777", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["measured"] is None


def test_several_cases_are_rows_and_what_cannot_run_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An unsupported pair that was named has its reason, no numbers; unnamed, it is left out."""
    assert main(["fit", "--model", "gpt-oss-120b", "--method", "qlora,lora"]) == 0
    lines = capsys.readouterr().out.splitlines()
    unsupported = [line for line in lines if "unsupported" in line]
    assert unsupported
    assert all("bitsandbytes" in line for line in unsupported)
    on_h200 = next(line for line in lines if "h200-sxm" in line and "does not fit" in line)
    assert "  oom" in on_h200, "what was tried there stands beside the estimate"
    assert main(["fit", "--model", "gpt-oss-120b", "--format", "json"]) == 0
    answers = json.loads(capsys.readouterr().out)
    assert {answer["unsupported"] for answer in answers} == {""}


def test_the_frontier_is_an_interval(capsys: pytest.CaptureFixture[str]) -> None:
    """--max-seq and --max-batch print what fits and what may, and say which axis grew."""
    for option, axis in (("--max-seq", "Tokens a row"), ("--max-batch", "Rows a batch")):
        assert main(["fit", "--model", "qwen3-32b", "--method", "lora", option]) == 0
        shown = capsys.readouterr().out
        assert "may-fit-to" in shown
        assert axis in shown
        assert "rounded down" in shown
        assert "none" in shown  # 65 GB of weights on 24


def test_the_error_of_the_model_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every way of leaving out, its cases and their errors, in text and as JSON alike."""
    assert main(["fit", "--errors"]) == 0
    shown = capsys.readouterr().out
    for way in ("model", "method", "long sequences"):
        assert f"{way} left out: " in shown
    assert main(["fit", "--errors", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["cases"]) == sum(each["cases"] for each in found["summaries"])
    for held in found["cases"]:
        low, high = (held["predicted_allocated_bytes"][end] for end in ("low", "high"))
        assert held["inside"] == (low <= held["allocated_bytes"] <= high)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--model is missing"),
        (["--model", "qwen3-8bb"], "Did you mean 'qwen3-8b'"),
        (["--model", "qwen3-8b", "--method", "loraa"], "Did you mean 'lora'"),
        (["--model", "qwen3-8b", "--gpu", "h100"], "h100-sxm"),
        (["--model", "qwen3-8b", "--gpu", "cpu"], "cpu.toml: a CPU has no memory of a GPU"),
        (["--model", "qwen3-8b", "--seq", "40961"], "architecture.max_positions"),
        (["--model", "qwen3-8b", "--seq", "0"], "at least 1"),
        (["--model", "qwen3-8b", "--seq", "9", "--max-seq"], "leave one away"),
        (["--model", "qwen3-8b", "--batch", "9", "--max-batch"], "leave one away"),
        (["--model", "qwen3-8b", "--max-seq", "--max-batch"], "one at a time"),
        (["--errors", "--gpu", "b200"], "contradicts --gpu"),
        (["--model", "qwen3-8b", "--results", "no/such"], "no/such"),
    ],
)
def test_a_mistake_is_said_and_costs_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What, where and what next, on standard error; nothing on standard output."""
    assert main(["fit", *arguments]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""


def test_other_results_give_other_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--results replaces the published records: without one on a GPU nothing is calibrated."""
    (tmp_path / "journal.jsonl").write_bytes(msgspec.json.encode(records.record()) + b"\n")
    base = ["fit", "--model", "qwen3-8b", "--method", "lora", "--gpu", "l40s"]
    assert main([*base, "--results", str(tmp_path)]) == 0
    assert "not calibrated" in capsys.readouterr().out
    assert main(["fit", "--errors", "--results", str(tmp_path)]) == 0
    assert "unknown" in capsys.readouterr().out
