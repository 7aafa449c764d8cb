"""The rule of a gate for step times: which cases of a run got slower, and did all a little?

One number a repeat, never steps: those share a process. Of each case several quantities are
judged, and all cases and quantities are one family of tests. Nothing here knows of records, and
leading axes are allowed everywhere: the simulation of ``tox -e gate`` draws thousands of runs and
puts them through these very functions.

What may be wrong is given out once, ``ALPHA`` for the whole gate: to single cases, to all of them
together, and to losses. A test that is not made leaves its share to the cases, and which tests are
made follows from how repeats were taken, never from their values.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from suite.results.stats import designs, moderated, outliers
from suite.results.stats.designs import Design, SideDifference, Sides
from suite.results.stats.moderated import Array
from suite.results.stats.significance import (
    FEW_MARGIN,
    GATE_LAUNCHES,
    LOSS_ALPHA,
    MARGIN,
    POOLED_ALPHA,
    POOLED_MARGIN,
    SLOWER_ALPHA,
)

#: With fewer cases variances are not shrunk: two say nothing of how they scatter.
LEAST_CASES = 3
#: All cases together are not one case said twice.
LEAST_POOLED = 2
#: A published spread that is so much larger than what these repeats show is of another host.
CONTRADICTED = 0.05


class Published(NamedTuple):
    """Variances of a repeat that are known from elsewhere, ``(cases,)``; freedom 0: unknown."""

    variance: Array
    freedom: Array


class Family(NamedTuple):
    """P-values of one quantity's cases, ``(..., cases)``; adjusted for all that are judged."""

    estimate: SideDifference
    slower: Array
    faster: Array
    same: Array  #: not adjusted: it fails no gate


class Judgement(NamedTuple):
    """What is found of a run: each quantity's cases, and all cases together for each quantity.

    ``alpha`` is what adjusted p-values of cases are held against, ``pooled_alpha`` those of
    ``pooled``, whose axes are ``(..., quantities)``. ``tests`` is the size of the family.
    """

    quantities: list[Family]
    alpha: float
    tests: int
    pooled: SideDifference | None
    pooled_slower: Array | None
    pooled_alpha: float


def shares(cases: int, made: Collection[Design]) -> tuple[float, float]:
    """Return what of the gate's alpha single cases have, and step times of all together.

    ``made`` are the designs of the cases. Sides that were measured one after the other have no
    test of all together: a machine that drifts moves all cases alike.
    """
    together = len(made) == 1 and Design.APART not in made and cases >= LEAST_POOLED
    time = POOLED_ALPHA if together else 0.0
    return SLOWER_ALPHA - LOSS_ALPHA - time, time


def judge(
    quantities: Sequence[Sides],
    made: Sequence[Design],
    published: Sequence[Published | None] = (),
) -> Judgement:
    """Judge the quantities of a run: sides of equal shape, whose cases were taken as ``made``.

    ``published`` goes with the quantities, where any is known.
    """
    known = [*published, *[None] * (len(quantities) - len(published))]
    estimates = [
        _estimate(left_out(sides), made, each)
        for sides, each in zip(quantities, known, strict=True)
    ]
    alpha, pooled_alpha = shares(len(made), set(made))
    tests = sum(_asked(sides) for sides in quantities)
    slower = _holm_over([p_above(each, 0.0) for each in estimates])
    faster = _holm_over([p_above(_turned(each), 0.0) for each in estimates])
    limit = numpy.log1p(MARGIN)
    same = [
        numpy.maximum(p_above(each, -limit), p_above(_turned(each), -limit)) for each in estimates
    ]
    families = [Family(*each) for each in zip(estimates, slower, faster, same, strict=True)]
    pooled = pooled_slower = None
    if pooled_alpha:
        of, _ = designs.OF_DESIGN[made[0]]
        # With every repeat: those left out are of single cases, and means over cases bear them.
        together = [of(_together(sides)) for sides in quantities]
        pooled = SideDifference(
            *(numpy.concatenate(parts, -1) for parts in zip(*together, strict=True))
        )
        pooled_slower = holm(p_above(pooled, 0.0))
    return Judgement(families, alpha, tests, pooled, pooled_slower, pooled_alpha)


def slower(found: Judgement, launches: int) -> list[NDArray[numpy.bool_]]:
    """Return of each quantity which cases are SLOWER, of so many repeats a side."""
    limit = numpy.log1p(margin_of(launches))
    return [(each.slower < found.alpha) & (each.estimate.log > limit) for each in found.quantities]


def faster(found: Judgement, launches: int) -> list[NDArray[numpy.bool_]]:
    """Return of each quantity which cases are FASTER."""
    limit = numpy.log1p(margin_of(launches))
    return [
        (each.faster < found.alpha) & (each.estimate.log < -limit) for each in found.quantities
    ]


def all_slower(found: Judgement, launches: int) -> NDArray[numpy.bool_]:
    """Return of each quantity whether all cases together are slower, ``(..., quantities)``."""
    if found.pooled is None or found.pooled_slower is None or launches < GATE_LAUNCHES:
        shape = (*found.quantities[0].slower.shape[:-1], len(found.quantities))
        return numpy.zeros(shape, bool)
    above: NDArray[numpy.bool_] = found.pooled.log > numpy.log1p(POOLED_MARGIN)
    return above & (found.pooled_slower < found.pooled_alpha)


