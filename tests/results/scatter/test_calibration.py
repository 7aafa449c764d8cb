"""What is known beside the two sides: how far launches scatter, and what the clocks did."""

import json
from pathlib import Path

import pytest

from suite.cli import main
from suite.errors import BadInput
from suite.results.record import Record
from suite.results.scatter import noise
from suite.results.scatter.calibration import clocks, drift, spreads
from suite.results.stats import significance
from support import records
from support.two_sides import AFTER, BEFORE, SECONDS, compared, folder, line, side


def scattered(spread: float) -> list[Record]:
    """Five launches whose logarithms have this standard deviation."""
    unit = (-1.2649, -0.6325, 0.0, 0.6325, 1.2649)
    return [
        records.record(run_id="aa", launch=n + 1, seconds=0.1 * (1 + spread * value))
        for n, value in enumerate(unit)
    ]


def test_a_case_that_scatters_must_change_by_more(tmp_path: Path) -> None:
    """4 % is SLOWER of itself, and not settled where A/A launches lie 2.7 % apart."""
    (tmp_path / "noise.json").write_bytes(noise.file_content(scattered(0.027)) or b"")
    known = spreads([tmp_path])
    assert known == {("cpu", "tiny-qwen3-lora"): pytest.approx(0.027, rel=0.01)}
    alone = line(compared(side(BEFORE), side(AFTER, 1.04)), "step_seconds")
    assert (alone.verdict, alone.margin) == ("SLOWER", 0.02)
    found = compared(side(BEFORE), side(AFTER, 1.04), spreads=known)
    step = line(found, "step_seconds")
    assert step.verdict == "INCONCLUSIVE"
    # Three standard errors of a difference of two means of five.
    assert step.margin == pytest.approx(3 * 0.027 * (2 / 5) ** 0.5, rel=0.04)
    assert found.failures == ()
    worse = compared(side(BEFORE), side(AFTER, 1.07), spreads=known)
    assert line(worse, "step_seconds").verdict == "SLOWER"


def test_a_quiet_case_keeps_the_plain_margin() -> None:
    """Calibration never makes the gate sharper than the margin that matters."""
    assert significance.margin(0.001, 5) == significance.MARGIN


def test_few_launches_calibrate_nothing(tmp_path: Path) -> None:
    """Four launches are shown as noise and do not gate."""
    content = noise.file_content(scattered(0.027)[:4])
    assert content is not None
    (tmp_path / "aa.json").write_bytes(content)
    assert spreads([tmp_path / "aa.json"]) == {}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"cases": [{"gate": 1}]}'])
def test_a_file_that_is_no_calibration_is_named(tmp_path: Path, content: bytes) -> None:
    """And the command exits with 2."""
    bad = tmp_path / "noise.json"
    bad.write_bytes(content)
    with pytest.raises(BadInput, match="not a calibration"):
        spreads([bad])
    old, new = folder(tmp_path / "a", side(BEFORE)), folder(tmp_path / "b", side(AFTER))
    assert main(["compare", old, new, "--noise", str(bad)]) == 2
    assert main(["compare", old, new, "--noise", str(tmp_path / "none.json")]) == 2


def test_the_command_says_from_where_on_a_change_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In words for people, as a number for programs."""
    (tmp_path / "noise.json").write_bytes(noise.file_content(scattered(0.027)) or b"")
    old, new = folder(tmp_path / "a", side(BEFORE)), folder(tmp_path / "b", side(AFTER, 1.04))
    arguments = ["compare", old, new, "--noise", str(tmp_path)]
    assert main(arguments) == 0
    assert "a change counts from 5." in capsys.readouterr().out
    assert main([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)["lines"]
    (step,) = [each for each in found if each["metric"] == "step_seconds"]
    assert step["margin"] > 0.05


def clocked(run_id: str, factor: float, mhz: int) -> list[Record]:
    telemetry = records.telemetry(sm_clock_mhz=(mhz,) * 61)
    return [
        records.on_gpu(run_id=run_id, launch=n + 1, seconds=value * factor, telemetry=telemetry)
        for n, value in enumerate(SECONDS)
    ]


def test_a_slowdown_by_the_clock_alone_is_said_to_be_one() -> None:
    """5 % more seconds at a 5 % lower clock: as many cycles."""
    found = compared(clocked(BEFORE, 1.0, 1500), clocked(AFTER, 1.05, 1429))
    step = line(found, "step_seconds")
    assert step.verdict == "SLOWER", "slower it is; why is another matter"
    assert "the SM clock changed by −4.7 %" in step.note
    assert "so most of it is the clock" in step.note


def test_a_slowdown_at_the_same_clock_blames_nothing() -> None:
    """Nor does one where the clock moved the other way."""
    same = clocks(clocked(BEFORE, 1.0, 1500), clocked(AFTER, 1.05, 1500), 1.05)
    assert same == ""
    faster = clocks(clocked(BEFORE, 1.0, 1500), clocked(AFTER, 1.05, 1600), 1.05)
    assert "in cycles the change is +12 %" in faster
    assert "most of it" not in faster


def test_launches_that_move_one_way_are_said_to_drift() -> None:
    """Five in order and 4 % apart; not in order, or within what does not matter: nothing."""

    def launched(*seconds: float) -> list[Record]:
        return [
            records.record(run_id=AFTER, launch=n + 1, seconds=value)
            for n, value in enumerate(seconds)
        ]

    rising = launched(0.1, 0.101, 0.102, 0.103, 0.104)
    assert "slower than the one before, +4.0 % in all" in drift(rising)
    assert drift(rising[:4]) == ""
    assert drift(launched(0.1, 0.102, 0.101, 0.103, 0.104)) == ""
    assert drift(launched(0.1, 0.1001, 0.1002, 0.1003, 0.1004)) == ""
    note = line(compared(side(BEFORE), rising), "step_seconds").note
    assert note.startswith("candidate: each of 5 repeats was slower")


def test_many_records_are_compared_as_few_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a second process computes, clocks and energy too, is the same to a digit."""
    before, after = clocked(BEFORE, 1.0, 1500), clocked(AFTER, 1.05, 1429)
    given = ["compare", folder(tmp_path / "a", before), folder(tmp_path / "b", after)]
    said = []
    for many in (1, 1000):
        monkeypatch.setattr("suite.verbs.compare.MANY", many)
        assert main([*given, "--format", "json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "SM clock" in said[0]
    assert "joules_per_token" in said[0]
