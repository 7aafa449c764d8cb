"""How often the gate of ``./tunebench compare`` is wrong, by simulation: ``tox -e gate``.

Runs of known truth are drawn, or put together from published launches, and go through the gate's
own rule (``suite.results.stats.gate_rule``). Prints Markdown tables; the seed is fixed.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy
from numpy.typing import NDArray

from benchmarks.self.simulated import published
from benchmarks.self.simulated.noise import (
    Array,
    World,
    autoregressive,
    judged,
    line,
    one_in_ten,
    two_modes,
)
from suite.results.stats.designs import Design

CASES = (1, 12, 50)
RUNS = {1: 4000, 12: 4000, 50: 500}
#: Of nothing changed: what is true, of one row.
WORLDS: dict[str, World] = {
    "spread 0.3 %": World(spread=0.003),
    "spread 0.7 %": World(spread=0.007),
    "spread 2 %": World(spread=0.02),
    "spread 6 %": World(spread=0.06),
    "heavy tails, 2 %": World(spread=0.02, heavy=True),
    "one launch in ten a fifth slower": World(spread=0.007, beside=one_in_ten),
    "one launch in five 7 % slower": World(spread=0.003, beside=two_modes(0.2)),
    "every second launch 7 % slower": World(spread=0.003, beside=two_modes(0.5)),
    "even drift of 5 %": World(spread=0.007, beside=line(0.05)),
    "drift of each case, 2 %": World(spread=0.007, beside=autoregressive(0.9, 0.02, shared=False)),
    "drift of all cases, 2 %": World(spread=0.007, beside=autoregressive(0.9, 0.02, shared=True)),
    "all cases of a launch alike, 0.7 %": World(
        spread=0.003, beside=autoregressive(0.5, 0.007, shared=True)
    ),
    "spread 2 %, 3 repeats": World(spread=0.02, launches=3),
    "every second launch 7 % slower, 3 repeats": World(
        spread=0.003, beside=two_modes(0.5), launches=3
    ),
    "spread 2 %, 10 repeats": World(spread=0.02, launches=10),
    "every second launch 7 % slower, 10 repeats": World(
        spread=0.003, beside=two_modes(0.5), launches=10
    ),
}
APART = ("spread 0.7 %", "even drift of 5 %", "drift of each case, 2 %", "drift of all cases, 2 %")
CHANGES = (0.02, 0.03, 0.05)
FOUND: tuple[tuple[str, int], ...] = (
    ("spread 0.3 %", 5),
    ("spread 0.7 %", 5),
    ("spread 2 %", 5),
    ("spread 2 %", 10),
    ("spread 6 %", 10),
    ("even drift of 5 %", 5),
    ("drift of each case, 2 %", 5),
    ("one launch in ten a fifth slower", 5),
    ("one launch in ten a fifth slower", 10),
)
REAL_RUNS = 4000


def main() -> int:
    """Print the tables."""
    for table in (false_alarms(), apart(), detection(), everywhere(), real(), at_once()):
        print("\n".join(table))
        print()
    return 0


def _table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"| --- {'| ---: ' * (len(header) - 1)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _share(found: NDArray[numpy.bool_]) -> str:
    return f"{found.mean():.1%}".replace("%", " %")


def _changed(world: World, **changes: object) -> World:
    return World(**{**world.__dict__, **changes})  # type: ignore[arg-type]


def _alarms(names: Sequence[str], design: Design) -> Iterator[Sequence[str]]:
    for row, name in enumerate(names):
        world = _changed(WORLDS[name], design=design)
        drawn = (world.drawn(RUNS[cases], cases, row) for cases in CASES)
        yield [name, *(_share(judged(each, world)[1]) for each in drawn)]


def _of_cases() -> list[str]:
    return ["1 case", *(f"{cases} cases" for cases in CASES[1:])]


def false_alarms() -> Iterator[str]:
    """Yield the gates that fail though nothing changed, sides in turns."""
    header = ["Nothing changed, sides in turns: gates that fail", *_of_cases()]
    return _table(header, _alarms(list(WORLDS), Design.IN_TURNS))


def apart() -> Iterator[str]:
    """Yield the same with one side after the other."""
    header = ["Nothing changed, one side after the other: gates that fail", *_of_cases()]
    return _table(header, _alarms(APART, Design.APART))


def detection() -> Iterator[str]:
    """Yield how often the one case that got slower is found."""
    header = ["One case is slower, sides in turns: found", "Repeats"]
    header += [f"{change:+.0%} of {cases}" for cases in CASES for change in CHANGES]

    def rows() -> Iterator[Sequence[str]]:
        for row, (name, launches) in enumerate(FOUND):
            world = _changed(WORLDS[name], launches=launches)
            cells = [name, str(launches)]
            for cases in CASES:
                drawn = world.drawn(RUNS[cases] // 2, cases, row)
                found = (judged(drawn, world, change=each)[0] for each in CHANGES)
                cells += map(_share, found)
            yield cells

    return _table([each.replace("%", " %") for each in header], rows())


def everywhere() -> Iterator[str]:
    """Yield how often a change of 1 % in all cases is found."""
    names = ("spread 0.7 %", "spread 2 %", "even drift of 5 %")

    def rows() -> Iterator[Sequence[str]]:
        for row, name in enumerate(names):
            drawn = (WORLDS[name].drawn(RUNS[cases], cases, row) for cases in CASES[1:])
            shares = (judged(d, WORLDS[name], change=0.01, every=True)[1] for d in drawn)
            yield [name, *map(_share, shares)]

    return _table(["All cases are 1 % slower, sides in turns: found", *_of_cases()[1:]], rows())


def real() -> Iterator[str]:
    """Yield both for runs of published launches: each lot alone, and as one of twelve cases."""
    lots = published.lots()
    world = World(spread=0.0, launches=published.LAUNCHES)
    header = ["Published launches drawn anew", "Launches", "Spread of quantile, mean"]
    header += ["1 case: fails falsely", "+3 %", "+5 %", "12 cases: fails falsely", "+3 %", "+5 %"]

    def rows() -> Iterator[Sequence[str]]:
        for title, lot in lots.items():
            spreads = ", ".join(f"{each:.1%}" for each in lot.std(0, ddof=1)).replace("%", " %")
            cells = [title, str(len(lot)), spreads]
            for cases in (1, 12):
                drawn = published.drawn(lot, list(lots.values()), REAL_RUNS, cases)
                cells += _both(drawn, world)
            yield cells

    return _table(header, rows())


def at_once() -> Iterator[str]:
    """Yield the same of published rounds whose two sides took steps in turns."""
    world = World(spread=0.0, launches=published.LAUNCHES, design=Design.AT_ONCE)
    header = ["Published rounds drawn anew, both sides alive at once", "Rounds"]

    def rows() -> Iterator[Sequence[str]]:
        for title, lot in published.rounds().items():
            drawn = published.drawn_rounds(lot, REAL_RUNS)
            yield [title, str(len(lot)), *_both(drawn, world)]

    return _table([*header, "1 case: fails falsely", "+3 %", "+5 %"], rows())


def _both(drawn: list[Array], world: World) -> Iterator[str]:
    yield _share(judged(drawn, world)[1])
    for change in CHANGES[1:]:
        yield _share(judged(drawn, world, change=change)[0])


if __name__ == "__main__":
    sys.exit(main())
