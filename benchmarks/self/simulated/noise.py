"""Made-up launches of a run: logarithms of step times in the order of time, of known truth.

Two quantities are drawn of each launch, as the gate judges two: half of the variance of ``spread``
is common to both, and what happens to a launch beside it (drift, modes, a busy host) happens to
both. A shape is ``(runs, cases, launches of both sides)``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy
from numpy.random import Generator
from numpy.typing import NDArray

from suite.results.stats import gate_rule
from suite.results.stats.designs import Design, Sides

Array = NDArray[numpy.float64]
Shape = tuple[int, int, int]
SEED = 17
#: A launch that met a busy host, and the second mode of one that has two.
BUSY, SECOND_MODE = numpy.log(1.2), numpy.log(0.43 / 0.40)


def none(_: Generator, shape: Shape) -> Array:
    """Nothing happens beside the spread."""
    return numpy.zeros(shape)


def one_in_ten(drawn: Generator, shape: Shape) -> Array:
    """One launch in ten is a fifth slower."""
    return BUSY * (drawn.random(shape) < 0.1)


def two_modes(share: float) -> Callable[[Generator, Shape], Array]:
    """Return a host on which this share of launches is 7 % slower."""
    return lambda drawn, shape: SECOND_MODE * (drawn.random(shape) < share)


def line(change: float) -> Callable[[Generator, Shape], Array]:
    """Return a machine that drifts evenly, by ``change`` from the first launch to the last."""
    return lambda _, shape: numpy.broadcast_to(numpy.linspace(0, change, shape[2]), shape)


def autoregressive(
    rho: float, spread: float, *, shared: bool
) -> Callable[[Generator, Shape], Array]:
    """Return a drift whose correlation from launch to launch is ``rho``; of each case its own."""

    def made(drawn: Generator, shape: Shape) -> Array:
        own = (shape[0], 1 if shared else shape[1])
        found = numpy.empty((*own, shape[2]))
        found[..., 0] = drawn.normal(0, spread, own)
        for place in range(1, shape[2]):
            new = drawn.normal(0, spread * numpy.sqrt(1 - rho**2), own)
            found[..., place] = rho * found[..., place - 1] + new
        return numpy.broadcast_to(found, shape)

    return made


def places(launches: int, design: Design) -> tuple[NDArray[numpy.int_], NDArray[numpy.int_]]:
    """Return where launches of base and candidate are in the order of time: ABBA, or apart."""
    rounds = numpy.arange(launches)
    if design == Design.APART:
        return rounds, rounds + launches
    swapped = rounds % 2 if design == Design.IN_TURNS else 0 * rounds
    return 2 * rounds + swapped, 2 * rounds + 1 - swapped


@dataclass(frozen=True, kw_only=True)
class World:
    """What is true of the runs that are drawn."""

    spread: float
    beside: Callable[[Generator, Shape], Array] = none
    heavy: bool = False  #: Student's t with three degrees of freedom, of the same spread
    launches: int = 5
    design: Design = Design.IN_TURNS

    def drawn(self, runs: int, cases: int, row: int = 0) -> list[Array]:
        """Return both quantities; ``row`` makes the seed."""
        generator = numpy.random.default_rng([SEED, row, cases])
        shape = (runs, cases, 2 * self.launches)

        def one() -> Array:
            if self.heavy:
                return generator.standard_t(3, shape) / numpy.sqrt(3)
            return generator.normal(0, 1, shape)

        beside, common = self.beside(generator, shape), one()
        return [beside + self.spread * (common + one()) / numpy.sqrt(2) for _ in range(2)]


def judged(
    drawn: list[Array],
    world: World,
    *,
    change: float = 0.0,
    every: bool = False,
) -> tuple[NDArray[numpy.bool_], NDArray[numpy.bool_]]:
    """Return of each run whether its first case is SLOWER, and whether the gate fails.

    ``change`` is the truth of the first case, or with ``every`` of all.
    """
    base_at, candidate_at = places(world.launches, world.design)
    sides = []
    for quantity in drawn:
        candidate = quantity[..., candidate_at].copy()
        candidate[:, slice(None) if every else slice(1)] += numpy.log1p(change)
        at = (base_at.astype(float), candidate_at.astype(float))
        sides.append(Sides(quantity[..., base_at], candidate, *at))
    run = gate_rule.judge(sides, [world.design] * drawn[0].shape[1])
    slower = numpy.logical_or.reduce(gate_rule.slower(run, world.launches))
    together = gate_rule.all_slower(run, world.launches).any(-1)
    return slower[:, 0], slower.any(-1) | together