def margin_of(launches: int) -> float:
    """Return what a change must exceed, by how many repeats a side has."""
    return MARGIN if launches >= GATE_LAUNCHES else FEW_MARGIN


def left_out(sides: Sides) -> Sides:
    """Return the sides without the repeats that are unlike the others (``outliers``)."""
    return sides._replace(
        base=outliers.without(sides.base), candidate=outliers.without(sides.candidate)
    )


def _estimate(sides: Sides, made: Sequence[Design], published: Published | None) -> SideDifference:
    """Return the cases' differences, with variances shrunk and joined with what is known."""
    shape = sides.base.shape[:-1]
    found = SideDifference(*(numpy.full(shape, numpy.nan) for _ in SideDifference._fields))
    for design in dict.fromkeys(made):
        places = numpy.flatnonzero([each == design for each in made])
        of, variances = designs.OF_DESIGN[design]
        each = of(Sides(*(_cases(values, places) for values in sides)))
        if places.size >= LEAST_CASES:
            each = each._replace(**_moderated(each))
        if published is not None:
            known = Published(variances * published.variance[places], published.freedom[places])
            each = each._replace(**_joined(each, known))
        for whole, one in zip(found, each, strict=True):
            whole[..., places] = one
    return found


def _cases(values: Array, places: NDArray[numpy.intp]) -> Array:
    return values[..., places, :] if values.ndim > 1 else values


def _moderated(found: SideDifference) -> dict[str, Array]:
    variance, freedom = moderated.shrunk(found.variance, found.freedom)
    return {"variance": variance, "freedom": freedom}


def _joined(found: SideDifference, known: Published) -> dict[str, Array]:
    """Return variances pooled with published ones, where those are larger but not much larger.

    A smaller one never makes a gate sharper than its own repeats do. One that they contradict (an
    F-test) is of another host or another time.
    """
    from scipy.special import fdtri

    both = (found.freedom > 0) & (known.freedom > 0)
    freedom = numpy.where(both, found.freedom, 1.0)
    of_known = numpy.where(both, known.freedom, 1.0)
    most = fdtri(of_known, freedom, 1 - CONTRADICTED)
    fits = both & (known.variance > found.variance) & (known.variance < most * found.variance)
    total = freedom + of_known
    pooled = (freedom * found.variance + of_known * known.variance) / total
    return {
        "variance": numpy.where(fits, pooled, found.variance),
        "freedom": numpy.where(fits, total, found.freedom),
    }


def _together(sides: Sides) -> Sides:
    """Return all cases of a run as one, ``(..., 1, repeats)``: means over cases at equal places.

    Each case about its own middle, so that one without a repeat moves nothing.
    """
    ends = [outliers.mean_and_variance(each)[0] for each in (sides.base, sides.candidate)]
    middle = ((ends[0] + ends[1]) / 2)[..., None]

    def over_cases(values: Array) -> Array:
        turned = numpy.moveaxis(values, -2, -1)
        return outliers.mean_and_variance(turned)[0][..., None, :]

    places = [each if each.ndim < 2 else over_cases(each) for each in sides[2:]]
    return Sides(over_cases(sides.base - middle), over_cases(sides.candidate - middle), *places)


def _asked(sides: Sides) -> int:
    """Return how many cases have numbers on both sides, of the first run of leading axes."""
    ends = (sides.base, sides.candidate)
    known = [numpy.isfinite(each).any(-1).reshape(-1, each.shape[-2])[0] for each in ends]
    return int((known[0] & known[1]).sum())


def _turned(found: SideDifference) -> SideDifference:
    return found._replace(log=-found.log)


def p_above(found: SideDifference, limit: float) -> Array:
    """Return the p-values of logarithms being above a limit, against not; NaN where unknown."""
    from scipy.special import stdtr

    error, above = found.error, found.log - limit
    with numpy.errstate(invalid="ignore", divide="ignore"):
        p = stdtr(numpy.maximum(found.freedom, 1.0), -above / error)
    exact = numpy.where(above > 0, 0.0, 1.0)
    p = numpy.where(error > 0, p, exact)
    return numpy.where(found.freedom > 0, p, numpy.where(numpy.isnan(found.log), numpy.nan, 1.0))


def _holm_over(values: Sequence[Array]) -> list[Array]:
    """Return p-values adjusted for all members of all arrays together."""
    ends = numpy.cumsum([each.shape[-1] for each in values])[:-1]
    return list(numpy.split(holm(numpy.concatenate(values, -1)), ends, -1))


def holm(values: Array) -> Array:
    """Return p-values adjusted for their number on the last axis; NaN is no member (Holm 1979)."""
    count = numpy.isfinite(values).sum(-1, keepdims=True)
    order = numpy.argsort(values, -1, kind="stable")  # NaN last
    ranked = numpy.take_along_axis(values, order, -1)
    factors = numpy.maximum(count - numpy.arange(values.shape[-1]), 1)
    adjusted = numpy.empty_like(values)
    raised = numpy.maximum.accumulate(numpy.minimum(ranked * factors, 1.0), -1)
    numpy.put_along_axis(adjusted, order, raised, -1)
    return adjusted
