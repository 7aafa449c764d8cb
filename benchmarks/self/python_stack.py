"""What does a call cost at every place of CPython's frame stack, without and with room?

``python benchmarks/self/python_stack.py`` calls an empty function again and again from frames of
every size, so that the call falls on every place of a 16 KiB chunk, and prints the usual and the
dearest place. With a file of steps that alternated between the two, as published, it prints what
those took; with ``launches.pairs``, what launches took that page faults slowed.
``docs/python-stack.md`` says what this has to do with a training step.
"""

import csv
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.self.launches import LaunchPair
from benchmarks.self.sides import turns
from suite.worker.python_stack import with_room

CALLS = 5_000
WORDS = range(2, 16_384 // 8 + 50, 3)
MANY = 1_000  #: fewer page faults a step tell nothing of what one costs


def _nothing() -> None:
    pass


def _calls() -> None:
    for _ in range(CALLS):
        _nothing()


def places() -> list[tuple[float, float]]:
    """Return page faults and seconds of one call, for every place of a chunk."""

    def deeper() -> None:
        _calls()

    found = []
    for words in WORDS:
        deeper.__code__ = deeper.__code__.replace(co_stacksize=words)
        faults = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        began = time.perf_counter()
        deeper()
        seconds = time.perf_counter() - began
        faults = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - faults
        found.append((faults / CALLS, seconds / CALLS))
    return found


def _told(name: str, found: list[tuple[float, float]]) -> str:
    usual = statistics.median(seconds for _, seconds in found)
    faults, dearest = max(found)
    return (
        f"{name}: a call takes {usual * 1e6:.2f} µs, at the dearest of {len(found)} places"
        f" {dearest * 1e6:.2f} µs, with {faults:.2f} page faults"
    )


def table(path: Path) -> Iterator[str]:
    """Yield a Markdown table of steps that alternated: medians, faults, processor time."""
    with path.open(newline="", encoding="ascii") as file:
        steps = list(csv.DictReader(file))
    yield "| Program | Frames | Steps | Step | Page faults | System time | User time | A fault |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for side in ("suite", "script"):
        usual, roomy = (
            [step for step in steps if (step["side"], step["mode"]) == (side, mode)]
            for mode in ("plain", "room")
        )
        yield _row(side, "as they were", usual, _cost(usual, roomy))
        yield _row(side, "in one chunk", roomy, "")


def slowed_launches(path: Path) -> Iterator[str]:
    """Yield a Markdown table of the pairs of whole launches of which page faults slowed one."""
    yield "| Case | Program | Page faults | Step, mean | 10 % quantile |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for pair in turns.read(path, LaunchPair):
        for name, side in (("suite", pair.suite), ("script", pair.script)):
            if not pair.disturbed:
                continue
            felt = statistics.median(count for count in side.faults if count is not None)
            mean, low = (f"{side.numbers[key]:.3f} s" for key in ("window", "low"))
            yield f"| {pair.case_id} | {name} | {felt:,.0f} | {mean} | {low} |"


def _median(steps: list[dict[str, str]], column: str) -> float:
    return statistics.median(float(step[column]) for step in steps)


def _cost(usual: list[dict[str, str]], roomy: list[dict[str, str]]) -> str:
    faults, seconds = (
        _median(usual, column) - _median(roomy, column) for column in ("minor_faults", "seconds")
    )
    return f"{seconds / faults * 1e6:.0f} µs" if faults > MANY else ""


def _row(side: str, frames: str, steps: list[dict[str, str]], cost: str) -> str:
    cells = [side, frames, str(len(steps)), f"{_median(steps, 'seconds'):.3f} s"]
    cells.append(f"{_median(steps, 'minor_faults'):,.0f}")
    for kind in ("system", "user"):
        cells.append(f"{_median(steps, f'thread_{kind}_seconds') * 1000:.0f} ms")
    return f"| {' | '.join([*cells, cost])} |"


def main() -> int:
    """Measure and print, or print what a file holds."""
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        print("\n".join(slowed_launches(path) if path.suffix == ".pairs" else table(path)))
        return 0
    print(f"Python {sys.version.split()[0]}")
    print(_told("as it is", places()))
    with_room(_printer(places))
    return 0


def _printer(measure: Callable[[], list[tuple[float, float]]]) -> Callable[[], None]:
    return lambda: print(_told("with room", measure()))


if __name__ == "__main__":
    sys.exit(main())
