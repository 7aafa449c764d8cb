"""Is the step time that the suite reports the one a user would see? Whole launches, in turn.

``python benchmarks/self/launches.py --out DIR`` runs the suite's launches and ``bare.py`` one
after the other, each alone on the machine, ABBA: a pair is one launch of each. Turns of a few
steps, which ``fidelity.py`` takes, cannot see what one process does to itself alone: whatever
disturbs from outside meets both there. DIR gets the suite's launches as an ordinary run
(``DIR/run``), every step of both sides (``launches.pairs``; given again, it goes on where it was
cut) and the figures (``fidelity.json``), which are published beside the profile's runs.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec

from benchmarks.self.sides import script, turns
from suite import units
from suite.catalog import model as models
from suite.catalog.case import Case
from suite.catalog.loops import Loop
from suite.errors import SuiteError
from suite.results.fidelity import Fidelity, geometric, mean_interval
from suite.results.record import Record
from suite.results.samples import low_quantile
from suite.results.storage.run_folder import Plan, Run, create, open_run
from suite.results.validity.page_faults import MOST_SHARE, share_of_step
from suite.run import planning
from suite.run.launch import Launch
from suite.run.machine.environment import resolve_profile
from suite.run.machine.nvml import Device, open_gpu
from suite.run.progress.choose import reporter
from suite.run.progress.reporter import Reporter

#: Of a difference, either way: Unsloth's steps wait for the host, which scatters more.
LIMITS = {"transformers": 0.01, "unsloth": 0.02}
SCRIPT_WARMUP = 13  #: steps, the first included
LONGEST_SECONDS = 900.0  #: of one launch of the script


class LaunchSteps(msgspec.Struct, frozen=True, kw_only=True):
    """The steady steps of one launch, on a clock of its own, in seconds.

    ``faults``: minor page faults of the training thread in each step.
    """

    began: list[float]
    ended: list[float]
    faults: list[int | None]

    @property
    def seconds(self) -> list[float]:
        """Return how long each step took."""
        return [end - begin for begin, end in zip(self.began, self.ended, strict=True)]

    @property
    def disturbed(self) -> bool:
        """Return whether page faults took a part of the steps that a record would be told of."""
        counts = [count for count in self.faults if count is not None]
        return bool(counts) and share_of_step(counts, self.numbers["window"]) > MOST_SHARE

    @property
    def numbers(self) -> dict[str, float]:
        """Return the median step, the mean over the whole window, and the 10 % quantile."""
        return {
            "median": statistics.median(self.seconds),
            "window": (self.ended[-1] - self.began[0]) / len(self.ended),
            "low": low_quantile(self.seconds),
        }


class LaunchPair(msgspec.Struct, frozen=True, kw_only=True):
    """One launch of each; ``first`` says whose came first, ``launch`` is the suite's number."""

    case_id: str
    run_id: str
    launch: int
    first: str
    gpu: str | None
    suite: LaunchSteps
    script: LaunchSteps

    @property
    def disturbed(self) -> bool:
        """Return whether page faults slowed one side: then the two did not do the same.

        On the CPU never: tensors themselves take new pages there, on both sides.
        """
        return self.gpu is not None and (self.suite.disturbed or self.script.disturbed)


def compare(run: Run, out: Path, told: Reporter) -> Iterator[LaunchPair]:
    """Yield the pairs that are still to be measured, round by round over the cases."""
    journal = out / "launches.pairs"
    done = {(pair.case_id, pair.launch) for pair in turns.read(journal, LaunchPair)}
    for number in range(1, run.plan.launches + 1):
        launch = Launch(run, number, told)
        try:
            for at, case in enumerate(run.plan.cases):
                if (case.case_id, number) in done:
                    continue
                suite_first = (number + at) % 2 == 1
                bare = None if suite_first else _script(case, out)
                record = _record(run, number, case) or _measured(launch, case)
                pair = LaunchPair(
                    case_id=case.case_id,
                    run_id=run.plan.run_id,
                    launch=number,
                    first="suite" if suite_first else "script",
                    gpu=None if record.environment.gpu is None else record.environment.gpu.name,
                    suite=_side(record),
                    script=bare or _script(case, out),
                )
                turns.keep(journal, pair)
                yield pair
        finally:
            launch.close()


