"""What is known beside the two sides: how far launches scatter, and what the clocks did."""

import json
from pathlib import Path

import pytest

from suite.cli import main
from suite.errors import BadInput
from suite.results.record import Record
from suite.results.scatter import noise
from suite.results.scatter.calibration import clocks, drift, spreads
from support import records
from support.two_sides import AFTER, BEFORE, SECONDS, compared, folder, line, side


def scattered(spread: float) -> list[Record]:
    """Five launches whose logarithms have this standard deviation."""
    unit = (-1.2649, -0.6325, 0.0, 0.6325, 1.2649)
    return [
        records.record(run_id="aa", launch=n + 1, seconds=0.1 * (1 + spread * value))
        for n, value in enumerate(unit)
    ]


LOUD = (0.1, 0.102, 0.098, 0.101, 0.099)
WILD = (0.1, 0.104, 0.096, 0.102, 0.098)


def test_a_published_spread_counts_beside_the_sides_own(tmp_path: Path) -> None:
    """It adds degrees of freedom where it fits, and nothing where the sides contradict it."""
    (tmp_path / "noise.json").write_bytes(noise.file_content(scattered(0.02)) or b"")
    known = spreads([tmp_path])
    place = ("cpu", "tiny-qwen3-lora")
    for metric in ("step_seconds", "step_seconds_low"):
        assert known[metric][place].spread == pytest.approx(0.02, rel=0.01)
        assert known[metric][place].freedom == 4
    loud = [side(run, seconds=LOUD) for run in (BEFORE, AFTER)]
    alone = line(compared(*loud), "step_seconds")
    beside = line(compared(*loud, spreads=known), "step_seconds")
    assert beside.ratio == alone.ratio
    assert beside.margin != alone.margin
    quiet = side(BEFORE), side(AFTER, 1.04)
    assert compared(*quiet, spreads=known).lines == compared(*quiet).lines
    assert line(compared(*quiet, spreads=known), "step_seconds").verdict == "SLOWER"


def test_several_calibrations_of_a_case_are_pooled(tmp_path: Path) -> None:
    """The root of the mean of squares, with the degrees of freedom of both."""
    for name, spread in (("a", 0.01), ("b", 0.03)):
        (tmp_path / name).write_bytes(noise.file_content(scattered(spread)) or b"")
    known = spreads([tmp_path / "a", tmp_path / "b"])["step_seconds"]["cpu", "tiny-qwen3-lora"]
    assert known.spread == pytest.approx(((0.01**2 + 0.03**2) / 2) ** 0.5, rel=0.01)
    assert known.freedom == 8


def test_few_launches_calibrate_nothing(tmp_path: Path) -> None:
    """Four launches are shown as noise and do not gate."""
    content = noise.file_content(scattered(0.027)[:4])
    assert content is not None
    (tmp_path / "aa.json").write_bytes(content)
    assert not any(spreads([tmp_path / "aa.json"]).values())


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
    """In words for people, as a number for programs; the last line says that nothing was shown."""
    sides = (("a", BEFORE), ("b", AFTER))
    old, new = (folder(tmp_path / name, side(run, seconds=WILD)) for name, run in sides)
    assert main(["compare", old, new, "--gate"]) == 0
    said = capsys.readouterr().out
    assert "a change counts from " in said
    last = (
        "A gate passes, but nothing was shown of the step time of tiny-qwen3-lora: INCONCLUSIVE."
    )
    assert said.splitlines()[-1] == last
    assert main(["compare", old, new, "--format", "json"]) == 0
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
    for many in (1, 1 << 30):
        monkeypatch.setattr("suite.verbs.compare.MANY_BYTES", many)
        assert main([*given, "--format", "json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert "SM clock" in said[0]
    assert "joules_per_token" in said[0]
