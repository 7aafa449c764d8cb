"""Is the step time that the suite reports the one a user would see without it?

``python benchmarks/self/fidelity.py --out DIR`` takes launches of the suite and of ``bare.py`` in
turn, on this machine's GPU, and compares their medians. DIR gets a run of the suite like any other
(``DIR/run``), what the bare script measured (``bare.jsonl``) and the figures (``fidelity.json``).
Given again, it goes on where it was cut. To publish: ``./tunebench publish DIR/run``, and
``fidelity.json`` beside it in the profile's folder.
"""

import argparse
import datetime
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import msgspec

from suite.catalog import model as models
from suite.catalog.case import Case
from suite.catalog.tier import Loop
from suite.errors import SuiteError
from suite.results.fidelity import Fidelity, FidelityFile
from suite.results.metrics import all_metrics
from suite.results.record import Record
from suite.results.samples import steady_steps
from suite.results.store import Run, create, open_run
from suite.run import planning
from suite.run.environment import resolve_profile
from suite.run.launch import cache_folder, launch
from suite.run.measurement import worker_environment
from suite.run.nvml import Device, open_gpu
from suite.run.progress import reporter
from suite.worker.checkpoints import checkpoint_folder

HERE = Path(__file__).parent
LIMIT = 0.01  #: of step time, either way


class Bare(msgspec.Struct, frozen=True, kw_only=True):
    """One launch of the bare script: seconds between the ends of its steps."""

    launch: int
    case_id: str
    seconds: list[float]


def measure(run: Run, out: Path, pairs: int) -> None:
    """Take what is left: every launch of the run, and of the first ``pairs`` the bare one too."""
    journal = out / "bare.jsonl"
    done = {(bare.launch, bare.case_id) for bare in _read(journal)}

    def ours(number: int) -> None:
        if not run.launch_done(number):
            with reporter(run.folder, run.plan, run.records, json=False) as told:
                launch(run, number, told)

    def theirs(number: int) -> None:
        for case in run.plan.cases if number <= pairs else ():
            if (number, case.case_id) not in done:
                bare = Bare(launch=number, case_id=case.case_id, seconds=_bare(case, out))
                with journal.open("ab") as file:
                    file.write(msgspec.json.encode(bare) + b"\n")

    for number in range(1, run.plan.launches + 1):
        # In turn ABBA: what drifts meets both alike.
        for side in (ours, theirs) if number % 2 else (theirs, ours):
            side(number)


def figures(run: Run, out: Path) -> Iterator[Fidelity]:
    """Yield one figure a case from what was measured."""
    bare = {(each.launch, each.case_id): each.seconds for each in _read(out / "bare.jsonl")}
    for case in run.plan.cases:
        records = [r for r in run.records if r.case_id == case.case_id and r.outcome == "ok"]
        paired = [r for r in records if (r.launch, r.case_id) in bare]
        if not paired:
            continue
        alone = {r.launch: statistics.median(bare[r.launch, r.case_id]) for r in paired}
        steps = {r.launch: all_metrics()["step_seconds"].compute(r) or math.nan for r in records}
        walls = {r.launch: _between_ends(r) for r in paired}
        reported = [math.log(steps[n] / alone[n]) for n in alone]
        wall = [math.log(w / alone[n]) for n, w in walls.items() if w is not None]
        yield Fidelity(
            case_id=case.case_id,
            run_id=run.plan.run_id,
            limit=LIMIT,
            reported=math.expm1(statistics.mean(reported)),
            reported_pairs=tuple(math.expm1(log) for log in reported),
            wall=math.expm1(statistics.mean(wall)) if wall else None,
            wall_pairs=tuple(math.expm1(log) for log in wall),
            suite_seconds=tuple(steps.values()),
            bare_seconds=tuple(alone.values()),
        )


def _between_ends(record: Record) -> float | None:
    """Return the median seconds from one steady step's end to the next's."""
    if record.telemetry is None:
        return None
    steady = {step.index for step in steady_steps(record)}
    ends = [end for n, (_, end) in enumerate(record.telemetry.step_elapsed_seconds) if n in steady]
    return statistics.median(later - sooner for sooner, later in pairwise(ends))


def _bare(case: Case, out: Path) -> list[float]:
    """Run the bare script once; its compiled kernels are kept from launch to launch, as ours."""
    name, work = case.method.name, case.workload
    checkpoint = checkpoint_folder(case.model, "dense", cache_folder())
    compiled = out.absolute() / "bare-compiled" / name
    gpu = open_gpu()
    environment = worker_environment(os.environ, gpu if isinstance(gpu, Device) else None)
    environment.pop("PYTHONPATH")
    if inherited := os.environ.get("PYTHONPATH"):
        environment["PYTHONPATH"] = inherited
    environment |= {
        "UNSLOTH_DISABLE_STATISTICS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "UNSLOTH_COMPILE_LOCATION": str(compiled / "unsloth"),
        "TRITON_CACHE_DIR": str(compiled / "triton"),
    }
    result = out.absolute() / "bare.json"
    size = [str(work.sequence_tokens), str(work.batch_sequences)]
    command = [sys.executable, str(HERE / "bare.py"), name, str(checkpoint), *size, str(result)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=out)
    if done.returncode:
        raise SuiteError(f"bare.py {name} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    ends = json.loads(result.read_text())["ends"]
    return [later - sooner for sooner, later in pairwise(ends)]


def _read(path: Path) -> list[Bare]:
    if not path.is_file():
        return []
    return [msgspec.json.decode(line, type=Bare) for line in path.read_bytes().splitlines()]


def main() -> int:
    """Measure, write, print; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=models.names(), default="qwen3-8b")
    parser.add_argument("--tier", default="standard")
    parser.add_argument("--methods", nargs="+", default=["lora", "unsloth-qlora"])
    parser.add_argument("--loop", choices=get_args(Loop), default="sft")
    parser.add_argument("--launches", type=int, default=5, help="of the suite")
    parser.add_argument("--pairs", type=int, default=3, help="launches that the bare script has")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if (args.out / "run" / "run.json").is_file():
        run = open_run(args.out / "run")
    else:
        plan = planning.make(
            resolve_profile("auto"),
            tier=args.tier,
            loop=args.loop,
            launches=args.launches,
            models=[args.model],
            methods=args.methods,
            argv=("python", "benchmarks/self/fidelity.py"),
        )
        run = create(args.out / "run", plan)
    with run:
        measure(run, args.out, args.pairs)
        found = list(figures(run, args.out))
    now = datetime.datetime.now(datetime.UTC)
    at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    document = FidelityFile(at=at, profile=run.plan.profile, figures=tuple(found))
    path = args.out / "fidelity.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    for each in found:
        wall = "" if each.wall is None else f", {each.wall:+.2%} from step end to step end"
        verdict = "ok  " if each.verdict == "within" else "OVER"
        print(
            f"{verdict} {each.case_id}: {each.reported:+.2%} step time{wall}; {each.pairs} pairs"
        )
    print(path)
    return 0 if all(each.verdict == "within" for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
