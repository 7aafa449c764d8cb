"""Other package versions against these, for real: trained in turns, compared, bisected."""

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from suite.cli import main
from suite.results.record import Record
from suite.results.storage.run_folder import create, read
from suite.run.upgrade import package_index
from suite.verbs.upgrade_check import UpgradeRequest
from support import planted, records

ONE_CASE = ["--profile", "cpu", "--models", "tiny-qwen3", "--methods", "lora"]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip looks as well, and a cache of this test's own."""
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("TUNEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "wheels"


def plant(folder: Path, name: str, code: str = "") -> str:
    """Write the wheel and return it as a requirement."""
    version = f"{importlib.metadata.version(name)}.post9"
    planted.wheel(name, version, folder, code)
    return f"{name}=={version}"


def peft(record: Record) -> str:
    assert record.environment.versions is not None
    return record.environment.versions.packages["peft"]


def check(folder: Path, *arguments: str) -> int:
    return main(["upgrade-check", *arguments, *ONE_CASE, "--out", str(folder)])


def test_a_slowdown_beside_another_version_of_a_real_package_is_found_and_named(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Launches alternate, one side's workers import the older PEFT, the other's a slow Accelerate.

    Of the two packages that differ the one that sleeps is the culprit; pages and log say so.
    """
    slow = plant(wheels, "accelerate", planted.SLEEPS.format(seconds=1.5))
    out = tmp_path / "out"
    changed = ("--base", "peft==0.20.0", "--candidate", slow)
    assert check(out, *changed, "--launches", "3", "--bisect") == 5
    said = capsys.readouterr().out
    here = importlib.metadata.version("peft")
    sides = [read([out / side]).records for side in ("base", "candidate")]
    assert [set(map(peft, side)) for side in sides] == [{"0.20.0"}, {here}]
    begun = sorted((record.started_at, n) for n, side in enumerate(sides) for record in side)
    assert [n for _, n in begun] == [0, 1, 1, 0, 0, 1]
    assert f"Package peft: 0.20.0 → {here}" in said
    (page,) = (out / "site" / "diffs").iterdir()
    assert "0.20.0" in page.read_text()
    assert "step_seconds SLOWER" in said
    assert "Culprit: accelerate" in said
    tried = [json.loads(line) for line in (out / "bisect.jsonl").read_text().splitlines()]
    alone = [each["shows"] for each in tried if list(each["packages"]) == ["accelerate"]]
    assert alone[:1] == [True]
    assert importlib.metadata.version("peft") == here, "this environment is as it was"


class Finished(NamedTuple):
    """A comparison that found another training; its base can be taken by another comparison."""

    out: Path
    arguments: tuple[str, ...]
    code: int


@pytest.fixture(scope="module")
def doubled(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Accelerate with twice the gradient, and PEFT with another default, three launches a side."""
    folder = tmp_path_factory.mktemp("doubled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_FIND_LINKS", str(folder / "wheels"))
        patch.setenv("TUNEBENCH_CACHE", str(folder / "cache"))
        wrong = plant(folder / "wheels", "accelerate", planted.DOUBLES)
        other = plant(folder / "wheels", "peft", planted.DEFAULT)
        arguments = ("--candidate", wrong, "--candidate", other, "--launches", "3")
        code = check(folder / "out", *arguments)
    return Finished(folder / "out", arguments, code)


def test_a_planted_change_of_the_training_is_caught_by_its_losses(
    doubled: Finished,
    wheels: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Doubled gradients take the same time; given again, the finished folder answers at once.

    A default that another version of PEFT has changed is named too, though it changes nothing.
    """
    assert doubled.code == 5
    monkeypatch.setenv("PIP_FIND_LINKS", str(doubled.out.parent / "wheels"))
    records = read([doubled.out / "base"]).records
    assert check(doubled.out, *doubled.arguments) == 5
    said = capsys.readouterr().out
    assert "loss CHANGED" in said
    assert "Effective setting adapter.qalora_group_size: 16 → 32" in said
    assert said.count("Effective setting") == 1
    assert read([doubled.out / "base"]).records == records
    assert check(doubled.out, "--candidate", "peft==0.20.0", "--launches", "3") == 2
    assert "has another comparison" in capsys.readouterr().err


def test_sides_with_too_few_good_launches_are_no_answer(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finished folder whose base failed twice: exit code 4, not a gate that passes."""
    out = tmp_path / "out"
    out.mkdir()
    asked = UpgradeRequest(base={"dill": plant(wheels, "dill").partition("==")[2]}, candidate={})
    (out / "upgrade-check.json").write_bytes(msgspec.json.encode(asked))
    for side in ("base", "candidate"):
        plan = records.plan(methods=("lora",), launches=3, run_id=f"{records.RUN_ID}{side}")
        with create(out / side, plan) as run:
            for launch in (1, 2, 3):
                made = records.failed if (side, launch > 1) == ("base", True) else records.record
                run.append(made(run_id=plan.run_id, launch=launch))
    base = [f"--base={name}=={version}" for name, version in asked.base.items()]
    assert check(out, *base, "--launches", "3") == 4
    said = capsys.readouterr().out
    assert "repeat 2 of the base" in said
    refusal = "A gate refuses to answer: tiny-qwen3-lora: 1 of 5 repeats a side"
    assert refusal in said
    assert refusal in (out / "verdict.html").read_text()
    assert check(out, *base, "--launches", "4") == 2, "another number of launches"


def test_a_base_that_never_ran_is_no_pass(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finished folder whose candidate alone has numbers: exit code 4, also on the page."""
    out = tmp_path / "out"
    out.mkdir()
    asked = UpgradeRequest(base={"dill": plant(wheels, "dill").partition("==")[2]}, candidate={})
    (out / "upgrade-check.json").write_bytes(msgspec.json.encode(asked))
    for side, made in (("base", records.failed), ("candidate", records.record)):
        plan = records.plan(methods=("lora",), launches=3, run_id=f"{records.RUN_ID}{side}")
        with create(out / side, plan) as run:
            for launch in (1, 2, 3):
                run.append(made(run_id=plan.run_id, launch=launch))
    base = [f"--base={name}=={version}" for name, version in asked.base.items()]
    assert check(out, *base, "--launches", "3") == 4
    refusal = "nothing was compared, since no case has numbers on both sides"
    assert refusal in capsys.readouterr().out
    assert refusal in (out / "verdict.html").read_text()


def test_a_version_that_does_not_import_is_an_answer(
    doubled: Finished, wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its cases fail, the other side's do not, and that is said as newly failing.

    The base is that of the comparison before: this one goes on where only the candidate is left.
    """
    broken = plant(wheels, "accelerate", "\nraise ImportError('planted')\n")
    out = tmp_path / "out"
    out.mkdir()
    shutil.copytree(doubled.out / "base", out / "base")
    asked = UpgradeRequest(base={}, candidate={"accelerate": broken.partition("==")[2]})
    (out / "upgrade-check.json").write_bytes(msgspec.json.encode(asked))
    assert check(out, "--candidate", broken, "--launches", "3") == 5
    assert "tiny-qwen3-lora: newly failing" in capsys.readouterr().out


def test_a_version_that_does_not_exist_is_an_answer(
    wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 5 and the newest there is, in a sentence; nothing was measured."""
    assert check(tmp_path / "out", "--candidate", "peft==99.0") == 5
    said = capsys.readouterr().out
    assert "Cannot be installed" in said
    assert "peft==99.0" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to compare with this environment"),
        (["--candidate", "peft=="], "neither a file nor a requirement"),
        (["--candidate", "nosuch.txt"], "nosuch.txt: no such file"),
        (["--candidate", "peft @ git+https://invalid/peft"], "an address, which no version"),
        (["--candidate=--extra-index-url x"], "neither a file nor a requirement"),
        (["--candidate", "peft==0.20.0", "--launches", "2"], "at least 3 a side"),
        (["--candidate", "peft==0.20.0", "--base", "peft==0.20.0"], "the two sides are the same"),
        (["--base", "peft==99.0"], "the base cannot be installed"),
        (["--candidate", "peft==0.20.0", "--cases", "tiny-qwen3-loar"], "unknown case"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    arguments: list[str],
    says: str,
    wheels: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2 and a sentence, before anything is measured."""
    assert check(tmp_path / "out", *arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("side", ["base", "candidate"])
def test_a_version_below_the_suites_own_need_is_refused_before_anything_runs(
    side: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and the argument that it is needed for, not a library that fails."""
    lock = tmp_path / "lock.txt"
    lock.write_text("transformers==5.0.0\n")
    assert check(tmp_path / "out", f"--{side}", str(lock)) == 2
    said = capsys.readouterr().err
    assert "transformers 5.2.0 or newer (TrainingArguments.train_sampling_strategy)" in said
    assert f"and the {side} has 5.0.0" in said
    assert not (tmp_path / "out").exists()


def test_a_lock_is_read_for_this_system_only(tmp_path: Path) -> None:
    """Markers hold or not, hashes are passed over, what is left out on purpose stays out."""
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "peft==0.20.0 \\\n    --hash=sha256:00\n"
        "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
        "xformers==0.0.1\n# a comment\n"
        f"accelerate=={importlib.metadata.version('accelerate')}\n"
    )
    assert package_index.resolve([str(lock)], package_index.here()).packages == {"peft": "0.20.0"}
