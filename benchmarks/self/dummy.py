"""Do steps on the suite's made-up 4-bit weights take as long as on weights that were quantized?

``python benchmarks/self/dummy.py --out DIR`` writes a checkpoint of normal random numbers, as
large as the model's, and lets two of the suite's workers train at the same time, in turns of a few
steps: one fills its weights as every run with dummy weights does, the other loads the checkpoint
and has its engine quantize it. Else they do the same. At a card's power limit the time of a
product can depend on the numbers in it, so the clocks in each side's turns are told as well.
DIR gets every step (``dummy.pairs``; given again, it goes on where it was cut).
"""

import argparse
import math
import os
import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import torch
from fidelity import LIMIT, TURNS, Suite
from safetensors import safe_open
from safetensors.torch import save_file

from suite.catalog import model as models
from suite.catalog.case import Case
from suite.catalog.model import Model
from suite.catalog.profile import Profile
from suite.results.fidelity import between
from suite.run import planning
from suite.run.environment import resolve_profile
from suite.run.launch import cache_folder
from suite.run.measurement import worker_environment
from suite.run.nvml import Device, open_gpu
from suite.run.progress import reporter
from suite.run.session import Span
from suite.run.telemetry import Sampler
from suite.wire import Start
from suite.worker.checkpoints import checkpoint_folder
from suite.worker.weights import STANDARD_DEVIATION


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One launch: ``seconds`` of every step in a turn, SM clocks in MHz sampled meanwhile."""

    weights: str
    seconds: list[float]
    sm_clock_mhz: list[int]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One launch of each."""

    case_id: str
    dummy: Side
    quantized: Side


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


def measure(case: Case, profile: Profile, out: Path, number: int, checkpoint: Path) -> Pair:
    """Run pair ``number`` of a case; they take turns ABBA, so that what drifts meets both."""
    found = open_gpu() if profile.device == "cuda" else None
    gpu = found if isinstance(found, Device) else None
    environment = worker_environment(os.environ, gpu)
    folder = out / "work"
    folder.mkdir(exist_ok=True)
    plan = planning.make(profile, models=[case.model.name], methods=[case.method.name])
    sampler = None if gpu is None else Sampler(gpu)
    sessions: list[Suite] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    with reporter(out, plan, (), json=False) as told:
        try:
            for weights in ("dummy", str(checkpoint)):
                told.case_begun(case, 1, 1, number, number)
                start = Start(
                    case=case,
                    device=profile.device,
                    weights=weights,
                    cache=str(cache_folder()),
                    compiled=str(out / "compiled" / f"{case.case_id}-{len(sessions)}"),
                )
                session = Suite(start, reporter=told, folder=folder, environment=environment)
                sessions.append(session)
                session.prepare()
                session.warm_up()
            if sampler is not None:
                sampler.start()
                sampler.watch(sessions[0].process.pid)
            begun = [len(session.step_spans) for session in sessions]
            for turn in range(TURNS):
                for side in (0, 1) if (turn + number) % 2 else (1, 0):
                    seconds[side].extend(sessions[side].turn()[0])
            for session in sessions:
                session.finish()
        finally:
            if sampler is not None:
                sampler.stop()
            for session in sessions:
                session.close()
    dummy, quantized = (
        Side(
            weights=session.ready.weights if session.ready is not None else "",
            seconds=taken,
            sm_clock_mhz=[] if sampler is None else _clocks(sampler, session.step_spans[first:]),
        )
        for session, taken, first in zip(sessions, seconds, begun, strict=True)
    )
    return Pair(case_id=case.case_id, dummy=dummy, quantized=quantized)


def _clocks(sampler: Sampler, spans: Sequence[Span]) -> list[int]:
    seen = sampler.telemetry(spans)
    samples = zip(seen.elapsed_seconds, seen.sm_clock_mhz, strict=True)
    return [
        clock
        for at, clock in samples
        if clock is not None and any(a <= at <= b for a, b in seen.step_elapsed_seconds)
    ]


def said(case_id: str, pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield how the suite's weights compare, and what became of the clocks."""
    for name, pick in (("median", statistics.median), ("shortest", min)):
        ratios = [pick(pair.dummy.seconds) / pick(pair.quantized.seconds) - 1 for pair in pairs]
        mean = math.expm1(statistics.mean(map(math.log1p, ratios)))
        span = between(ratios)
        shown = "" if span is None else f" (95 %: {span[0]:+.2%} to {span[1]:+.2%})"
        yield f"{case_id}: {name} step {mean:+.2%}{shown}, limit {LIMIT:.1%}, {len(pairs)} pairs"
    for name in ("dummy", "quantized"):
        clocks = [clock for pair in pairs for clock in getattr(pair, name).sm_clock_mhz]
        if clocks:
            yield f"  {name}: SM clock {statistics.mean(clocks):,.0f} MHz, {len(clocks)} samples"


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
    lines = journal.read_bytes().splitlines() if journal.is_file() else []
    done = [msgspec.json.decode(line, type=Pair) for line in lines]
    for case in plan.cases:
        pairs = [pair for pair in done if pair.case_id == case.case_id]
        while len(pairs) < args.pairs:
            pairs.append(measure(case, profile, out, len(pairs) + 1, checkpoint))
            with journal.open("ab") as file:
                file.write(msgspec.json.encode(pairs[-1]) + b"\n")
        print(*said(case.case_id, pairs), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
