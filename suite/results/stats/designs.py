"""What repeats of two sides say of their difference, by how they were taken.

- In turns (ABBA): whatever drifts is beside both sides. ``by_line`` takes one straight line over
  time out of all repeats, by least squares, and compares what is left.
- At once: both sides were alive and took steps in turns, so a round shares whatever happens in it.
  ``by_rounds`` compares within rounds.
- One side after the other: ``apart`` can only compare two groups. A drift is in their difference.

Why rounds are not paired where whole repeats take turns: that leaves 4 degrees of freedom of five
rounds and the line leaves 7. A repeat takes minutes, and the noise of one is not that of the next.
``tox -e gate`` shows both false alarms and detection with drifts of several kinds.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import numpy

from suite.results.stats.moderated import Array
from suite.results.stats.outliers import mean_and_variance


class Design(StrEnum):
    """How the repeats of a case were taken."""

    IN_TURNS = "in turns"
    AT_ONCE = "at once"
    APART = "one side after the other"


class Sides(NamedTuple):
    """Logarithms of one number a repeat, ``(..., cases, repeats)``; NaN where there is none.

    ``base_at`` and ``candidate_at`` are places in the order of time, of the same last two axes.
    Where sides were taken at once, the same index of the last axis is the same round.
    """

    base: Array
    candidate: Array
    base_at: Array
    candidate_at: Array


class SideDifference(NamedTuple):
    """The candidate's logarithm less the base's, ``(..., cases)``.

    ``variance`` is of a repeat or a round, with its degrees of ``freedom``; ``share`` of it is the
    square of the standard error. Freedom 0: nothing is known of the variance.
    """

    log: Array
    variance: Array
    freedom: Array
    share: Array

    @property
    def error(self) -> Array:
        """Return the standard error of ``log``."""
        error: Array = numpy.sqrt(self.variance * self.share)
        return error


def apart(sides: Sides) -> SideDifference:
    """Compare two independent groups, whose variances may differ (Welch 1947)."""
    means, parts, counts = [], [], []
    for side in (sides.base, sides.candidate):
        mean, variance = mean_and_variance(side)
        count = numpy.isfinite(side).sum(-1)
        means.append(mean)
        counts.append(count)
        parts.append(variance / numpy.maximum(count, 1))
    total = parts[0] + parts[1]
    with numpy.errstate(invalid="ignore", divide="ignore"):
        share = 1 / counts[0] + 1 / counts[1]
        weights = sum(p**2 / (n - 1) for p, n in zip(parts, counts, strict=True))
        freedom = numpy.where(total > 0, total**2 / weights, counts[0] + counts[1] - 2.0)
    return _known(SideDifference(means[1] - means[0], total / share, freedom, share))


def by_rounds(sides: Sides) -> SideDifference:
    """Compare within rounds (paired t); variance is of a round's difference."""
    differences = sides.candidate - sides.base
    mean, variance = mean_and_variance(differences)
    count = numpy.isfinite(differences).sum(-1)
    with numpy.errstate(divide="ignore"):
        return _known(SideDifference(mean, variance, count - 1.0, 1 / count))


def by_line(sides: Sides) -> SideDifference:
    """Compare the sides beside a straight line over all repeats; variance is of a repeat."""
    values = numpy.concatenate([sides.base, sides.candidate], -1)
    at = numpy.concatenate(numpy.broadcast_arrays(sides.base_at, sides.candidate_at), -1)
    at = numpy.broadcast_to(at, values.shape)
    known = numpy.isfinite(values)
    which = numpy.repeat([-0.5, 0.5], [sides.base.shape[-1], sides.candidate.shape[-1]])
    count = known.sum(-1)

    def centred(terms: Array) -> Array:
        total = numpy.where(known, terms, 0.0).sum(-1, keepdims=True)
        return numpy.where(known, terms - total / numpy.maximum(count, 1)[..., None], 0.0)

    y, side, line = centred(values), centred(numpy.broadcast_to(which, values.shape)), centred(at)
    # The line is taken out of both, and what is left compared (Frisch and Waugh 1933).
    with numpy.errstate(invalid="ignore", divide="ignore"):
        length = (line**2).sum(-1, keepdims=True)
        y = y - line * ((line * y).sum(-1, keepdims=True) / length)
        side = side - line * ((line * side).sum(-1, keepdims=True) / length)
        size = (side**2).sum(-1)
        log = (side * y).sum(-1) / size
        squares = (numpy.where(known, y - side * log[..., None], 0.0) ** 2).sum(-1)
        freedom = count - 3.0
        return _known(SideDifference(log, squares / freedom, freedom, 1 / size))


def _known(found: SideDifference) -> SideDifference:
    """Return it with freedom 0 where no variance can be computed."""
    fine = (found.freedom > 0) & numpy.isfinite(found.variance) & numpy.isfinite(found.share)
    return SideDifference(
        found.log,
        numpy.where(fine, found.variance, numpy.nan),
        numpy.where(fine, found.freedom, 0.0),
        found.share,
    )


#: How each design is judged, and how many variances of a repeat its ``variance`` is.
OF_DESIGN: dict[Design, tuple[Callable[[Sides], SideDifference], float]] = {
    Design.IN_TURNS: (by_line, 1.0),
    Design.AT_ONCE: (by_rounds, 2.0),
    Design.APART: (apart, 1.0),
}