def _record(run: Run, launch: int, case: Case) -> Record | None:
    found = (r for r in run.records if (r.launch, r.case_id) == (launch, case.case_id))
    return next(found, None)


def _measured(launch: Launch, case: Case) -> Record:
    """Measure one case as ``run`` does, and return its record."""
    measurement = launch.measurement(case)
    try:
        measurement.warm_up()
        return measurement.finish()
    finally:
        measurement.close()


def _side(record: Record) -> LaunchSteps:
    steady = [
        (step, span)
        for step, span in zip(record.steps, record.step_spans, strict=True)
        if step.role == "steady"
    ]
    return LaunchSteps(
        began=[began for _, (began, _) in steady],
        ended=[ended for _, (_, ended) in steady],
        faults=[step.minor_faults for step, _ in steady],
    )


def _script(case: Case, out: Path) -> LaunchSteps:
    """Run the script to its end; its steady steps are as many as the suite's at most."""
    found = open_gpu()
    gpu = found if isinstance(found, Device) else None
    steps = case.most_steady_steps
    process = script.start(case, out, gpu, warmup=SCRIPT_WARMUP, steps=steps)
    try:
        if process.wait(LONGEST_SECONDS):
            raise SuiteError(f"bare.py failed:\n{script.log_tail(out)}")
    finally:
        process.kill()
        process.wait()
        if gpu is not None:
            gpu.close()
    times = script.result(out)
    counted = slice(SCRIPT_WARMUP, None)
    return LaunchSteps(
        began=times.began[counted], ended=times.ended[counted], faults=times.faults[counted]
    )


def figure(case_id: str, limit: float, pairs: Sequence[LaunchPair]) -> Fidelity:
    """Return the figure of one case, of its pairs that page faults did not disturb."""
    pairs = [pair for pair in pairs if not pair.disturbed]
    suite = [pair.suite.numbers for pair in pairs]
    bare = [pair.script.numbers for pair in pairs]

    def differ(name: str) -> tuple[float, tuple[float, ...]]:
        return turns.differences([each[name] for each in suite], [each[name] for each in bare])

    reported, reported_pairs = differ("median")
    return Fidelity(
        case_id=case_id,
        run_id=pairs[0].run_id if len({pair.run_id for pair in pairs}) == 1 else "",
        limit=limit,
        reported=reported,
        reported_pairs=reported_pairs,
        wall=None,
        wall_pairs=(),
        window_pairs=differ("window")[1],
        low_pairs=differ("low")[1],
        suite_waits=tuple(_waits(each) for each in suite),
        bare_waits=tuple(_waits(each) for each in bare),
        suite_seconds=tuple(each["median"] for each in suite),
        bare_seconds=tuple(each["median"] for each in bare),
    )


def _waits(numbers: Mapping[str, float]) -> float:
    return numbers["window"] / numbers["low"] - 1


def told_of(pair: LaunchPair) -> str:
    """Return a pair in two lines."""
    lines = []
    for name, side in (("suite", pair.suite), ("script", pair.script)):
        faults = [count for count in side.faults if count is not None]
        numbers = ", ".join(f"{key} {units.seconds(s)}" for key, s in side.numbers.items())
        felt = f"{statistics.median(faults):,.0f}" if faults else "unknown"
        lines.append(f"  {name}: {numbers}, page faults a step {felt}")
    return "\n".join(lines)


