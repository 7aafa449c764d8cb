"""Launches of the same thing, for real: what lies between them is kept for the gate."""

from pathlib import Path

import msgspec
import pytest

from suite.cli import main
from suite.results.scatter.noise import NoiseFile

ONE_CASE = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora"]


def test_five_launches_become_a_calibration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file holds the spread of the case; given again, the finished folder is only read."""
    out = tmp_path / "aa"
    assert main(["calibrate", *ONE_CASE, "--out", str(out)]) == 0
    found = msgspec.json.decode((out / "noise.json").read_bytes(), type=NoiseFile)
    (case,) = found.cases
    assert (case.case_id, case.launches, case.gate) == ("tiny-qwen3-lora", 5, True)
    assert case.spread is not None
    assert case.spread > 0
    journal = (out / "journal.jsonl").read_bytes()
    assert main(["calibrate", *ONE_CASE, "--out", str(out)]) == 0
    assert (out / "journal.jsonl").read_bytes() == journal
    assert "--noise" in capsys.readouterr().out
    # A busy machine does not settle, and is not what is asked here.
    allowed = ["--allow", "settling"]
    given = ["compare", str(out), str(out), "--noise", str(out), "--gate", *allowed]
    assert main(given) == 0


def test_too_few_launches_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is measured."""
    assert main(["calibrate", *ONE_CASE, "--launches", "4", "--out", str(tmp_path / "aa")]) == 2
    assert "at least 5" in capsys.readouterr().err
