"""Is the step time that the suite reports the one a user would see without it?

``python benchmarks/self/fidelity.py --out DIR`` lets the suite's worker and ``bare.py`` train on
this machine's device at the same time, in turns of a few steps: while one computes, the other
waits, so that heat, clocks and neighbours meet both alike. What comes from outside of a process
meets both as well, so it does not show here: ``launches.py`` compares whole launches, each alone
on the machine. A pair is one launch of each. Pairs
are taken until the verdict is settled, or there are ``--pairs`` of them. DIR gets what was
measured (``fidelity.pairs``; given again, it goes on where it was cut) and the figures
(``fidelity.json``), which are published beside the profile's runs.
"""

import argparse
import os
import select
import statistics
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import get_args

import msgspec

from benchmarks.self.sides import script, turns
from benchmarks.self.sides.turns import TURN, TURNS, WARMUP, Suite, Turn
from suite.catalog import model as models
from suite.catalog.case import Case
from suite.catalog.loops import Loop
from suite.catalog.profile import Profile
from suite.errors import SuiteError
from suite.results.fidelity import Fidelity
from suite.run import planning
from suite.run.case.measurement import worker_environment
from suite.run.folders import cache_folder
from suite.run.machine.environment import resolve_profile
from suite.run.machine.nvml import Device, open_gpu
from suite.run.progress.choose import reporter
from suite.wire import Start

LIMIT = 0.01  #: of step time, either way
LEAST_PAIRS, MOST_PAIRS = 3, 6
LONGEST_SECONDS = 600.0  #: to the end of a turn


class TurnPair(msgspec.Struct, frozen=True, kw_only=True):
    """One launch of each: seconds of every step in a turn.

    ``reported`` as a record would have them; ``suite`` and ``bare`` from one step's end to the
    next one's, which the first step of a turn lacks. Pairs of before November 26 lack the turns.
    """

    case_id: str
    reported: list[float]
    suite: list[float]
    bare: list[float]
    suite_turns: list[Turn] = []
    bare_turns: list[Turn] = []


class Bare:
    """The bare script, which waits after its warm-up and after each turn."""

    def __init__(self, case: Case, out: Path, gpu: Device | None) -> None:
        self._out = out
        held, theirs = os.pipe()
        ours, go = os.pipe()
        self._held, self._go = held, go
        self._process = script.start(
            case,
            out,
            gpu,
            warmup=WARMUP,
            steps=TURN * TURNS,
            more=[f"--turn={TURN}", f"--held={theirs}", f"--go={ours}"],
            pass_fds=(theirs, ours),
        )
        os.close(theirs)
        os.close(ours)

    @property
    def process_id(self) -> int:
        """Return the script's."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until its turn, or its warm-up, is over."""
        ready, _, _ = select.select([self._held], [], [], LONGEST_SECONDS)
        if not ready or not os.read(self._held, 1):
            raise SuiteError(f"bare.py failed:\n{script.log_tail(self._out)}")

    def turn(self) -> None:
        """Let it take a turn."""
        os.write(self._go, b".")
        self.wait()

    def result(self) -> list[float]:
        """Let it end; return the seconds between the ends of its steps, turn by turn."""
        os.write(self._go, b".")
        if self._process.wait(LONGEST_SECONDS):
            self.wait()
        return _between_turns(script.result(self._out).ended)

    def close(self) -> None:
        """Leave nothing running."""
        self._process.kill()
        self._process.wait()
        os.close(self._held)
        os.close(self._go)