def shown(name: str, pairs: Sequence[float]) -> str:
    """Return the mean of some differences with its 95 % interval."""
    span = mean_interval(pairs)
    around = "" if span is None else f" ({span[0]:+.2%} to {span[1]:+.2%})"
    return f"{name} {geometric(pairs):+.2%}{around}"


def sized(case: Case, args: argparse.Namespace) -> Case:
    """Return the case with the rows and the rank that were asked for, and an id that says so."""
    work, adapter = case.workload, case.method.adapter
    changed: dict[str, Any] = {
        "sequence_tokens": args.sequence or work.sequence_tokens,
        "batch_sequences": args.batch or work.batch_sequences,
    }
    rank = args.rank or (adapter.rank if adapter is not None else 0)
    new_work = msgspec.structs.replace(work, **changed)
    if adapter is None or (new_work == work and rank == adapter.rank):
        return case
    method = msgspec.structs.replace(
        case.method, adapter=msgspec.structs.replace(adapter, rank=rank, alpha=float(rank))
    )
    suffix = f"b{new_work.batch_sequences}-s{new_work.sequence_tokens}-r{rank}"
    return msgspec.structs.replace(
        case, case_id=f"{case.case_id}-{suffix}", workload=new_work, method=method
    )


def planned(args: argparse.Namespace) -> Plan:
    """Return the plan of the suite's side."""
    plan = planning.make(
        resolve_profile(args.profile),
        tier=args.tier,
        loop=args.loop,
        launches=args.pairs,
        models=[args.model],
        methods=args.methods,
        argv=("benchmarks/self/launches.py", *_without_out(sys.argv[1:])),
    )
    return msgspec.structs.replace(plan, cases=tuple(sized(case, args) for case in plan.cases))


def _without_out(given: Sequence[str]) -> list[str]:
    kept = [word for before, word in pairwise(("", *given)) if "--out" not in (before, word)]
    return [word for word in kept if not word.startswith("--out=")]


def main() -> int:
    """Measure, write, print; 1 when a limit is not shown to hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", default="auto")
    parser.add_argument("--model", choices=models.names(), default="qwen3-8b")
    parser.add_argument("--tier", default="standard")
    parser.add_argument("--methods", nargs="+", default=["lora", "unsloth-lora", "unsloth-qlora"])
    parser.add_argument("--loop", choices=get_args(Loop), default="sft")
    parser.add_argument("--sequence", type=int, help="tokens a row (default: the tier's)")
    parser.add_argument("--batch", type=int, help="rows a batch (default: the tier's)")
    parser.add_argument("--rank", type=int, help="of the adapters (default: the method's)")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seconds", type=float, help="begin no pair after as many")
    args = parser.parse_args()
    began, out = time.monotonic(), args.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    folder = out / "run"
    opened = open_run(folder) if folder.exists() else create(folder, planned(args))
    with opened as run, reporter(folder, run.plan, run.records, json=False) as told:
        for pair in compare(run, out, told):
            print(f"{pair.case_id}, {pair.first} first\n{told_of(pair)}", flush=True)
            if args.seconds and time.monotonic() - began > args.seconds:
                break
    pairs = turns.read(out / "launches.pairs", LaunchPair)
    figures = [
        figure(case.case_id, LIMITS[case.method.engine], own)
        for case in run.plan.cases
        if (own := [pair for pair in pairs if pair.case_id == case.case_id])
        and not all(pair.disturbed for pair in own)
    ]
    if left_out := sum(pair.disturbed for pair in pairs):
        print(f"{left_out} of {len(pairs)} pairs left out: page faults slowed one side")
    for each in figures:
        parts = {"median": each.reported_pairs, "window": each.window_pairs, "low": each.low_pairs}
        differences = ", ".join(shown(name, shares) for name, shares in parts.items())
        print(f"{each.verdict}: {each.case_id}: {differences}; {each.pairs} pairs", flush=True)
    print(turns.publish(out, run.plan.profile, figures))
    return 0 if figures and all(each.verdict == "within" for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
