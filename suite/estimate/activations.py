"""Activations at the peak: a size by formula, times a number that is fitted for each kind of step.

What is kept for the backward pass is counted (``checkpoints``, ``unpacked``, ``mask``). Beside it
stands the larger of what one layer makes and what the loss makes, ``factor`` times its formula,
which is near 1 where the formula counts the tensors right. Where all weights are trained,
gradients appear while activations go, and the peak may be at either end of the backward pass.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from suite.estimate.interval import Interval
from suite.estimate.pass_sizes import Kind, Work

#: Relative errors of activations: the least that is ever claimed; that of a kind measured on one
#: model and fewer than three sizes, or asked far outside of them; and, as factors, those where it
#: was never measured.
LEAST_ERROR, NARROW_ERROR = 0.05, 0.25
UNMEASURED = (0.5, 2.0)

ActivationSample = tuple[str, Work, int]  #: model, work, measured bytes of activations


class ActivationScale(msgspec.Struct, frozen=True, kw_only=True):
    """What was fitted for one kind, on how many cases and which, and how far these lie off.

    ``error`` is relative; with two models or more that of each predicted from the others.
    """

    factor: float
    cases: int
    models: frozenset[str]
    tokens: tuple[int, int]
    error: float

    def beyond(self, tokens: int) -> float:
        """Return how far outside what was measured a pass is: 0 inside, towards 1 far away."""
        least, most = self.tokens
        # Grows slowly enough that the lower end of the interval still grows with the tokens.
        return 1 - min(1.0, most / max(tokens, 1), tokens / least)


def fit_scales(samples: Iterable[ActivationSample]) -> dict[Kind, ActivationScale]:
    """Return what the samples say about each of their kinds."""
    groups: dict[Kind, list[ActivationSample]] = {}
    for sample in samples:
        groups.setdefault(sample[1].kind, []).append(sample)
    return {kind: _scale(found) for kind, found in groups.items()}


def estimate(
    work: Work, scales: Mapping[Kind, ActivationScale], model: str
) -> tuple[Interval, ActivationScale | None]:
    """Return the bytes of activations, and the fit that they come from: None, not calibrated."""
    scale = scales.get(work.kind)
    if scale is None:
        near = _nearest(work.kind, scales)
        value = _bytes(work, near.factor if near else 1.0)
        low, high = UNMEASURED
        return Interval(value=value, low=value * low, high=value * high), None
    value = _bytes(work, scale.factor)
    error = scale.error
    if model not in scale.models:
        error = max(error, NARROW_ERROR)
    error = min(0.95, error + NARROW_ERROR * scale.beyond(work.tokens))
    return Interval(value=value, low=value * (1 - error), high=value * (1 + error)), scale


def _bytes(work: Work, factor: float) -> float:
    beside, scaled = _parts(work, factor)
    return max(0.0, beside + factor * scaled)


def _parts(work: Work, factor: float) -> tuple[float, float]:
    """Return the bytes that are counted, and those that are multiplied by the factor."""
    layer = max(work.logits, work.layer + work.scores)
    if work.kind.trains == "adapters":
        return work.checkpoints + work.unpacked + work.mask, layer
    # All gradients are there but the embedding's, which is made last; a tied one twice.
    last = (work.embedding if work.tied else 0.0, 3.0 * work.hidden)
    gradients = work.gradients
    head = 0 if work.tied else work.embedding
    first = (work.checkpoints + head - gradients, layer)
    return max(last, first, key=lambda pair: pair[0] + factor * pair[1])


def _scale(samples: Sequence[ActivationSample]) -> ActivationScale:
    factor = _fitted(samples)
    models = frozenset(model for model, _, _ in samples)
    errors = [_error(sample, factor) for sample in samples]
    if len(models) > 1:
        for model in models:
            rest = _fitted([sample for sample in samples if sample[0] != model])
            errors += [_error(sample, rest) for sample in samples if sample[0] == model]
    tokens = [work.tokens for _, work, _ in samples]
    least = LEAST_ERROR if len(models) > 1 or len(set(tokens)) > 2 else NARROW_ERROR
    return ActivationScale(
        factor=factor,
        cases=len(samples),
        models=models,
        tokens=(min(tokens), max(tokens)),
        error=min(0.95, max(least, *errors)),
    )


def _error(sample: ActivationSample, factor: float) -> float:
    _, work, size = sample
    return abs(_bytes(work, factor) - size) / max(size, 1)


def _fitted(samples: Sequence[ActivationSample]) -> float:
    """Return the factor, 0 or more, of the least squared relative error."""
    squares = products = 0.0
    for _, work, size in samples:
        beside, scaled = _parts(work, 1.0)
        weight = max(size, 1) ** -2
        squares += weight * scaled * scaled
        products += weight * scaled * (size - beside)
    return max(0.0, products / squares) if squares else 1.0


def _nearest(kind: Kind, scales: Mapping[Kind, ActivationScale]) -> ActivationScale | None:
    """Return the fit of the kind that shares most, the engine counting first; None of none."""

    def likeness(other: Kind) -> tuple[int, int, int]:
        same = sum(getattr(kind, name) == getattr(other, name) for name in kind.__struct_fields__)
        return other.engine == kind.engine, same, scales[other].cases

    alike = [k for k in scales if k.trains == kind.trains and k.loss == kind.loss]
    return scales[max(alike, key=likeness)] if alike else None
