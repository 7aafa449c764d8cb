"""The suite beside who does without it: verdicts, turns, and what is published of them."""

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from benchmarks.self.launches import LaunchPair, LaunchSteps, figure
from benchmarks.self.sides import turns
from suite.paths import ROOT
from suite.results.fidelity import Fidelity, FidelityFile
from suite.results.storage.run_folder import read
from suite.run.machine.nvml import open_gpu
from support import fake_gpu

SELF = ROOT / "benchmarks" / "self"


@pytest.mark.parametrize(
    ("reported", "wall", "verdict"),
    [
        ((0.001, 0.002, 0.003), (0.004, 0.005, 0.006), "within"),
        ((0.001, 0.002, 0.003), (), "within"),
        ((0.02, 0.021, 0.022), (0.004, 0.005, 0.006), "over"),
        ((0.001, 0.002, 0.003), (-0.02, -0.021, -0.022), "over"),
        ((-0.02, 0.001, 0.02), (0.004, 0.005, 0.006), "undecided"),
        ((0.001,), (0.001,), "undecided"),
    ],
)
def test_a_mean_within_the_limit_is_not_enough(
    reported: tuple[float, ...], wall: tuple[float, ...], verdict: str
) -> None:
    """What scatters by more than the limit has not been shown to keep it, nor to break it."""
    found = Fidelity(
        case_id="qwen3-8b-lora",
        limit=0.01,
        reported=0.0,
        reported_pairs=reported,
        wall=0.0 if wall else None,
        wall_pairs=wall,
        suite_seconds=(0.65,),
        bare_seconds=(0.64,),
    )
    assert found.verdict == verdict


def test_what_is_between_steps_is_of_the_suite_alone() -> None:
    """End to end over reported, launch by launch: the bare script's scatter falls out of it."""
    bare = (0.9, 1.1)
    found = Fidelity(
        case_id="qwen3-8b-lora",
        limit=0.01,
        reported=0.0,
        reported_pairs=tuple(1 / each - 1 for each in bare),
        wall=0.0,
        wall_pairs=tuple(1.007 / each - 1 for each in bare),
        suite_seconds=(1.0, 1.0),
        bare_seconds=bare,
    )
    assert found.between_steps == pytest.approx((0.007, 0.007))
    assert found.verdict == "undecided"


class Told:
    """A side that writes down when it has a turn."""

    process_id = 0  # nobody's

    def __init__(self, name: str, order: list[str]) -> None:
        self._name, self._order = name, order

    def turn(self) -> None:
        """Take it."""
        self._order.append(self._name)


@pytest.mark.parametrize(("first", "order"), [(0, "abba" * 3), (1, "baab" * 3)])
def test_two_sides_take_turns_so_that_what_drifts_meets_both(first: int, order: str) -> None:
    """ABBA, either side first; a process that is gone has no processor time, and that is all."""
    taken: list[str] = []
    seen = turns.alternate((Told("a", taken), Told("b", taken)), None, first=first)
    assert "".join(taken) == order
    assert [len(side) for side in seen] == [turns.TURNS, turns.TURNS]
    assert {turn.processor_seconds for side in seen for turn in side} == {None}


def test_turns_on_a_gpu_know_its_power_and_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Means of what was sampled in a turn; one too short for a sample knows nothing of them."""
    fake_gpu.install(monkeypatch)
    slow, quick = Told("a", []), Told("b", [])
    monkeypatch.setattr(slow, "turn", lambda: time.sleep(0.3))
    taken = turns.alternate((slow, quick), open_gpu(), first=0)
    assert [turn.power_watts for turn in taken[0]] == pytest.approx([512.345] * turns.TURNS)
    assert None not in {turn.sm_clock_mhz for turn in taken[0]}
    assert None in {turn.power_watts for turn in taken[1]}


def test_published_figures_are_those_of_the_published_steps(tmp_path: Path) -> None:
    """Every figure that has its pairs beside it comes out of them again, to the last digit."""
    from benchmarks.self import dummy, fidelity, launches

    again = 0
    for path in (ROOT / "reports" / "results").glob("*/fidelity.json"):
        published = msgspec.json.decode(path.read_bytes(), type=FidelityFile).figures
        for module, name, kind in (
            (fidelity, "fidelity.pairs", fidelity.TurnPair),
            (dummy, "dummy.pairs", dummy.WeightsPair),
        ):
            pairs = turns.read(path.with_name(name), kind)
            for case_id in {pair.case_id for pair in pairs}:
                figure = module.figure(case_id, [p for p in pairs if p.case_id == case_id])
                assert figure in published
                again += 1
        pairs = turns.read(path.with_name("launches.pairs"), launches.LaunchPair)
        for case_id in {pair.case_id for pair in pairs}:
            own = [pair for pair in pairs if pair.case_id == case_id]
            if all(pair.disturbed for pair in own):
                assert not any(f.case_id == case_id and f.window_pairs for f in published)
                continue
            (figure,) = (f for f in published if f.case_id == case_id and f.window_pairs)
            assert launches.figure(case_id, figure.limit, own) == figure
            again += 1
    assert again >= 5


def test_the_numbers_of_a_whole_launch() -> None:
    """A long wait between two steps is in the window's mean alone; one long step in no median."""
    from benchmarks.self import launches

    began = [float(at) for at in range(20)]
    began = [at + (3.0 if at >= 10 else 0.0) for at in began]
    ended = [at + 0.5 + 0.01 * number for number, at in enumerate(began)]
    ended[-1] += 2.0
    side = launches.LaunchSteps(began=began, ended=ended, faults=[None] * 20)
    assert side.numbers["median"] == pytest.approx(0.595)
    assert side.numbers["low"] == pytest.approx(0.519)
    assert side.numbers["window"] == pytest.approx((19 + 3 + 0.69 + 2) / 20)


