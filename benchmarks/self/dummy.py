"""Do steps on the suite's made-up 4-bit weights take as long as on weights that were quantized?

``python benchmarks/self/dummy.py --out DIR`` writes a checkpoint of normal random numbers, as
large as the model's, and lets two of the suite's workers train at the same time, in turns of a few
steps: one fills its weights as every run with dummy weights does, the other loads the checkpoint
and has its engine quantize it. Else they do the same. At a card's power limit the time of a
product can depend on the numbers in it, so power and clocks in each side's turns are told as well.
DIR gets every step (``dummy.pairs``; given again, it goes on where it was cut) and the figures
(``fidelity.json``, beside those of ``fidelity.py``).
"""

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from benchmarks.self.fidelity import LIMIT
from benchmarks.self.sides import turns
from benchmarks.self.sides.turns import Suite, Turn
from suite.catalog import model as models
from suite.catalog.case import Case
from suite.catalog.model import Model
from suite.catalog.profile import Profile
from suite.results.fidelity import Fidelity
from suite.run import planning
from suite.run.case.measurement import worker_environment
from suite.run.folders import cache_folder
from suite.run.machine.environment import resolve_profile
from suite.run.machine.nvml import Device, open_gpu
from suite.run.progress.choose import reporter
from suite.wire import Start
from suite.worker.model.checkpoints import checkpoint_folder
from suite.worker.model.weights import STANDARD_DEVIATION


class WeightsLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """One launch: ``seconds`` of every step in a turn, and what the machine did in each turn.

    ``collector_seconds`` of a step's seconds were Python's garbage collector's. Of the first pairs
    that were published, SM clocks in MHz are known instead.
    """

    weights: str
    seconds: list[float]
    collector_seconds: list[float | None] = []
    turns: list[Turn] = []
    sm_clock_mhz: list[int] = []


class WeightsPair(msgspec.Struct, frozen=True, kw_only=True):
    """One launch of each."""

    case_id: str
    dummy: WeightsLaunch
    quantized: WeightsLaunch


def write_checkpoint(model: Model, out: Path) -> Path:
    """Return a folder with the model's dense checkpoint, its holes filled with normal numbers."""
    empty, folder = checkpoint_folder(model, "dense", cache_folder()), out / f"normal-{model.name}"
    if folder.is_dir():
        return folder
    making = folder.with_suffix(".part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    numbers = torch.Generator(device).manual_seed(17)
    for path in empty.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, making)
            continue
        tensors = {}
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 - the file is no mapping
                tensor = torch.ones(file.get_slice(name).get_shape(), dtype=torch.bfloat16)
                if not name.endswith("norm.weight"):
                    made = tensor.to(device).normal_(0, STANDARD_DEVIATION, generator=numbers)
                    tensor = made.cpu()
                tensors[name] = tensor
        save_file(tensors, making / path.name, metadata={"format": "pt"})
    making.rename(folder)
    return folder


def measure(case: Case, profile: Profile, out: Path, number: int, checkpoint: Path) -> WeightsPair:
    """Run pair ``number`` of a case.

    Who starts first and who has the first turn changes from pair to pair, in all four ways.
    """
    found = open_gpu() if profile.has_gpu else None
    gpu = found if isinstance(found, Device) else None
    environment = worker_environment(os.environ, () if gpu is None else (gpu,))
    folder = out / "work"
    folder.mkdir(exist_ok=True)
    plan = planning.make(profile, models=[case.model.name], methods=[case.method.name])
    weights = {"dummy": "dummy", "quantized": str(checkpoint)}
    with reporter(out, plan, (), json=False) as told, ExitStack() as opened:
        told.case_begun(case, 1, 1, number, number)
        sides: dict[str, Suite] = {}
        for name in sorted(weights, reverse=number // 2 % 2 == 1):
            start = Start(
                case=case,
                device=profile.device,
                weights=weights[name],
                cache=str(cache_folder()),
                compiled=str(out / "compiled" / f"{case.case_id}-{name}"),
            )
            sides[name] = Suite(start, reporter=told, folder=folder, environment=environment)
            opened.callback(sides[name].close)
        with ThreadPoolExecutor() as pool:  # loading is not measured
            list(pool.map(Suite.prepare, sides.values()))
        for side in sides.values():  # compilers time kernels in their first step: one at a time
            side.warm_up()
        dummy, quantized = sides["dummy"], sides["quantized"]
        seen = turns.alternate((dummy, quantized), gpu, first=number % 2)
        for side in (dummy, quantized):
            side.finish()
    return WeightsPair(
        case_id=case.case_id, dummy=_side(dummy, seen[0]), quantized=_side(quantized, seen[1])
    )


def _side(session: Suite, seen: list[Turn]) -> WeightsLaunch:
    assert session.ready is not None
    return WeightsLaunch(
        weights=session.ready.weights,
        seconds=[step.seconds for step in session.turn_steps()],
        collector_seconds=[step.collector_seconds for step in session.turn_steps()],
        turns=seen,
    )


def figure(case_id: str, pairs: Sequence[WeightsPair]) -> Fidelity:
    """Return the figure of one case."""
    dummy = [statistics.median(pair.dummy.seconds) for pair in pairs]
    quantized = [statistics.median(pair.quantized.seconds) for pair in pairs]
    reported, reported_pairs = turns.differences(dummy, quantized)
    return Fidelity(
        case_id=case_id,
        against="weights",
        turn_steps=turns.TURN,
        limit=LIMIT,
        reported=reported,
        reported_pairs=reported_pairs,
        wall=None,
        wall_pairs=(),
        suite_seconds=tuple(dummy),
        bare_seconds=tuple(quantized),
        shortest_pairs=tuple(
            min(pair.dummy.seconds) / min(pair.quantized.seconds) - 1 for pair in pairs
        ),
        turns=turns.longer(
            [turn for pair in pairs for turn in (*pair.dummy.turns, *pair.quantized.turns)]
        ),
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=models.names(), default="qwen3-8b")
    parser.add_argument("--tier", default="standard")
    parser.add_argument("--methods", nargs="+", default=["unsloth-qlora"])
    parser.add_argument("--pairs", type=int, default=4)
    args = parser.parse_args()
    out = args.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    profile = resolve_profile("auto")
    plan = planning.make(profile, tier=args.tier, models=[args.model], methods=args.methods)
    checkpoint = write_checkpoint(models.load(args.model), out)
    journal = out / "dummy.pairs"
    done = turns.read(journal, WeightsPair)
    found = []
    for case in plan.cases:
        pairs = [pair for pair in done if pair.case_id == case.case_id]
        while len(pairs) < args.pairs:
            pairs.append(measure(case, profile, out, len(pairs) + 1, checkpoint))
            turns.keep(journal, pairs[-1])
            print(turns.said("dummy", pairs[-1].dummy.turns))
            print(turns.said("quantized", pairs[-1].quantized.turns), flush=True)
        found.append(figure(case.case_id, pairs))
        print(
            f"{found[-1].verdict}: {case.case_id}: {found[-1].reported:+.2%} step time;"
            f" {found[-1].pairs} pairs",
            flush=True,
        )
    print(turns.publish(out, plan.profile, found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
