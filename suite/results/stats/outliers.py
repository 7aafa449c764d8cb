"""Which repeats of a side are unlike its others: much slower, and too few to be its scatter.

A host that is busy for minutes makes one repeat in ten a fifth slower. Left in, it would hide a
change of 5 %. The test is Grubbs's, for several at once as Rosner (1983, Technometrics 25:165)
has it, so that two do not hide each other.
"""

import numpy
from numpy.typing import NDArray

from suite.results.stats.moderated import Array

ALPHA = 0.01
LEAST = 0.1  #: less than this share slower than the others is never left out
ONE_IN = 5  #: of so many repeats of a side one may be left out: more are how it is


def without(logs: Array) -> Array:
    """Return logarithms ``(..., repeats)`` with those left out as NaN, as missing ones are."""
    from scipy.special import stdtrit

    kept = logs.copy()
    taken = logs.copy()
    number = numpy.isfinite(logs).sum(-1)
    for round_ in range(logs.shape[-1] // ONE_IN):
        count = numpy.isfinite(taken).sum(-1)
        allowed = (count >= 4) & (round_ < number // ONE_IN)
        if not allowed.any():
            break
        place = numpy.argmax(numpy.where(numpy.isfinite(taken), taken, -numpy.inf), -1)
        longest = numpy.take_along_axis(taken, place[..., None], -1)[..., 0]
        numpy.put_along_axis(taken, place[..., None], numpy.nan, -1)
        mean, spread = mean_and_variance(taken)
        rest = numpy.maximum(count - 1, 2)
        beyond = stdtrit(rest - 1.0, 1 - ALPHA / numpy.maximum(count, 1))
        far = longest - mean
        odd = far > beyond * numpy.sqrt(spread * (1 + 1 / rest))
        odd &= allowed & (far > numpy.log1p(LEAST))
        # Those before it go too: it is they that hid it.
        kept = numpy.where(odd[..., None], taken, kept)
    return kept


def mean_and_variance(values: Array) -> tuple[Array, Array]:
    """Return mean and sample variance over the last axis of what is not NaN.

    Without a value the mean is NaN, without two the variance is.
    """
    known: NDArray[numpy.bool_] = numpy.isfinite(values)
    count = known.sum(-1)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        mean = numpy.where(known, values, 0.0).sum(-1) / count
        squares = numpy.where(known, (values - mean[..., None]) ** 2, 0.0).sum(-1)
        return mean, squares / numpy.where(count > 1, count - 1, numpy.nan)