def test_a_pair_that_page_faults_slowed_counts_for_nothing() -> None:
    """1,476 faults a step of the script's are not the suite's speed; none left is no figure."""
    from benchmarks.self import launches

    began = [float(at) for at in range(20)]

    def pair(script_seconds: float, faults: int) -> launches.LaunchPair:
        def side(seconds: float, count: int) -> launches.LaunchSteps:
            ended = [at + seconds for at in began]
            return launches.LaunchSteps(began=began, ended=ended, faults=[count] * 20)

        return launches.LaunchPair(
            case_id="a",
            run_id="b",
            launch=1,
            first="suite",
            gpu="NVIDIA H100",
            suite=side(0.5, 0),
            script=side(script_seconds, faults),
        )

    figure = launches.figure("a", 0.02, [pair(0.5, 3), pair(0.6, 1_476)])
    assert figure.pairs == 1
    assert figure.reported == pytest.approx(0)


def _alone(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with this suite importable, a home of its own and no other variable."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(home)},
    )


def test_whole_launches_take_turns_with_the_script(tmp_path: Path) -> None:
    """The whole way on the CPU: the suite's side is a run, and a second call adds nothing."""
    command = [sys.executable, str(SELF / "launches.py"), "--out", str(tmp_path), "--pairs", "1"]
    command += ["--model", "tiny-qwen3", "--tier", "smoke", "--methods", "unsloth-lora"]
    command += ["--profile", "cpu", "--sequence", "64", "--rank", "8"]
    for _ in range(2):
        done = _alone(command, tmp_path)
        assert "undecided: tiny-qwen3-unsloth-lora-b4-s64-r8" in done.stdout, done.stderr
    (line,) = (tmp_path / "launches.pairs").read_bytes().splitlines()
    pair = msgspec.json.decode(line)
    assert pair["first"] == "suite"
    assert [len(pair[side]["began"]) for side in ("suite", "script")] == [10, 10]
    found = read([tmp_path / "run"])
    (record,) = found.records
    assert record.case.method.adapter is not None
    assert record.case.method.adapter.rank == 8
    assert record.effective is not None
    assert record.effective.trainable_parameters == 155_648 // 2
    assert str(tmp_path) not in " ".join(found.plans[0].argv)


def test_figures_of_one_comparison_leave_those_of_another(tmp_path: Path) -> None:
    """Two scripts write one file; a figure taken anew replaces its elder alone."""
    script, weights = (
        Fidelity(
            case_id="qwen3-8b-qlora",
            against=against,
            turn_steps=5,
            limit=0.01,
            reported=0.0,
            reported_pairs=(0.0,),
            wall=None,
            wall_pairs=(),
            suite_seconds=(1.0,),
            bare_seconds=(1.0,),
        )
        for against in ("script", "weights")
    )
    newer = msgspec.structs.replace(weights, reported=0.5)
    for each in (script, weights, newer):
        path = turns.publish(tmp_path, "h200-sxm", [each])
    found = msgspec.json.decode(path.read_bytes(), type=FidelityFile)
    assert found.figures == (script, newer)


def test_made_up_weights_take_turns_with_quantized_ones(tmp_path: Path) -> None:
    """The whole way on the CPU: weights are drawn, two workers train, a second call adds none."""
    command = [sys.executable, str(SELF / "dummy.py"), "--out", str(tmp_path), "--pairs", "1"]
    command += ["--model", "tiny-qwen3", "--tier", "smoke", "--methods", "qlora"]
    for _ in range(2):
        done = _alone(command, tmp_path)
        assert done.returncode == 0, done.stderr
        assert "undecided: tiny-qwen3-qlora" in done.stdout
    (line,) = (tmp_path / "dummy.pairs").read_bytes().splitlines()
    pair = msgspec.json.decode(line)
    assert pair["dummy"]["weights"].startswith("dummy seed 17")
    assert pair["quantized"]["weights"].startswith("path")
    assert [len(pair[side]["seconds"]) for side in ("dummy", "quantized")] == [30, 30]
    (figure,) = msgspec.json.decode(
        (tmp_path / "fidelity.json").read_bytes(), type=FidelityFile
    ).figures
    assert (figure.against, figure.pairs) == ("weights", 1)


def test_what_a_launch_waited_is_its_window_beyond_its_own_low_quantile() -> None:
    """Whoever's GPU is slower has not waited more: each side is held against itself."""
    quick = LaunchSteps(began=[0.0, 1.0, 2.5], ended=[1.0, 2.0, 3.5], faults=[0, 0, 0])
    slow = LaunchSteps(began=[0.0, 2.0, 5.0], ended=[2.0, 4.0, 7.0], faults=[0, 0, 0])
    pair = LaunchPair(
        case_id="qwen3-8b-lora",
        run_id="20261128T155445Z-83a9a199",
        launch=1,
        first="suite",
        gpu=None,
        suite=quick,
        script=slow,
    )
    found = figure("qwen3-8b-lora", 0.01, [pair, pair])
    assert found.suite_waits == pytest.approx([3.5 / 3 - 1] * 2)
    assert found.bare_waits == pytest.approx([7 / 3 / 2 - 1] * 2)
    assert found.waits_pairs == pytest.approx([0.0, 0.0])
