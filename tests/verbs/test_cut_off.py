"""A folder of several runs whose first call ended while it was made: the next one goes on."""

import errno
import os
from pathlib import Path

import pytest

from suite.catalog import profile as profiles
from suite.cli import main
from suite.errors import BadInput, WrongMachine
from suite.results.storage import run_folder
from suite.verbs import probe, upgrade_check
from support import records

CHOICE = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora"]


def full_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the Nth file from now on have no space when it gets its name."""
    rename, calls = os.rename, []

    def broken(*names: str, **folders: int) -> None:
        calls.append(names)
        if len(calls) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(*names, **folders)

    monkeypatch.setattr(os, "rename", broken)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_comparison_that_was_cut_off_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whichever file was the last, the error names its place, and both sides are there then."""
    asked = upgrade_check.UpgradeRequest(base={}, candidate={"peft": "0.21.2"})
    folder, profile = tmp_path / "run", profiles.load("cpu")
    args = upgrade_check.parser().parse_args([*CHOICE, "--out", str(folder)])
    with monkeypatch.context() as context:
        full_at(context, number)
        with pytest.raises(WrongMachine, match=f"{folder}.*: cannot be written: No space"):
            upgrade_check._folder(args, profile, asked)
    assert upgrade_check._folder(args, profile, asked) == folder
    assert [run_folder.read_plan(folder / side).tier for side in upgrade_check.SIDES] == [
        "smoke"
    ] * 2


def test_a_run_of_another_is_no_side_of_a_comparison(tmp_path: Path) -> None:
    """Without the note of what was asked, whatever is there is not gone on with, ever."""
    asked = upgrade_check.UpgradeRequest(base={}, candidate={"peft": "0.21.2"})
    args = upgrade_check.parser().parse_args([*CHOICE, "--out", str(tmp_path)])
    run_folder.create(tmp_path / "base", records.plan()).close()
    for _ in range(2):
        with pytest.raises(BadInput, match="another comparison"):
            upgrade_check._folder(args, profiles.load("cpu"), asked)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_search_that_was_cut_off_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of its note is not taken for something else that lies in the folder."""
    profile, folder = profiles.load("cpu"), tmp_path / "probe"
    choice = ["--model", "tiny-qwen3", "--method", "lora", "--start", "64", "--step", "64"]
    asked = probe._asked(probe.parser().parse_args(choice), profile)
    with monkeypatch.context() as context:
        full_at(context, 1)
        with pytest.raises(WrongMachine, match=f"{folder}.*: cannot be written: No space"):
            probe._claim(folder, asked)
    probe._claim(folder, asked)
    assert [path.name for path in folder.iterdir()] == [probe.ASKED]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine").touch()
    with pytest.raises(BadInput, match="not empty"):
        probe._claim(tmp_path / "other", asked)


def test_a_calibration_without_space_for_its_result_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the file; the launches are there, so the next call only writes it."""
    with run_folder.create(tmp_path / "run", records.plan(methods=("lora",), launches=5)) as run:
        for launch in range(1, 6):
            run.append(records.record(launch=launch, seconds=0.1 + launch / 1000))
    arguments = ["calibrate", *CHOICE, "--out", str(tmp_path / "run")]
    monkeypatch.setattr("suite.console.measure.measure", lambda *_, **__: 0)
    with monkeypatch.context() as context:
        full_at(context, 1)
        assert main(arguments) == 3
    assert f"{tmp_path / 'run' / 'noise.json'}: cannot be written" in capsys.readouterr().err
    assert main(arguments) == 0
    assert (tmp_path / "run" / "noise.json").is_file()