def measure(case: Case, profile: Profile, out: Path, number: int) -> TurnPair:
    """Run pair ``number`` of a case; they take turns ABBA, so that what drifts meets both."""
    found = open_gpu() if profile.has_gpu else None
    gpu = found if isinstance(found, Device) else None
    start = Start(
        case=case,
        device=profile.device,
        weights="dummy",
        cache=str(cache_folder()),
        compiled=str(out / "compiled" / case.case_id),
    )
    plan = planning.make(profile, models=[case.model.name], methods=[case.method.name])
    with reporter(out, plan, (), json=False) as told:
        told.case_begun(case, 1, 1, number, MOST_PAIRS)
        bare = Bare(case, out, gpu)
        folder = out / "work"
        folder.mkdir(exist_ok=True)
        environment = worker_environment(os.environ, () if gpu is None else (gpu,))
        suite = Suite(start, reporter=told, folder=folder, environment=environment)
        try:
            suite.prepare()
            suite.warm_up()
            bare.wait()
            seen = turns.alternate((suite, bare), gpu, first=number % 2, watch=suite.process.pid)
            suite.finish()
            ends = [span.ended for span in suite.step_spans]
            return TurnPair(
                case_id=case.case_id,
                reported=[step.seconds for step in suite.turn_steps()],
                suite=_between_turns(ends),
                bare=bare.result(),
                suite_turns=seen[0],
                bare_turns=seen[1],
            )
        finally:
            suite.close()
            bare.close()


def figure(case_id: str, pairs: Sequence[TurnPair]) -> Fidelity:
    """Return the figure of one case."""
    bare = [statistics.median(pair.bare) for pair in pairs]
    suite = [statistics.median(pair.reported) for pair in pairs]
    walls = [statistics.median(pair.suite) for pair in pairs]
    reported, reported_pairs = turns.differences(suite, bare)
    wall, wall_pairs = turns.differences(walls, bare)
    return Fidelity(
        case_id=case_id,
        turn_steps=TURN,
        limit=LIMIT,
        reported=reported,
        reported_pairs=reported_pairs,
        wall=wall,
        wall_pairs=wall_pairs,
        suite_seconds=tuple(suite),
        bare_seconds=tuple(bare),
        shortest_pairs=tuple(min(pair.suite) / min(pair.bare) - 1 for pair in pairs),
        turns=turns.longer(
            [turn for pair in pairs for turn in (*pair.suite_turns, *pair.bare_turns)]
        ),
    )


def figures(cases: Sequence[Case], profile: Profile, out: Path, most: int) -> Iterator[Fidelity]:
    """Yield each case's figure, taking the pairs that it still needs."""
    journal = out / "fidelity.pairs"
    done = turns.read(journal, TurnPair)
    for case in cases:
        pairs = [pair for pair in done if pair.case_id == case.case_id]
        while len(pairs) < LEAST_PAIRS or (
            len(pairs) < most and figure(case.case_id, pairs).verdict == "undecided"
        ):
            pairs.append(measure(case, profile, out, len(pairs) + 1))
            turns.keep(journal, pairs[-1])
            print(turns.said("suite", pairs[-1].suite_turns), flush=True)
            print(turns.said("script", pairs[-1].bare_turns), flush=True)
        yield figure(case.case_id, pairs)


def _between_turns(ends: Sequence[float]) -> list[float]:
    """Return the seconds from one step's end to the next one's, inside of turns."""
    taken = [ends[at : at + TURN] for at in range(WARMUP, len(ends), TURN)]
    return [later - sooner for turn in taken for sooner, later in pairwise(turn)]


def main() -> int:
    """Measure, write, print; 1 when a limit is not shown to hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", choices=models.names(), default="qwen3-8b")
    parser.add_argument("--tier", default="standard")
    parser.add_argument("--methods", nargs="+", default=["lora", "unsloth-qlora"])
    parser.add_argument("--loop", choices=get_args(Loop), default="sft")
    parser.add_argument("--pairs", type=int, default=MOST_PAIRS, help="at most")
    args = parser.parse_args()
    out = args.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    profile = resolve_profile("auto")
    plan = planning.make(
        profile, tier=args.tier, loop=args.loop, models=[args.model], methods=args.methods
    )
    found = []
    for each in figures(plan.cases, profile, out, args.pairs):
        found.append(each)
        print(
            f"{each.verdict}: {each.case_id}: {each.reported:+.2%} step time,"
            f" {each.wall or 0:+.2%} from step end to step end; {each.pairs} pairs",
            flush=True,
        )
    print(turns.publish(out, plan.profile, found))
    return 0 if all(each.verdict == "within" for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
