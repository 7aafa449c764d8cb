"""Variances of many cases, each known from a few repeats, shrunk to what they have in common.

Five repeats say little of how far a case scatters; the other cases of the run say more. The model
is that of the moderated t-test: variances are drawn from a scaled inverse chi-square distribution,
whose two parameters are fitted to the logarithms of those that were seen (Smyth 2004, Statistical
Applications in Genetics and Molecular Biology 3(1), section 6.2; ``squeezeVar`` of limma).

Two limits are ours. The prior never counts for more degrees of freedom than ``MOST_FREEDOM``, nor
than the other cases have: of one case nothing is shrunk, of two each counts as much as the other.
"""

import numpy
from numpy.typing import NDArray

Array = NDArray[numpy.float64]

MOST_FREEDOM = 30.0  #: of the prior: variances of real cases are never quite alike
#: A variance of less than this share of the median counts as that: a logarithm of 0 is none.
LEAST_SHARE = 1e-5
_LARGE = 4.0
_NEWTON_STEPS = 8  #: convergence is quadratic and monotone from the start that is taken


def inverse_trigamma(values: Array) -> Array:
    """Return ``y`` with ``trigamma(y) = value`` for positive values, by Newton's method.

    On 1/trigamma, which is nearly linear (Smyth 2004, appendix). Of large values the series at 0,
    1/y², is the better start.
    """
    from scipy.special import polygamma

    y = numpy.where(values > _LARGE, 1 / numpy.sqrt(values), 0.5 + 1 / values)
    for _ in range(_NEWTON_STEPS):
        trigamma = polygamma(1, y)
        y = y + trigamma * (1 - trigamma / values) / polygamma(2, y)
    return y


def shrunk(variances: Array, freedom: Array) -> tuple[Array, Array]:
    """Return the moderated variances and their degrees of freedom, both ``(..., cases)``.

    ``variances`` are sample variances, ``freedom`` their degrees of freedom: 0 where a case has
    none, which stays as it is and says nothing of the others.
    """
    from scipy.special import digamma, polygamma

    known = (freedom > 0) & numpy.isfinite(variances)
    count = known.sum(-1, keepdims=True)
    middle = numpy.nanmedian(numpy.where(known, variances, numpy.nan), -1, keepdims=True)
    usable = (count >= 2) & (middle > 0)
    if not usable.any():
        return variances, freedom
    half = numpy.where(known, freedom, 2.0) / 2
    floor = LEAST_SHARE * numpy.where(usable, middle, 1.0)
    logs = numpy.log(numpy.maximum(numpy.where(known, variances, floor), floor))
    logs = logs - digamma(half) + numpy.log(half)
    mean = _mean(logs, known, count)
    number = numpy.maximum(count - 1, 1)
    between = numpy.where(known, (logs - mean) ** 2, 0.0).sum(-1, keepdims=True) / number
    excess = between - _mean(polygamma(1, half), known, count)
    # What scatters no more than chance has it: a prior as sure as is allowed.
    least = polygamma(1, MOST_FREEDOM / 2)
    prior = 2 * inverse_trigamma(numpy.maximum(excess, least))
    variance = numpy.exp(mean + digamma(prior / 2) - numpy.log(prior / 2))
    others = numpy.where(known, freedom, 0.0).sum(-1, keepdims=True) - freedom
    weight = numpy.where(known & usable, numpy.minimum(prior, others), 0.0)
    total = freedom + weight
    own = numpy.where(known, freedom * variances, 0.0)
    moderated = (own + weight * variance) / numpy.maximum(total, 1e-300)
    return numpy.where(known, moderated, variances), numpy.where(known, total, freedom)


def _mean(values: Array, known: NDArray[numpy.bool_], count: NDArray[numpy.int_]) -> Array:
    total: Array = numpy.where(known, values, 0.0).sum(-1, keepdims=True)
    return total / numpy.maximum(count, 1)
